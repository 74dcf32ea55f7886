"""Absence needs a roll call: open questions, roll calls that were not taken, and deletion, on the phone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e import pictures
from tests.e2e.web import school
from tests.e2e.web.phone import choose


def upload(content: bytes) -> dict[str, Any]:
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content}


@pytest.fixture
def api(site: str, samples: Path) -> Iterator[httpx.Client]:
    """A class of two, one of them registered with a photo."""
    with httpx.Client(base_url=site, timeout=120) as client:
        photo = (samples / "gallery" / "barack_obama.jpg").read_bytes()
        fields = {"student_id": "s1", "name": "Barack Obama", "group_id": "7b", "consent": "true"}
        client.post("/register/register-student", data=fields, files={"image": photo}).raise_for_status()
        new = {"student_id": "s2", "name": "Eileen Collins", "group_ids": ["7b"]}
        client.post("/v1/students", json=new).raise_for_status()
        yield client


def sessions(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/v1/sessions", params={"group_id": "7b"}).json()["items"]
    return found


def test_a_photo_of_nobody_makes_nobody_absent_and_can_be_deleted(api: httpx.Client, page: Page) -> None:
    page.reload()
    choose(page, upload(pictures.landscape()))
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("No face found. Take the photo again.")
    expect(notice.get_by_text("Take again")).to_be_visible()
    expect(page.locator(".summary")).to_contain_text("not taken")
    expect(page.locator("[data-test=people]").get_by_role("button", name="Barack Obama not marked yet")).to_be_visible()

    page.get_by_role("button", name="Finish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The roll call counts as not taken, and nobody is marked absent.")
    dialog.get_by_role("button", name="Back").click()
    expect(dialog).to_be_hidden()

    # Still so after a reload, when the photo comes from the server.
    page.reload()
    notice.get_by_role("button", name="Delete this photo").click()
    dialog.get_by_role("button", name="Delete the photo").click()
    expect(page.locator(".photo")).to_have_count(0)
    (session,) = sessions(api)
    assert api.get(f"/v1/sessions/{session['session_id']}/photos").json() == []

    page.get_by_role("link", name="History").click()
    page.get_by_role("link", name="not taken").click()
    page.get_by_role("button", name="Delete this roll call").click()
    dialog.get_by_role("button", name="Delete the roll call").click()
    expect(page.get_by_text("Roll call deleted.")).to_be_visible()
    expect(page.get_by_text("No roll calls in this period.")).to_be_visible()
    assert sessions(api) == []


def test_an_open_question_stays_open_and_is_answered_without_the_finish_button_in_the_way(
    api: httpx.Client, page: Page, samples: Path
) -> None:
    page.reload()
    choose(page, upload(school.uncertain(samples)))
    expect(page.get_by_text("Is this Barack Obama?")).to_be_visible()
    people = page.locator("[data-test=people]")
    expect(people.get_by_role("button", name="Barack Obama to review")).to_be_visible()
    page.get_by_role("button", name="Finish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 question is open: Barack Obama. It stays to review and does not count as absent.")
    dialog.get_by_role("button", name="Leave it open").click()
    expect(page.get_by_text("Nobody is marked absent.")).to_be_visible()
    (session,) = sessions(api)
    assert (session["taken"], session["counts"]["review"], session["counts"]["absent"]) == (False, 1, 0)

    page.get_by_role("link", name="History").click()
    page.get_by_role("link", name="not taken, 1 to review").click()
    yes = page.get_by_role("button", name="Yes", exact=True)
    # Nothing covers it, at whatever height of the screen it stands.
    for block in ("start", "center", "end"):
        yes.evaluate("(button, block) => button.scrollIntoView({ block })", block)
    assert page.evaluate("getComputedStyle(document.querySelector('.bar')).position") == "static"
    yes.click()
    expect(people.get_by_role("button", name="Barack Obama face named by a teacher present")).to_be_visible()
    expect(
        people.get_by_role("button", name="Eileen Collins not recognised by photo: mark by hand absent")
    ).to_be_visible()
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("1 of 2 present. Roll call saved.")).to_be_visible()


def test_a_second_photo_within_minutes_is_offered_the_same_roll_call(
    api: httpx.Client, page: Page, samples: Path
) -> None:
    begun = (datetime.now(UTC) - timedelta(minutes=3)).isoformat()
    api.post("/v1/sessions", json={"group_id": "7b", "session_id": "a", "started_at": begun}).raise_for_status()
    page.reload()
    expect(page.get_by_text("Continue")).to_be_visible()
    choose(page, samples / "photos" / "group.jpg")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("A roll call for 7b started at")
    dialog.get_by_role("button", name="Add to the roll call of").click()
    expect(page.get_by_role("button", name="Barack Obama, present")).to_be_visible()
    assert [session["session_id"] for session in sessions(api)] == ["a"]

    page.get_by_role("link", name="Roll call").click()
    choose(page, samples / "photos" / "dim.jpg")
    dialog.get_by_role("button", name="New roll call").click()
    expect(page.get_by_role("button", name="Barack Obama, present")).to_be_visible()
    assert len(sessions(api)) == 2


def test_a_report_tells_not_taken_and_to_review_from_absent(api: httpx.Client, page: Page, samples: Path) -> None:
    for number, photo in enumerate((pictures.landscape(), school.uncertain(samples))):
        fields = {"group_id": "7b", "session_id": f"s{number}"}
        api.post("/mark/detect", data=fields, files={"images": photo}).raise_for_status()
    change = {"marks": [{"student_id": "s2", "status": "present"}]}
    api.patch("/v1/sessions/s1/marks", json=change, headers={"If-Match": "*"}).raise_for_status()
    page.goto("/#/report")
    row = page.get_by_role("row", name="Barack Obama")
    expect(row.get_by_title("to review")).to_be_visible()
    expect(row.get_by_title("not taken")).to_be_visible()
    expect(row.get_by_title("absent")).to_have_count(0)
    expect(page.get_by_text("1 roll call was not taken and does not count.")).to_be_visible()
    expect(page.get_by_text("1 open question, not counted in any rate.")).to_be_visible()
