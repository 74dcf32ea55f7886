"""Texts of the pages: questions about photos from elsewhere, wrong tokens, and words that are not broken."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from muster.composition.local import LocalServices
from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Role, User
from tests.e2e.pictures import dated
from tests.e2e.web import phone as phones
from tests.e2e.web.phone import Watched, choose


@pytest.fixture
def registered(site: str, samples: Path) -> Iterator[httpx.Client]:
    """One registered student."""
    with httpx.Client(base_url=site, timeout=120) as api:
        photo = (samples / "gallery" / "barack_obama.jpg").read_bytes()
        fields = {"student_id": "s1", "name": "Barack Obama", "group_id": "7b", "consent": "true"}
        api.post("/register/register-student", data=fields, files={"image": photo}).raise_for_status()
        yield api


def old_photo(samples: Path) -> dict[str, Any]:
    """A photo of 2019 that says where it was taken, too."""
    picture = Image.open(samples / "photos" / "group.jpg")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2019:05:03 08:15:00"
    exif.get_ifd(0x8769)[0x9011] = "+02:00"
    exif.get_ifd(0x8825)[1] = "N"
    content = BytesIO()
    picture.save(content, "JPEG", quality=92, exif=exif)
    return {"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}


def test_a_photo_of_another_day_that_waited_for_a_network_is_asked_about(
    registered: httpx.Client, page: Page, system: LocalServices, samples: Path, watched: Watched
) -> None:
    watched.allowed += ["409", "ERR_INTERNET_DISCONNECTED"]
    page.reload()
    expect(page.get_by_text("1 student")).to_be_visible()
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    page.context.set_offline(True)
    choose(page, old_photo(samples))
    expect(page.get_by_text("Waiting for a connection.")).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("Waiting for a connection.")).to_be_visible()
    page.get_by_role("link", name="Register", exact=True).click()
    expect(page.get_by_text("Registration needs a connection.")).to_be_visible()
    page.get_by_role("link", name="Roll call").click()
    page.context.set_offline(False)
    expect(page.get_by_text("This photo was taken on 3 May 2019. Use it anyway?")).to_be_visible()
    page.get_by_role("button", name="Use it", exact=True).click()
    expect(page.get_by_role("link", name="1 of 1")).to_be_visible()
    expect(page.get_by_text("Use it anyway?")).to_be_hidden()
    (session,) = system.sessions.find([GroupId("7b")])
    (photo,) = system.stores.sessions.photos(session.id)
    stored = Image.open(BytesIO(system.stores.sessions.original(session.id, photo.id)))
    assert stored.getexif().get_ifd(0x8769) == {0x9003: "2019:05:03 08:15:00", 0x9011: "+02:00"}
    assert stored.getexif().get_ifd(0x8825) == {}, "the place stays in the phone"


def test_a_photo_of_another_roll_call_is_asked_about_and_deleted(
    registered: httpx.Client, page: Page, samples: Path, watched: Watched
) -> None:
    watched.allowed.append("409")
    page.reload()
    choose(page, samples / "photos" / "group.jpg")
    expect(page.get_by_role("button", name="Barack Obama, present")).to_be_visible()
    page.get_by_role("link", name="Roll call").click()
    choose(page, samples / "photos" / "group.jpg")
    page.get_by_role("button", name="New roll call").click()
    asked = page.get_by_text("This photo has already been used in another roll call. Use it anyway?")
    expect(asked).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(asked).to_be_hidden()


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_other_formats_are_sent_without_a_day(registered: httpx.Client, page: Page, samples: Path, form: str) -> None:
    photo = dated(Image.open(samples / "photos" / "group.jpg"), "2019:05:03 08:15:00", form=form)
    page.reload()
    choose(page, {"name": "photo", "mimeType": f"image/{form.lower()}", "buffer": photo})
    expect(page.get_by_role("button", name="Barack Obama, present")).to_be_visible()


def test_a_wrong_token_is_said_until_the_right_one_comes(
    registered: httpx.Client, page: Page, system: LocalServices, watched: Watched
) -> None:
    watched.allowed.append("401")
    token = system.users.add(User(UserId("ada"), Role.TEACHER, "Ada"), [GroupId("7b")])
    page.reload()
    page.get_by_label("Token").fill("not-a-token")
    page.get_by_role("button", name="Sign in").click()
    wrong = page.get_by_text("Unknown token")
    expect(wrong).to_be_visible()
    expect(page.get_by_text("Your sign-in has expired")).to_be_hidden()
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("1 student")).to_be_visible()
    assert not wrong.is_visible()


def test_a_qr_code_with_an_old_token_says_so(page: Page, system: LocalServices, watched: Watched) -> None:
    watched.allowed.append("401")
    system.users.add(User(UserId("ada"), Role.TEACHER))
    page.goto("/#/token/old")
    expect(page.get_by_text("Unknown token")).to_be_visible()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Token").fill("x")


def test_a_message_goes_with_the_page_and_with_the_language(page: Page) -> None:
    # The first screen takes away what was said before it.
    expect(page.get_by_role("link", name="Register a student")).to_be_visible()
    page.evaluate("import('/parts/toast.js').then((toast) => toast.toast('It failed', { tone: 'bad' }))")
    expect(page.get_by_text("It failed")).to_be_visible()
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_text("It failed")).to_be_hidden()
    page.evaluate("import('/parts/toast.js').then((toast) => toast.toast('It is done'))")
    expect(page.get_by_text("It is done")).to_be_visible()
    page.get_by_label("Language").select_option("de")
    expect(page.get_by_text("It is done")).to_be_hidden()


def test_the_settings_say_that_liveness_is_not_checked(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_text("Muster does not check liveness")).to_be_visible()


BROKEN_WORDS = """() => {
    const broken = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        for (const { index, 0: word } of node.data.matchAll(/[\\p{L}\\d]{2,}/gu)) {
            const range = document.createRange();
            range.setStart(node, index);
            range.setEnd(node, index + word.length);
            if (new Set([...range.getClientRects()].map((place) => Math.round(place.top))).size > 1) broken.push(word);
        }
    }
    return broken;
}"""


@pytest.mark.parametrize("language", ["en-US", "de-DE"])
@pytest.mark.parametrize("size", ["100%", "200%"])
def test_no_word_breaks_and_the_bars_leave_most_of_the_screen(
    registered: httpx.Client, obama_before_the_camera: Browser, site: str, language: str, size: str, tmp_path: Path
) -> None:
    session = registered.post("/v1/sessions", json={"group_id": "7b"}).json()["session_id"]
    window = phones.context(obama_before_the_camera, base_url=site, locale=language)
    page = window.new_page()
    page.goto("/#/")
    page.locator("nav.tabs").wait_for()
    page.evaluate("size => (document.documentElement.style.fontSize = size)", size)
    for path in ("", "register", "history", "settings", f"session/{session}"):
        page.goto(f"/#/{path}")
        page.locator("h1").wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=tmp_path / f"{path.partition('/')[0] or 'roll'}.png")
        broken = [word for word in page.evaluate(BROKEN_WORDS) if len(word) < 25]
        assert broken == [], f"{path} in {language} at {size}"
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    page.evaluate("scrollTo(0, 0)")
    covered = page.evaluate(
        """() => [...document.querySelectorAll(".tabs, .bar")].map((bar) => bar.getBoundingClientRect())
            .reduce((sum, { top, bottom }) => sum + Math.max(0, Math.min(bottom, innerHeight) - Math.max(top, 0)), 0)
            / innerHeight"""
    )
    assert covered < 0.25
    window.close()
