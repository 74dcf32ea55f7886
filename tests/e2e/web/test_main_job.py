"""Register, call the roll, correct, report: what a teacher does, on the phone."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.web.phone import Watched, choose


def register(page: Page, name: str, identifier: str, group: str | None = None) -> None:
    """Fill in the form and take the photo that the camera sees."""
    page.get_by_role("link", name="Register", exact=True).click()
    if group is not None:
        page.get_by_label("New group").fill(group)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("ID", exact=True).fill(identifier)
    page.get_by_text("has agreed").click()
    page.get_by_role("button", name="Take photo").click()
    page.get_by_role("button", name="Register", exact=True).click()


def test_a_teacher_registers_calls_the_roll_corrects_and_reports(page: Page, site: str, samples: Path) -> None:
    api = httpx.Client(base_url=site, timeout=600)
    register(page, "Barack Obama", "s1", group="7b")
    expect(page.get_by_text("Barack Obama is registered.")).to_be_visible()
    api.post(
        "/v1/students", json={"student_id": "s2", "name": "Eileen Collins", "group_ids": ["7b"]}
    ).raise_for_status()
    student = api.get("/v1/students/s1").json()
    assert (student["state"], student["consent_wording"]) == ("registered", "2026-2")

    # The next one takes one tap: the form is empty, and the camera is asked for consent first.
    page.get_by_role("button", name="Register next student").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    expect(page.get_by_role("checkbox")).not_to_be_checked()

    page.get_by_role("link", name="Roll call").click()
    choose(page, samples / "photos" / "group.jpg")
    known = page.get_by_role("button", name="Barack Obama, present", exact=True)
    expect(known).to_be_visible()
    people = page.locator("[data-test=people]")
    expect(people.get_by_role("button", name="Eileen Collins")).to_be_visible()

    # She has no photo, so that no face is hers; the teacher sees her and says so.
    page.get_by_role("button", name="Unknown person, not recognised").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Barack Obama")).to_be_visible()
    expect(dialog.get_by_role("button", name="Eileen Collins")).to_be_hidden()
    page.keyboard.press("Escape")
    people.get_by_role("button", name="Eileen Collins").click()
    dialog.get_by_role("button", name="present").click()
    expect(people.get_by_role("button", name="Eileen Collins marked by hand present")).to_be_visible()
    expect(dialog).to_be_hidden()

    people.get_by_role("button", name="Barack Obama present").click()
    dialog.get_by_role("button", name="late").click()
    expect(people.get_by_role("button", name="Barack Obama marked by hand late")).to_be_visible()
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("2 of 2 present. Roll call saved.")).to_be_visible()

    (session,) = api.get("/v1/sessions", params={"group_id": "7b"}).json()["items"]
    assert session["counts"] == {"present": 1, "absent": 0, "late": 1, "excused": 0, "review": 0}
    marks = api.get(f"/v1/sessions/{session['session_id']}/marks").json()
    assert {(mark["student_id"], mark["status"], mark["source"]) for mark in marks} == {
        ("s1", "late", "manual"),
        ("s2", "present", "manual"),
    }

    page.get_by_role("link", name="History").click()
    expect(page.locator("[data-test=sessions]").get_by_text("2 of 2")).to_be_visible()
    page.get_by_role("link", name="Attendance this term").click()
    row = page.get_by_role("row", name="Barack Obama")
    expect(row.get_by_title("late")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert "Barack Obama" in download.value.path().read_text(encoding="utf-8-sig")


def test_a_past_roll_call_is_looked_at_and_corrected_with_the_servers_photo(
    page: Page, site: str, samples: Path
) -> None:
    register(page, "Barack Obama", "s1", group="7b")
    expect(page.get_by_text("is registered")).to_be_visible()
    page.get_by_role("link", name="Roll call").click()
    choose(page, samples / "photos" / "group.jpg", samples / "photos" / "dim.jpg")
    expect(page.locator(".photo")).to_have_count(2)
    page.reload()
    expect(page.get_by_role("button", name="Barack Obama, present").first).to_be_visible()
    expect(page.locator("server-picture img")).to_have_count(2)
    assert page.locator("server-picture img").first.evaluate("image => image.naturalWidth") == 1366
    page.get_by_role("button", name="Zoom in").first.click()
    page.get_by_role("button", name="Barack Obama, present").first.click()
    expect(page.get_by_role("dialog").locator("face-picture img").first).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Nobody in this group").click()
    # Another photo of the same roll call still shows him.
    expect(page.locator("[data-test=people]").get_by_role("button", name="Barack Obama present")).to_be_visible()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("dark", "Too dark. Turn towards the window"),
        ("without_face", "No face found"),
    ],
)
def test_a_photo_that_is_not_fit_is_refused_in_plain_words(
    page: Page, watched: Watched, spoil: str, sentence: str, unfit: Callable[[str], bytes]
) -> None:
    watched.allowed.append("422")
    page.get_by_role("link", name="Register", exact=True).click()
    page.get_by_label("New group").fill("7b")
    page.get_by_label("Name", exact=True).fill("Barack Obama")
    page.get_by_label("ID", exact=True).fill("s1")
    # Where the camera may not be used, the phone's own takes the photo.
    page.evaluate(
        "() => {navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))}"
    )
    page.get_by_text("has agreed").click()
    expect(page.get_by_text("Camera access is blocked")).to_be_visible()
    page.set_input_files("input[capture=user]", {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": unfit(spoil)})
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    page.get_by_role("button", name="Take another photo").click()
    # Nothing that was typed is lost.
    expect(page.get_by_label("Name", exact=True)).to_have_value("Barack Obama")


def test_a_twin_is_registered_when_the_teacher_says_so(page: Page, site: str, watched: Watched) -> None:
    watched.allowed.append("409")
    register(page, "Barack Obama", "s1", group="7b")
    expect(page.get_by_text("is registered")).to_be_visible()
    page.get_by_role("button", name="Register next student").click()
    register(page, "Barry Obama", "s2")
    expect(page.get_by_role("alert")).to_contain_text("looks like a student who is already registered")
    page.get_by_role("button", name="Different person: register anyway").click()
    expect(page.get_by_text("Barry Obama is registered.")).to_be_visible()
    students = httpx.get(f"{site}/v1/students").json()["items"]
    assert [student["student_id"] for student in students] == ["s1", "s2"]


def test_the_page_speaks_another_language(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Language").select_option("de")
    expect(page.get_by_role("heading", name="Einstellungen")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Verlauf")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "de"
