"""Every screen, light and dark, on phone and tablet: free of barriers, and pictured for the docs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e import pictures
from tests.e2e.web import phone as phones
from tests.e2e.web import school
from tests.e2e.web.phone import choose

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

Screen = Callable[[Page, Path], None]


def picture(name: str, content: bytes) -> dict[str, Any]:
    """Return a JPEG to choose that is another file each time: bytes behind the picture are not looked at."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": content + uuid4().bytes}


def begin_roll_call(page: Page, *photos: dict[str, Any]) -> None:
    """Take photos of a roll call of their own, whether another one began a moment ago or not."""
    page.goto("/#/")
    choose(page, *photos)
    new = page.get_by_role("button", name="New roll call")
    expect(new.or_(page.locator(".session"))).to_be_visible()
    if new.is_visible():
        new.click()


def roll_call(page: Page, _: Path) -> None:
    page.goto("/#/")
    expect(page.get_by_text("Continue")).to_be_visible()


def session(page: Page, samples: Path) -> None:
    begin_roll_call(page, *school.group_photos(samples))
    expect(page.get_by_role("button", name="Barack Obama, present")).to_have_count(2)


def question(page: Page, samples: Path) -> None:
    begin_roll_call(page, picture("far.jpg", school.uncertain(samples)))
    expect(page.get_by_text("Is this Barack Obama?")).to_be_visible()
    page.locator(".pair").evaluate("pair => pair.scrollIntoView({ block: 'center' })")
    expect(page.locator(".question face-picture > *")).to_have_count(2)


def not_taken(page: Page, _: Path) -> None:
    begin_roll_call(page, picture("wall.jpg", pictures.landscape()))
    expect(page.get_by_text("No face found")).to_be_visible()


def face(page: Page, samples: Path) -> None:
    session(page, samples)
    page.get_by_role("button", name="Unknown person, not recognised").click()
    page.get_by_role("dialog").locator("li").last.scroll_into_view_if_needed()
    expect(page.get_by_role("dialog").locator("li face-picture img").last).to_be_visible()


def status(page: Page, samples: Path) -> None:
    session(page, samples)
    page.locator("[data-test=people]").get_by_role("button", name="Ida Berg").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def register(page: Page, _: Path) -> None:
    page.goto("/#/register")
    page.get_by_label("Name", exact=True).fill("Joana Silva")
    page.get_by_label("ID", exact=True).fill("0010")
    page.get_by_text("has agreed").click()
    expect(page.get_by_role("button", name="Take photo")).to_be_enabled()


def history(page: Page, _: Path) -> None:
    page.goto("/#/history")
    expect(page.locator("[data-test=sessions] li").nth(11)).to_be_visible()


def report(page: Page, _: Path) -> None:
    page.goto("/#/report")
    expect(page.get_by_role("row", name="Ida Berg")).to_be_visible()


def settings(page: Page, _: Path) -> None:
    page.goto("/#/settings")
    expect(
        page.get_by_text("compared with the registration photos").or_(page.get_by_text("is trained on"))
    ).to_be_visible()


def sign_in(page: Page, _: Path) -> None:
    page.goto("/#/sign-in")
    expect(page.get_by_label("Token")).to_be_visible()


# The question comes before the photo that teaches the student's looks, after which there is none.
SCREENS: dict[str, Screen] = {
    screen.__name__: screen
    for screen in (roll_call, register, history, report, settings, sign_in, question, session, not_taken, face, status)
}
LOOKS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FORMS = {"phone": phones.PHONE, "tablet": phones.TABLET}


@pytest.fixture
def windows(
    obama_before_the_camera: Browser, site: str, samples: Path, watched: phones.Watched
) -> Iterator[Callable[..., Page]]:
    """Open a page of a school with a term behind it, in any form and look."""
    with httpx.Client(base_url=site, timeout=600) as api:
        school.settle(api, samples)
    opened = []

    def window(**options: Any) -> Page:
        made = phones.context(obama_before_the_camera, base_url=site, **options)
        watched.watch(made)
        opened.append(made)
        return made.new_page()

    yield window
    for context in opened:
        context.close()
    assert watched.unexpected() == []


@pytest.mark.parametrize("form", FORMS)
def test_every_screen_is_free_of_barriers(
    windows: Callable[..., Page], samples: Path, folder: Path, tmp_path: Path, form: str
) -> None:
    found = {}
    page = windows(viewport=FORMS[form], color_scheme="light", reduced_motion="reduce")
    for name, show in SCREENS.items():
        show(page, samples)
        for look in LOOKS:
            page.emulate_media(color_scheme=look)
            page.wait_for_timeout(200)
            picture = folder / f"{name}-{form}-{look}.jpg"
            page.screenshot(path=picture, type="jpeg", quality=72)
            assert picture.stat().st_size > 10_000
        # At the end of the page nothing lies half under the bar that stays in reach of the thumb.
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        for look in reversed(LOOKS):
            page.emulate_media(color_scheme=look)
            page.wait_for_timeout(100)
            for violation in Axe().run(page, options=RULES).response["violations"]:
                if violation["impact"] in ("serious", "critical"):
                    barriers = [node["html"][:200] for node in violation["nodes"]][:3]
                    found[f"{name}, {look}: {violation['id']}"] = barriers
        if sideways := sideways_in_arabic(page, tmp_path / f"{name}.png"):
            found[f"{name}, Arabic"] = [f"{sideways} pixels wider than the screen"]
        if page.get_by_role("dialog").is_visible():
            page.keyboard.press("Escape")
    assert found == {}


def sideways_in_arabic(page: Page, picture: Path) -> int:
    """Show the screen in Arabic, from right to left, and in English again; return by how many pixels it overflows."""
    choose = "language => import('/core/i18n.js').then(texts => texts.chooseLanguage(language))"
    page.evaluate(choose, "ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=picture)
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.evaluate(choose, "en")
    return wide


def test_at_twice_the_text_size_nothing_is_cut_off(windows: Callable[..., Page], samples: Path) -> None:
    page = windows()
    for name, show in SCREENS.items():
        show(page, samples)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        page.wait_for_timeout(200)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} scrolls sideways by {wide} pixels"
        if page.get_by_role("dialog").is_visible():
            page.keyboard.press("Escape")


def test_the_roll_call_is_corrected_with_the_keyboard_alone(windows: Callable[..., Page], samples: Path) -> None:
    page = windows()
    session(page, samples)
    ida = page.locator("[data-test=people]").get_by_role("button", name="Ida Berg")
    for _ in range(40):
        page.keyboard.press("Tab")
        if ida.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    late = dialog.get_by_role("button", name="late")
    for _ in range(6):
        page.keyboard.press("Tab")
        if late.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Space")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Ida Berg marked by hand late")).to_be_visible()
