"""Codes, minutes, remarks and reasons on the phone; a register that is finished, closed and reopened."""

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.web.phone import Watched
from tests.e2e.web.test_screens import LOOKS, RULES

NAMES = ("Amára Okafor", "Ben Lindqvist", "Chiara Rossi")


@pytest.fixture
def api(site: str) -> httpx.Client:
    """A class of three without photos, in a school with England's codes."""
    client = httpx.Client(base_url=site, timeout=120)
    for number, name in enumerate(NAMES):
        new = {"student_id": f"s{number}", "name": name, "group_ids": ["7b"]}
        client.post("/v1/students", json=new).raise_for_status()
    client.put("/v1/codes", json={"preset": "england-2024"}, headers={"If-Match": "*"}).raise_for_status()
    new = {"group_id": "7b", "session_id": "a", "started_at": "2026-09-01T07:00:00Z"}
    client.post("/v1/sessions", json=new).raise_for_status()
    return client


def test_a_register_is_marked_by_code_closed_and_reopened(api: httpx.Client, page: Page, watched: Watched) -> None:
    page.goto("/#/session/a")
    people = page.locator("[data-test=people]")
    dialog = page.get_by_role("dialog")
    # Two taps for every code.
    people.get_by_role("button", name="Ben Lindqvist").click()
    dialog.get_by_role("button", name="Illness").click()
    expect(people.get_by_role("button", name="I Illness, not a medical")).to_be_visible()
    people.get_by_role("button", name="Chiara Rossi").click()
    dialog.get_by_text("Minutes, remark, reason").click()
    dialog.get_by_label("Minutes late").fill("12")
    dialog.get_by_label("Remark").fill("Bus")
    dialog.get_by_label("Reason for the change").fill("Seen at the gate")
    dialog.get_by_role("button", name="late L Late").click()
    expect(people.get_by_role("button", name="Chiara Rossi")).to_contain_text("12 min late · Bus")
    change = api.get("/v1/sessions/a/changes").json()["items"][-1]
    assert (change["after"], change["reason"]) == ("late", "Seen at the gate")

    # What is entered later keeps the code, and undoing brings everything back.
    people.get_by_role("button", name="Chiara Rossi").click()
    dialog.get_by_label("Remark").fill("Train")
    dialog.get_by_role("button", name="Save").click()
    expect(people.get_by_role("button", name="Chiara Rossi")).to_contain_text("12 min late · Train")
    page.get_by_role("button", name="Undo").click()
    expect(people.get_by_role("button", name="Chiara Rossi")).to_contain_text("12 min late · Bus")

    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("1 of 3 present.")).to_be_visible()
    assert api.get("/v1/sessions/a").json()["closed_at"] is not None
    page.goto("/#/session/a")
    expect(page.get_by_text("Closed ")).to_be_visible()
    expect(page.get_by_role("button", name="Finish")).to_have_count(0)
    people.get_by_role("button", name="Chiara Rossi").click()
    expect(dialog.get_by_text("The register is closed.")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Reopen").click()
    dialog.get_by_label("Why is the register reopened?").fill("A bus was late")
    dialog.get_by_role("button", name="Reopen").click()
    expect(page.get_by_role("button", name="Finish")).to_be_visible()
    change = api.get("/v1/sessions/a/changes").json()["items"][-1]
    assert (change["kind"], change["closed"], change["reason"]) == ("register", False, "A bus was late")

    page.get_by_role("button", name="Changes").click()
    changes = dialog.locator("[data-test=changes] li")
    expect(changes.first).to_contain_text("Reopened")
    expect(changes.first).to_contain_text("Reason: A bus was late")
    expect(dialog.get_by_text("From absent to absent, I Illness")).to_be_visible()
    late = changes.filter(has_text="Seen at the gate")
    expect(late).to_contain_text("Chiara Rossi")
    expect(late).to_contain_text("12 min late, Bus")
    for look in LOOKS:
        page.emulate_media(color_scheme=look)
        found = Axe().run(page, options=RULES).response["violations"]
        assert found == [], [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
    page.evaluate("import('/core/i18n.js').then((i18n) => i18n.chooseLanguage('ar'))")
    expect(dialog.get_by_text("أُعيد فتحه")).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    page.evaluate("import('/core/i18n.js').then((i18n) => i18n.chooseLanguage('en'))")
    dialog.get_by_role("button", name="Close").click()

    page.goto("/#/report")
    page.locator("input[type=date]").first.fill("2026-09-01")
    row = page.get_by_role("row", name="Ben Lindqvist")
    expect(row.get_by_title("Illness, not a medical")).to_have_text("I")
    expect(page.locator(".legend")).to_contain_text("Late, before the register closed")
    expect(page.locator(".legend")).not_to_contain_text("Study leave")
