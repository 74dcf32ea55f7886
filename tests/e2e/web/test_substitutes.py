"""A substitute's day: signed in with a code, one register taken, and nothing left on the phone in the evening."""

from datetime import datetime, timedelta
from pathlib import Path

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from muster.composition.local import LocalServices
from muster.domain.actor import OPERATOR
from muster.domain.identifiers import GroupId, StudentId, UserId
from muster.domain.user import Role, User
from tests.e2e.web import phone as phones
from tests.e2e.web.test_lessons import a_lesson
from tests.e2e.web.test_screens import RULES, sideways_in_arabic

KEPT = """async () => {
  const { database } = await import('/core/database.js');
  const store = await database();
  return (await store.count('read')) + (await store.count('outbox'));
}"""


def check(page: Page, folder: Path, name: str) -> None:
    for form, size, look in (("phone", phones.PHONE, "dark"), ("tablet", phones.TABLET, "light")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=look)  # type: ignore[arg-type]
        expect(page.locator(f"html[data-theme={look}]")).to_be_attached()
        page.screenshot(path=folder / f"{name}-{form}-{look}.jpg", type="jpeg", quality=72)
        found = Axe().run(page, options=RULES).response["violations"]
        assert {each["id"]: [node["html"][:200] for node in each["nodes"]] for each in found} == {}, (name, form)
    page.set_viewport_size(phones.PHONE)  # type: ignore[arg-type]
    assert sideways_in_arabic(page, folder / f"{name}-arabic.png") <= 0


def test_a_substitute_takes_a_register_and_leaves_nothing_behind(
    obama_before_the_camera: Browser,
    site: str,
    system: LocalServices,
    watched: phones.Watched,
    tmp_path: Path,
) -> None:
    watched.allowed += ["403", "401"]
    for id, name in (("s1", "Ada Lovelace"), ("s2", "Ben Lindqvist")):
        system.roster.enrol(StudentId(id), name, [GroupId("7b")])
    system.roster.enrol(StudentId("s3"), "Cem Kaya", [GroupId("8a")])
    now = datetime.now(system.timetables.zone)
    for group, subject in (("7b", "Mathematics"), ("8a", "Art")):
        lessons = {"lessons": [a_lesson(now, -5, subject)]}
        answer = httpx.put(f"{site}/v1/groups/{group}/lessons", json=lessons, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
    system.users.add(User(UserId("root"), Role.ADMIN))
    made, code = system.substitutes.add("Jo Park", [GroupId("7b")], OPERATOR.user_id)

    window = phones.context(obama_before_the_camera, base_url=site, reduced_motion="reduce")
    watched.watch(window)
    page = window.new_page()
    page.clock.install()
    page.goto("/")
    page.get_by_role("button", name="I am a substitute").click()
    page.get_by_label("Code", exact=True).fill("AAAA-AAAA")
    page.get_by_role("button", name="Sign in").last.click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    check(page, tmp_path, "sign-in-code")
    page.get_by_label("Code", exact=True).fill(code.lower().replace("-", " "))
    page.get_by_role("button", name="Sign in").last.click()

    expect(page.locator("[data-test=lesson-now]")).to_contain_text("Mathematics")
    expect(page.get_by_text("Art")).to_have_count(0)
    expect(page.get_by_role("navigation").get_by_role("link", name="Register")).to_have_count(0)
    page.get_by_role("button", name="Without a photo").click()
    page.get_by_role("button", name="All 2 present").click()
    expect(page.locator("[data-test=people]").get_by_text("marked by hand")).to_have_count(2)
    check(page, tmp_path, "substitute-session")
    expect(page.get_by_role("button", name="Delete this roll call")).to_have_count(0)
    page.locator("[data-test=people]").get_by_role("button", name="Ada Lovelace").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("button", name="Planned absences")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Finish").click()
    (taken,) = system.sessions.find([GroupId("7b")])
    expect(page.locator("[data-test=lessons]")).to_contain_text("finished")
    closed = system.sessions.get(taken.id).session.closed
    assert closed is not None
    assert closed.by == "substitute:Jo Park"

    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_text("Access ends on")).to_be_visible()
    expect(page.get_by_text("Jo Park")).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.locator("[data-test=sessions] li")).to_have_count(1)
    expect(page.get_by_role("link", name="Attendance this term")).to_have_count(0)
    expect(page.get_by_role("link", name="Reports and lists")).to_have_count(0)
    assert page.evaluate(KEPT) > 0

    # The day ends while the phone has no network.
    window.set_offline(True)
    left = made.expires_at - datetime.now(made.expires_at.tzinfo) + timedelta(minutes=1)
    page.clock.fast_forward(round(left.total_seconds() * 1000))
    expect(page.get_by_text("Your access as a substitute has ended.")).to_be_visible()
    assert page.evaluate(KEPT) == 0
    assert page.evaluate("localStorage.getItem('muster.substitute')") is None
    window.set_offline(False)
    check(page, tmp_path, "access-ended")
    window.close()
    assert watched.unexpected() == []
