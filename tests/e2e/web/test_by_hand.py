"""A register without a photo, on the phone: with and without a network, searched, sorted, and undone."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.web.phone import Watched

NAMES = ("Amára Okafor", "Ben Lindqvist", "Chiara Rossi", "Dilan Kaya", "Eva Novák", "Farid Haidari", "Grace", "Hiro")


@pytest.fixture
def api(site: str) -> httpx.Client:
    """A class of eight without photos."""
    client = httpx.Client(base_url=site, timeout=120)
    for number, name in enumerate(NAMES):
        new = {"student_id": f"s{number}", "name": name, "group_ids": ["7b"]}
        client.post("/v1/students", json=new).raise_for_status()
    return client


def counts(api: httpx.Client) -> list[tuple[bool, int, int]]:
    """Return for each session, oldest first: taken, present, absent."""
    found = api.get("/v1/sessions", params={"group_id": "7b"}).json()["items"]
    return [(session["taken"], session["counts"]["present"], session["counts"]["absent"]) for session in found]


def test_a_register_without_a_photo_is_taken_undone_and_kept_without_a_network(
    api: httpx.Client, page: Page, watched: Watched
) -> None:
    watched.allowed += ["ERR_INTERNET_DISCONNECTED", "409"]
    page.reload()
    page.get_by_role("button", name="Without a photo").click()
    people = page.locator("[data-test=people]")
    expect(people.get_by_text("not marked yet")).to_have_count(8)
    page.get_by_role("button", name="All 8 present").click()
    expect(people.get_by_text("marked by hand")).to_have_count(8)
    expect(page.get_by_text("8 students are present.")).to_be_visible()
    assert counts(api) == [(True, 8, 0)]
    page.get_by_role("button", name="Undo").click()
    expect(people.get_by_text("not marked yet")).to_have_count(8)
    assert counts(api) == [(False, 0, 0)], "nobody is marked, so the roll call is not taken"

    # Search ignores accents; the keyboard reaches the list and opens the sheet.
    page.get_by_label("Search").fill("novak")
    expect(people.get_by_role("button")).to_have_count(1)
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="absent").click()
    expect(people.get_by_role("button", name="Eva Novák marked by hand absent")).to_be_visible()
    page.get_by_label("Search").fill("")
    page.get_by_label("Sort by").select_option("name")
    expect(people.get_by_role("button").first).to_contain_text("Amára Okafor")
    page.get_by_label("Search").press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(people.get_by_role("button", name="Ben Lindqvist")).to_be_focused()

    # Without a network the next marks wait on the phone, in a roll call that the server does not know.
    page.get_by_role("link", name="Roll call").click()
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    page.context.set_offline(True)
    page.get_by_role("button", name="Without a photo").click()
    page.get_by_role("button", name="All 8 present").click()
    expect(people.get_by_text("saved on this phone")).to_have_count(8)
    people.get_by_role("button", name="Hiro").click()
    page.get_by_role("dialog").get_by_role("button", name="absent").click()
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("The roll call is saved on this phone")).to_be_visible()
    assert len(counts(api)) == 1
    # A closing that waits can be taken back, and a change takes it back.
    page.get_by_role("button", name="Undo").click()
    page.go_back()
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("The roll call is saved on this phone")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("The register is closed once everything has been sent.")).to_be_visible()
    page.get_by_role("link", name="Roll call").click()
    page.context.set_offline(False)
    expect(page.get_by_role("link", name="7 of 8")).to_be_visible()
    expect(page.get_by_text("on this phone")).to_have_count(0)
    assert counts(api)[1] == (True, 7, 1)
    closed = api.get("/v1/sessions", params={"group_id": "7b"}).json()["items"][1]["closed_at"]
    assert closed is not None


def test_a_mark_that_somebody_else_set_meanwhile_is_named(api: httpx.Client, page: Page, watched: Watched) -> None:
    watched.allowed.append("412")
    api.post("/v1/sessions", json={"group_id": "7b", "session_id": "a"}).raise_for_status()
    page.goto("/#/session/a")
    people = page.locator("[data-test=people]")
    people.get_by_role("button", name="Grace").click()
    for student, status in (("s6", "late"), ("s7", "excused")):
        change = {"marks": [{"student_id": student, "status": status}]}
        api.patch("/v1/sessions/a/marks", json=change, headers={"If-Match": "*"}).raise_for_status()
    page.get_by_role("dialog").get_by_role("button", name="present").click()
    expect(page.get_by_text("Someone else has set another status (Grace: late).")).to_be_visible()
    page.keyboard.press("Escape")
    # Another student's mark is no conflict.
    people.get_by_role("button", name="Ben Lindqvist").click()
    api.patch("/v1/sessions/a/marks", json=change, headers={"If-Match": "*"}).raise_for_status()
    page.get_by_role("dialog").get_by_role("button", name="present").click()
    expect(people.get_by_role("button", name="Ben Lindqvist marked by hand present")).to_be_visible()


def test_a_guest_is_added_an_absence_is_planned_and_a_closing_is_undone(
    api: httpx.Client, page: Page, watched: Watched
) -> None:
    watched.allowed.append("ERR_INTERNET_DISCONNECTED")
    api.post("/v1/students", json={"student_id": "z1", "name": "Zoë Žižek", "group_ids": ["8a"]}).raise_for_status()
    api.post("/v1/sessions", json={"group_id": "7b", "session_id": "a"}).raise_for_status()
    page.goto("/#/session/a")
    people = page.locator("[data-test=people]")
    # A guest is listed apart, and no figure counts them.
    page.get_by_role("button", name="Add guest").click()
    page.get_by_label("Name of the guest").fill("Mia Berg")
    page.get_by_role("dialog").get_by_role("button", name="Add guest").click()
    expect(page.locator("[data-test=guests]").get_by_text("Mia Berg")).to_be_visible()
    # Without a network a guest waits on the phone; one from another class is linked to their record.
    page.context.set_offline(True)
    page.get_by_role("button", name="Add guest").click()
    page.get_by_label("Name of the guest").fill("zizek")
    page.get_by_role("dialog").get_by_role("button", name="Zoë Žižek").click()
    expect(page.locator("[data-test=guests]").get_by_role("listitem").nth(1)).to_contain_text("saved on this phone")
    page.context.set_offline(False)
    expect(page.locator("[data-test=guests]").get_by_text("saved on this phone")).to_have_count(0)
    guests = api.get("/v1/sessions/a/guests").json()["guests"]
    assert [(guest["name"], guest["linked"]) for guest in guests] == [("Mia Berg", False), ("Zoë Žižek", True)]
    page.get_by_role("button", name="Remove the guest Zoë Žižek").click()
    people.get_by_role("button", name="Grace").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Planned absences").click()
    expect(dialog.get_by_text("No absence is planned.")).to_be_visible()
    today = page.evaluate("new Date().toISOString().slice(0, 10)")
    dialog.get_by_label("First day").fill(today)
    dialog.get_by_label("Reason").fill("Dentist")
    dialog.get_by_role("button", name="Plan absence").click()
    expect(dialog.get_by_text("Dentist")).to_be_visible()
    page.keyboard.press("Escape")
    expect(people.get_by_role("button", name="Grace planned absence excused")).to_be_visible()
    page.get_by_role("button", name="All 7 present").click()
    expect(people.get_by_text("marked by hand")).to_have_count(7)
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("7 of 8 present")).to_be_visible()
    assert api.get("/v1/sessions/a").json()["closed_at"]
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Remove the guest Mia Berg").click()
    expect(page.get_by_text("Mia Berg")).to_have_count(0)
    expect(people.get_by_role("button", name="Grace")).to_be_visible()
    expect(page.get_by_role("button", name="Finish")).to_be_visible()
    assert api.get("/v1/sessions/a").json()["closed_at"] is None
