"""The reports in the browser: each kind, on phone and desktop, light and dark."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from muster.composition.local import LocalServices
from muster.domain.group import Group
from muster.domain.identifiers import GroupId
from tests.e2e.web import phone as phones
from tests.e2e.web.test_screens import LOOKS, RULES
from tests.unit.school_week import hold_week

WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def week(system: LocalServices) -> None:
    """A school with two groups, a week of lessons up to now, and a register that nobody took."""
    for id, name in (("7b", "Class 7b"), ("choir", "Choir")):
        system.stores.groups.add(Group(GroupId(id), name))
    hold_week(system.stores)


def test_each_report_is_shown_printed_and_free_of_barriers(
    week: None, page: Page, folder: Path, watched: phones.Watched
) -> None:
    watched.allowed.append("422")
    page.set_default_timeout(10_000)
    page.reload()
    page.goto("/#/history")
    page.get_by_role("link", name="Reports and lists").click()
    shown = {
        "day": page.get_by_role("heading", name="Open question, perhaps present"),
        "absences": page.get_by_text("3 days in a row"),
        "low": page.get_by_text("40%"),
        "breakdown": page.get_by_role("columnheader", name="Maths"),
        "notTaken": page.get_by_text("registers are not taken."),
        "evacuation": page.get_by_role("heading", name="Class 7b"),
        "sheet": page.get_by_role("row", name="Ada"),
    }
    found = {}
    for kind, sign in shown.items():
        page.locator("[data-test=kind]").select_option(kind)
        if kind == "breakdown":
            page.locator("[data-test=by]").select_option("subject")
        expect(sign.first).to_be_visible()
        for form, size in (("phone", phones.PHONE), ("desktop", WIDE)):
            page.set_viewport_size(ViewportSize(width=size["width"], height=size["height"]))
            for look in LOOKS:
                page.emulate_media(color_scheme=look)
                page.screenshot(path=folder / f"reports-{kind}-{form}-{look}.jpg", type="jpeg", quality=72)
                for violation in Axe().run(page, options=RULES).response["violations"]:
                    if violation["impact"] in ("serious", "critical"):
                        nodes = [node["html"][:200] for node in violation["nodes"]][:3]
                        found[f"{kind} {form} {look}: {violation['id']}"] = nodes
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{kind} scrolls sideways by {wide} pixels"
    assert found == {}

    page.locator("[data-test=kind]").select_option("evacuation")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_role("checkbox").first).to_be_visible()
    page.emulate_media(media="screen")
    page.locator("[data-test=kind]").select_option("low")
    page.get_by_label("Below, in percent").fill("0")
    page.get_by_label("Below, in percent").press("Tab")
    expect(page.get_by_text("Give the threshold in percent")).to_be_visible()
    page.get_by_label("Below, in percent").fill("95")
    page.get_by_label("Below, in percent").press("Tab")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename.startswith("low-")
