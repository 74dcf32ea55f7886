"""Photos on a bad network: kept in the phone, sent exactly once, gone from it afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from muster.composition.local import LocalServices
from muster.domain.identifiers import GroupId, PhotoId, SessionId, UserId
from muster.domain.user import Role, User
from tests.e2e.web import phone as phones
from tests.e2e.web.phone import Watched, choose

WAITS = "Waiting for a connection."


@pytest.fixture
def api(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, timeout=600) as client:
        yield client


@pytest.fixture
def registered(api: httpx.Client, samples: Path) -> None:
    photo = (samples / "gallery" / "barack_obama.jpg").read_bytes()
    fields = {"student_id": "s1", "name": "Barack Obama", "group_id": "7b", "consent": "true"}
    api.post("/register/register-student", data=fields, files={"image": photo}).raise_for_status()


def kept(page: Page) -> int:
    """Count the photos in the phone's storage."""
    count: int = page.evaluate(
        """() => new Promise((resolve) => {
            const asked = indexedDB.open("muster");
            asked.onsuccess = () => {
                const counted = asked.result.transaction("outbox").objectStore("outbox").count();
                counted.onsuccess = () => { asked.result.close(); resolve(counted.result); };
            };
        })"""
    )
    return count


def worker_ready(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")


def sessions(api: httpx.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/v1/sessions", params={"group_id": "7b"}).json()["items"]
    return items


def test_a_photo_taken_without_a_network_survives_the_page_and_is_sent_once(
    registered: None, page: Page, api: httpx.Client, samples: Path, watched: Watched
) -> None:
    watched.allowed.append("ERR_INTERNET_DISCONNECTED")
    page.reload()
    expect(page.get_by_text("1 student")).to_be_visible()
    worker_ready(page)
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline. Photos are saved")).to_be_visible()
    choose(page, samples / "photos" / "group.jpg")
    expect(page.get_by_text(WAITS)).to_be_visible()
    taken = datetime.now(UTC)
    assert kept(page) == 1

    # Closed and opened again, still without a network.
    address = page.url
    window = page.context
    page.close()
    page = window.new_page()
    page.goto(address)
    expect(page.get_by_text(WAITS)).to_be_visible()
    assert sessions(api) == []

    window.set_offline(False)
    expect(page.get_by_role("button", name="Barack Obama, present")).to_be_visible()
    expect(page.get_by_text(WAITS)).to_be_hidden()
    assert kept(page) == 0
    (session,) = sessions(api)
    assert session["counts"]["present"] == 1
    # The roll call was at the time of the photo, not of its sending.
    assert abs(datetime.fromisoformat(session["started_at"]) - taken).total_seconds() < 60
    assert len(api.get(f"/v1/sessions/{session['session_id']}/photos").json()) == 1


def test_a_photo_whose_answer_was_lost_is_counted_once(
    registered: None, page: Page, api: httpx.Client, samples: Path, watched: Watched
) -> None:
    watched.allowed.append("ERR_CONNECTION_RESET")
    keys: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.reload()
    page.context.route("**/mark/detect", lose_the_first_answer)
    choose(page, samples / "photos" / "group.jpg")
    expect(page.get_by_role("button", name="Barack Obama, present")).to_be_visible()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    (session,) = sessions(api)
    assert len(api.get(f"/v1/sessions/{session['session_id']}/photos").json()) == 1
    assert kept(page) == 0


def test_several_photos_are_one_roll_call_and_two_tabs_send_each_once(
    registered: None, page: Page, api: httpx.Client, samples: Path, watched: Watched
) -> None:
    watched.allowed.append("ERR_INTERNET_DISCONNECTED")
    page.reload()
    expect(page.get_by_text("1 student")).to_be_visible()
    worker_ready(page)
    sent: list[str] = []
    page.context.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.context.set_offline(True)
    choose(page, samples / "photos" / "group.jpg", samples / "photos" / "dim.jpg")
    expect(page.get_by_text(WAITS)).to_have_count(2)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_text(WAITS)).to_have_count(2)
    page.context.set_offline(False)
    for tab in (page, other):
        expect(tab.locator(".photo")).to_have_count(2)
    (session,) = sessions(api)
    assert len(api.get(f"/v1/sessions/{session['session_id']}/photos").json()) == 2
    assert len([url for url in sent if url.endswith("/mark/detect")]) == 2


def test_a_photo_that_is_refused_stays_until_the_teacher_decides(
    page: Page, api: httpx.Client, samples: Path, watched: Watched
) -> None:
    watched.allowed.append("404")
    api.post("/v1/groups", json={"group_id": "7b", "name": "Class 7b"}).raise_for_status()
    page.reload()
    choose(page, samples / "photos" / "group.jpg")
    expect(page.get_by_text("No students are registered in this group yet")).to_be_visible()
    assert kept(page) == 1
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No students are registered in this group yet")).to_be_hidden()
    assert kept(page) == 0


def test_a_large_photo_is_sent_upright_scaled_and_without_where_it_was_taken(
    registered: None, page: Page, system: LocalServices, api: httpx.Client, samples: Path
) -> None:
    picture = Image.open(samples / "photos" / "group.jpg").convert("RGB")
    picture = picture.resize((5440, 3058), Image.Resampling.LANCZOS).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to show
    exif.get_ifd(0x8825)[1] = "N"  # a place
    content = BytesIO()
    picture.save(content, "JPEG", quality=92, exif=exif)
    page.reload()
    choose(page, {"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()})
    expect(page.get_by_role("button", name="Barack Obama, present")).to_be_visible()
    (session,) = sessions(api)
    identifier = SessionId(session["session_id"])
    (photo,) = system.stores.sessions.photos(identifier)
    stored = Image.open(BytesIO(system.stores.sessions.original(identifier, PhotoId(photo.id))))
    assert max(stored.size) == 4096
    assert stored.width > stored.height
    assert dict(stored.getexif()) == {}


class TestWithUsers:
    """On a server that asks for tokens."""

    @pytest.fixture
    def token(self, system: LocalServices, registered: None) -> str:
        return system.users.add(User(UserId("ada"), Role.TEACHER, "Ada"), [GroupId("7b")])

    def test_a_token_out_of_a_qr_code_signs_in_and_does_not_stay_in_the_address(
        self, token: str, page: Page, watched: Watched
    ) -> None:
        watched.allowed.append("401")
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(f"/#/token/{token}")
        expect(page.get_by_text("1 student")).to_be_visible()
        assert token not in page.url
        page.get_by_role("link", name="Settings").click()
        expect(page.get_by_text("Ada Teacher")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert page.evaluate("JSON.stringify(localStorage)").count(token) == 0

    def test_a_link_does_not_change_who_is_signed_in_without_asking(
        self, token: str, page: Page, system: LocalServices, watched: Watched
    ) -> None:
        watched.allowed.append("401")
        page.goto(f"/#/token/{token}")
        expect(page.get_by_text("1 student")).to_be_visible()
        other = system.users.add(User(UserId("bob"), Role.TEACHER), [GroupId("7b")])
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.goto(f"/#/token/{other}")
        expect(page.get_by_text("1 student")).to_be_visible()
        assert page.evaluate("localStorage.getItem('muster.token')") == token

    def test_a_sign_in_that_ends_in_the_middle_of_sending_loses_nothing(
        self, token: str, page: Page, system: LocalServices, samples: Path, watched: Watched
    ) -> None:
        watched.allowed.append("401")
        page.goto(f"/#/token/{token}")
        expect(page.get_by_text("1 student")).to_be_visible()
        renewed: list[str] = []

        def end_the_sign_in(route: Route) -> None:
            if not renewed:
                renewed.append(system.users.renew_token(UserId("ada")))
            route.continue_()

        page.context.route("**/mark/detect", end_the_sign_in)
        choose(page, samples / "photos" / "group.jpg")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(page.get_by_text("1 photo is waiting on this phone")).to_be_visible()
        assert kept(page) == 1
        page.get_by_label("Token").fill(renewed[0])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("link", name="1 of 1")).to_be_visible()
        assert kept(page) == 0
        (session,) = system.sessions.find([GroupId("7b")])
        assert len(system.stores.sessions.photos(session.id)) == 1

    def test_nobody_sends_another_teachers_photos(
        self, token: str, page: Page, system: LocalServices, samples: Path, watched: Watched
    ) -> None:
        watched.allowed += ["401", "ERR_INTERNET_DISCONNECTED"]
        page.goto(f"/#/token/{token}")
        expect(page.get_by_text("1 student")).to_be_visible()
        worker_ready(page)
        page.context.set_offline(True)
        choose(page, samples / "photos" / "group.jpg")
        expect(page.get_by_text(WAITS)).to_be_visible()
        other = system.users.add(User(UserId("bob"), Role.TEACHER), [GroupId("7b")])
        page.get_by_role("link", name="Settings").click()
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.context.set_offline(False)
        page.goto(f"/#/token/{other}")
        expect(page.get_by_text("1 student")).to_be_visible()
        page.wait_for_timeout(1_500)
        assert kept(page) == 1
        assert system.sessions.find([GroupId("7b")]) == []


def test_without_a_camera_that_may_be_shown_the_phones_own_is_used(
    obama_before_the_camera: Browser, site: str, samples: Path
) -> None:
    window = phones.context(obama_before_the_camera, base_url=site)
    page = window.new_page()
    # What a page sees that came over the local network without HTTPS.
    page.add_init_script(
        "delete Navigator.prototype.mediaDevices; delete Navigator.prototype.serviceWorker;"
        "delete Navigator.prototype.locks; delete Crypto.prototype.randomUUID;"
    )
    page.goto("/#/register")
    page.get_by_label("New group").fill("7b")
    page.get_by_label("Name", exact=True).fill("Barack Obama")
    page.get_by_label("ID", exact=True).fill("s1")
    page.get_by_text("has agreed").click()
    page.set_input_files("input[capture=user]", samples / "gallery" / "barack_obama.jpg")
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_text("Barack Obama is registered.")).to_be_visible()
    page.get_by_role("link", name="Roll call").click()
    choose(page, samples / "photos" / "group.jpg")
    expect(page.get_by_role("button", name="Barack Obama, present")).to_be_visible()
    window.close()
