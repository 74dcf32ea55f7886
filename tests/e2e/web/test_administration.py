"""Administration in the browser: groups, roster, photos, students, users and retention, set up by one admin."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import ImageOps
from playwright.sync_api import Browser, FilePayload, Page, expect

from muster.composition.local import LocalServices
from muster.domain.attendance import MarkStatus
from muster.domain.corrections import MarkByHand
from muster.domain.identifiers import GroupId, StudentId, UserId
from muster.domain.period import Period
from muster.domain.user import Role, User
from tests.e2e import pictures
from tests.e2e.web import phone as phones
from tests.e2e.web.test_screens import RULES
from tests.e2e.web.test_words import BROKEN_WORDS
from tests.unit.oneroster_packages import archive, package

DESKTOP = {"width": 1280, "height": 800}
ROSTER = b"""id,name,group
barack_obama,Barack Obama,7b
joe_biden,Joe Biden,7b
0003,Chiara Rossi,7b
0004,Dilan Kaya,7b
"""


@pytest.fixture
def desk(obama_before_the_camera: Browser, site: str, watched: phones.Watched) -> Iterator[Page]:
    """A page on a desktop, of a machine that has no users yet."""
    window = phones.context(
        obama_before_the_camera,
        base_url=site,
        viewport=DESKTOP,
        is_mobile=False,
        has_touch=False,
        device_scale_factor=1,
    )
    watched.watch(window)
    page = window.new_page()
    page.goto("/#/settings")
    yield page
    window.close()
    assert watched.unexpected() == []


def check(page: Page, folder: Path, name: str) -> None:
    """Check a page on a light desktop and a dark phone: no barriers, nothing to scroll sideways; and picture it."""
    for form, size, look in (("phone", phones.PHONE, "dark"), ("desktop", DESKTOP, "light")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=look)  # type: ignore[arg-type]
        expect(page.locator(f"html[data-theme={look}]")).to_be_attached()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} scrolls sideways on a {form}"
        page.screenshot(path=folder / f"admin-{name}-{form}-{look}.jpg", type="jpeg", quality=72)
        found = Axe().run(page, options=RULES).response["violations"]
        serious = {each["id"]: [node["html"][:200] for node in each["nodes"]] for each in found}
        assert serious == {}, f"{name}, {form}, {look}"


def check_large_text(page: Page) -> None:
    """Check every page on a phone at twice the text size, in German and from right to left."""
    page.set_viewport_size(phones.PHONE)  # type: ignore[arg-type]
    page.evaluate("import('/core/i18n.js').then((i18n) => i18n.chooseLanguage('de'))")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    for link in page.locator(".admin-nav a").all():
        link.click()
        expect(page.get_by_role("heading", level=1, name=link.inner_text())).to_be_focused()
        broken = [word for word in page.evaluate(BROKEN_WORDS) if len(word) < 16]
        assert broken == [], link.inner_text()
        for direction in ("rtl", "ltr"):
            page.evaluate("direction => (document.documentElement.dir = direction)", direction)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{link.inner_text()}, {direction}"


def go(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Administration").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_focused()


def file(name: str, content: bytes, media_type: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


def replace_the_photo(page: Page, system: LocalServices, samples: Path, folder: Path) -> None:
    """Replace the photo of the student whose page is open."""
    before = page.locator("server-picture").get_attribute("src")
    page.get_by_role("button", name="Replace the photo").click()
    sheet = page.get_by_role("dialog")
    new = pictures.encoded(ImageOps.mirror(pictures.portrait(samples)))
    sheet.locator("input[type=file]").set_input_files(file("new.jpg", new))
    expect(sheet.get_by_role("img", name="New photo of Barack Obama")).to_be_visible()
    expect(sheet.locator("server-picture img")).to_be_visible()
    check(page, folder, "new-photo")
    sheet.get_by_role("button", name="Use this photo").click()
    expect(sheet.get_by_role("status")).to_contain_text("The photo of Barack Obama was replaced.")
    expect(sheet.get_by_role("status")).to_contain_text("Photo quality")
    sheet.get_by_role("button", name="Close").last.click()
    expect(page.get_by_text("Replaced on")).to_be_visible()
    assert page.locator("server-picture").get_attribute("src") != before
    assert (
        system.stores.students.photo(StudentId("barack_obama"))
        != (samples / "gallery" / "barack_obama.jpg").read_bytes()
    )


def look_at_changes(page: Page, system: LocalServices, folder: Path) -> None:
    """See who changed a mark of a register, limited to a student who is not in it, and to one who is."""
    go(page, "Changes")
    expect(page.get_by_text("Nobody changed these registers by hand.")).to_be_visible()
    session = system.sessions.open(GroupId("7b")).session
    wanted = {StudentId("0003"): MarkByHand(status=MarkStatus.LATE, minutes_late=12)}
    system.corrections.mark(session.id, wanted, UserId("ada"), reason="The bus")
    page.get_by_label("Student ID").fill("0004")
    page.get_by_label("Student ID").blur()
    expect(page.get_by_text("Nobody changed these registers by hand.")).to_be_visible()
    page.get_by_label("Student ID").fill("0003")
    page.get_by_label("Student ID").blur()
    row = page.get_by_role("row", name="7b, upstairs")
    expect(row).to_contain_text("From excused to late, 12 min late")
    expect(row).to_contain_text("The bus")
    expect(row).to_contain_text("ada")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert "12 min late" in download.value.path().read_text(encoding="utf-8-sig")
    check(page, folder, "changes")
    system.corrections.remove(session.id)


def plan_absences(page: Page, system: LocalServices, folder: Path) -> None:
    """Plan one absence for two students, change one of them, and end the other early."""
    go(page, "Planned absences")
    expect(page.get_by_text("No absence is planned.")).to_be_visible()
    today = datetime.now(UTC).date()
    page.get_by_role("button", name="Plan absence").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("button", name="Save")).to_be_disabled()
    sheet.get_by_label("Chiara Rossi").check()
    sheet.get_by_label("Name or ID").fill("dil")
    sheet.get_by_label("Dilan Kaya").check()
    sheet.get_by_label("First day").fill((today - timedelta(days=2)).isoformat())
    sheet.get_by_label("Last day").fill((today + timedelta(days=9)).isoformat())
    sheet.get_by_label("Reason").fill("School trip")
    check(page, folder, "plan-absence")
    sheet.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2 absences were planned.")).to_be_visible()
    check(page, folder, "absences")
    page.get_by_role("button", name="End the absence of Chiara Rossi today").click()
    expect(page.get_by_role("button", name="End the absence of Chiara Rossi today")).to_have_count(0)
    page.get_by_label("Name or ID").fill("kaya trip")
    expect(page.get_by_role("row", name="Chiara Rossi")).to_have_count(0)
    page.get_by_role("button", name="Edit Dilan Kaya").click()
    sheet.get_by_label("Reason").fill("Choir")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet).to_be_hidden()
    page.get_by_label("Name or ID").fill("")
    expect(page.get_by_role("row", name="Dilan Kaya")).to_contain_text("Choir")
    found = {absence.student_id: absence for absence in system.absences.of_all(Period())}
    assert [found[StudentId(id)].reason for id in ("0003", "0004")] == ["School trip", "Choir"]
    assert found[StudentId("0003")].last_day == today
    page.get_by_role("button", name="Remove Dilan Kaya").click()
    sheet.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("row", name="Dilan Kaya")).to_have_count(0)


def test_an_admin_sets_up_a_school_in_the_browser(
    desk: Page, system: LocalServices, samples: Path, folder: Path, watched: phones.Watched
) -> None:
    watched.allowed.append("422")
    page = desk
    assert not page.evaluate("performance.getEntriesByType('resource').some(({ name }) => name.includes('/admin/'))")
    page.get_by_role("link", name="Administration").click()

    go(page, "Groups")
    page.get_by_label("Short name").fill("7b")
    page.get_by_label("Name", exact=True).fill("Class 7b")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("row", name="Class 7b")).to_be_visible()
    page.get_by_role("button", name="Edit Class 7b").click()
    page.get_by_role("dialog").get_by_label("Name").fill("7b, upstairs")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="7b, upstairs")).to_be_visible()
    check(page, folder, "groups")

    go(page, "Import a roster")
    page.set_input_files("input[type=file]", file("7b.csv", b"id,name\n1,A\n1,B\n", "text/csv"))
    expect(page.get_by_text("Nothing can be imported")).to_be_visible()
    assert system.roster.find() == []
    page.set_input_files("input[type=file]", file("7b.csv", ROSTER, "text/csv"))
    expect(page.get_by_role("row", name="Chiara Rossi")).to_contain_text("to add")
    check(page, folder, "import")
    assert system.roster.find() == []
    page.set_input_files("input[type=file]", file("year.zip", archive(package()), "application/zip"))
    expect(page.get_by_text("OneRoster 1.1; groups to change:")).to_be_visible()
    assert system.roster.find() == []
    page.set_input_files("input[type=file]", file("7b.csv", ROSTER, "text/csv"))
    page.get_by_role("button", name="Import 4 changes").click()
    expect(page.get_by_role("heading", name="The roster was imported")).to_be_visible()
    assert len(system.roster.find(GroupId("7b"))) == 4

    go(page, "Lessons")
    page.get_by_role("button", name="New lesson").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Subject").fill("Art")
    sheet.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Monday 08:00–08:45")).to_contain_text("Art")
    page.set_input_files("[data-test=lesson-file]", file("a.csv", b"day,start,end\nXday,8:00,9:00\n", "text/csv"))
    expect(page.get_by_text("'Xday' is no weekday")).to_be_visible()
    lessons = b"day,start,end,subject\nMon,8:00,8:45,Art\nTue,9:00,9:45,Latin\n"
    page.set_input_files("[data-test=lesson-file]", file("7b.csv", lessons, "text/csv"))
    expect(page.get_by_text("1 lesson changes.")).to_be_visible()
    check(page, folder, "lessons")
    page.get_by_role("button", name="Make these changes").click()
    expect(page.get_by_role("row", name="Tuesday 09:00–09:45")).to_contain_text("Latin")
    assert len(system.timetables.lessons(GroupId("7b")).lessons) == 2

    go(page, "Terms and holidays")
    page.get_by_label("Name").fill("Autumn break")
    page.get_by_label("First day").fill("2025-10-20")
    page.get_by_label("Last day").fill("2025-10-31")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("row", name="Autumn break")).to_contain_text("31 October 2025")
    check(page, folder, "calendar")

    plan_absences(page, system, folder)

    go(page, "Not taken")
    page.get_by_label("Day").fill("2025-09-08")
    expect(page.get_by_text("1 of 1 registers are not taken.")).to_be_visible()
    expect(page.get_by_role("row", name="7b, upstairs")).to_contain_text("Art")
    page.get_by_label("Day").fill("2025-10-20")
    expect(page.get_by_text("0 of 0 registers are not taken.")).to_be_visible()
    check(page, folder, "not-taken")

    look_at_changes(page, system, folder)

    go(page, "Register photos")
    expect(page.locator("[data-test=choose-photos]")).to_be_disabled()
    page.get_by_label("All students in these photos").check()
    gallery = samples / "gallery"
    page.set_input_files(
        "[data-test=choose-photos]",
        [
            file("barack_obama.jpg", (gallery / "barack_obama.jpg").read_bytes()),
            file("0003.jpg", pictures.without_face()),
            file("0099.jpg", (gallery / "joe_biden.jpg").read_bytes()),
        ],
    )
    expect(page.get_by_text("Finished. Refused photos come first.")).to_be_visible()
    results = page.locator("[data-test=photos] li")
    expect(results.nth(0)).to_contain_text("No face found.")
    expect(results.nth(1)).to_contain_text("Nobody on the roster has the ID 0099.")
    expect(results.nth(2)).to_contain_text("Barack Obama")
    expect(results.nth(2).locator("img")).to_be_visible()
    check(page, folder, "photos")
    page.get_by_role("button", name="Choose more photos").click()
    page.set_input_files("[data-test=choose-photos]", gallery / "barack_obama.jpg")
    expect(results.nth(0)).to_contain_text("registered before")
    page.get_by_role("button", name="Choose more photos").click()

    go(page, "Students")
    page.get_by_label("Name or ID").fill("oba")
    expect(page.get_by_role("status").get_by_text("1 student")).to_be_visible()
    page.get_by_label("Name or ID").fill("")
    check(page, folder, "students")
    page.get_by_role("link", name="Barack Obama").click()
    expect(page.locator("server-picture img")).to_be_visible()
    check(page, folder, "student")
    replace_the_photo(page, system, samples, folder)
    page.get_by_label("Name", exact=True).fill("Barack H. Obama")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Barack H. Obama")).to_be_visible()
    page.get_by_role("button", name="Erase this student").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Erase for good")).to_be_disabled()
    dialog.get_by_label("type the ID").fill("barack_obama")
    check(page, folder, "erase")
    dialog.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("heading", level=1, name="Students")).to_be_visible()
    expect(page.get_by_role("link", name="Barack H. Obama")).to_have_count(0)
    assert len(system.roster.find()) == 3

    go(page, "Retention")
    expect(page.get_by_role("row", name="Photos of roll calls")).to_contain_text("30 days")
    check(page, folder, "retention")

    go(page, "Attendance codes")
    page.get_by_role("button", name="New code").click()
    dialog.get_by_label("Code").fill("T")
    dialog.get_by_label("Meaning").fill("School trip")
    inside = dialog.get_by_label("The student is in the building")
    expect(inside).to_be_checked()
    dialog.get_by_label("Counts as").select_option("excused")
    expect(inside).not_to_be_checked()
    check(page, folder, "new-code")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="School trip")).to_contain_text("excused · elsewhere")
    page.get_by_role("button", name="Move T up").click()
    expect(page.get_by_text("T was moved up.")).to_be_visible()
    page.get_by_role("button", name="Edit T").click()
    dialog.get_by_label("Retired").check()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="School trip")).to_contain_text("retired")
    check(page, folder, "codes")
    page.get_by_label("Preset").select_option(label="England 2024")
    dialog.get_by_role("button", name="Use them").click()
    expect(page.get_by_role("row", name="Present, morning")).to_be_visible()
    expect(page.get_by_label("Preset")).to_have_value("england-2024")

    go(page, "API tokens")
    page.get_by_role("button", name="New API token").click()
    dialog.get_by_label("Name, such as").fill("school-office")
    dialog.get_by_label("read attendance").check()
    check(page, folder, "new-token")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.locator("code")).to_contain_text("mst_")
    dialog.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Revoke the token school-office").click()
    dialog.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_role("row", name="school-office")).to_contain_text("revoked on")
    check(page, folder, "tokens")

    go(page, "Substitutes")
    page.get_by_role("button", name="New code").click()
    dialog.get_by_label("Name of the substitute").fill("Jo Park")
    dialog.get_by_label("7b, upstairs").check()
    check(page, folder, "new-code-of-substitute")
    dialog.get_by_role("button", name="Create").click()
    code = dialog.get_by_label("Code", exact=True).inner_text()
    check(page, folder, "code-of-substitute")
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("row", name="Jo Park")).to_contain_text("not used")
    assert system.substitutes.sign_in(code)[0].groups == {GroupId("7b")}
    page.get_by_role("button", name="End the access of Jo Park").click()
    dialog.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_role("row", name="Jo Park")).to_contain_text("revoked")
    check(page, folder, "substitutes")

    go(page, "Users")
    page.get_by_role("button", name="New user").click()
    dialog.get_by_label("User name").fill("head")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
    token = dialog.locator("code").inner_text()
    assert system.users.of_token(token) == User(UserId("head"), Role.ADMIN)
    check(page, folder, "token")
    dialog.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="New user").click()
    dialog.get_by_label("User name").fill("ada")
    dialog.get_by_label("7b, upstairs").check()
    dialog.get_by_role("button", name="Create").click()
    teacher = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("row", name="ada")).to_contain_text("7b")
    check(page, folder, "users")

    check_large_text(page)

    page.evaluate("localStorage.removeItem('muster.language')")
    # The same address is closed to a teacher, and its modules are not even loaded.
    page.evaluate("token => localStorage.setItem('muster.token', token)", teacher)
    page.goto("/#/settings")
    page.reload()
    expect(page.get_by_text("Teacher")).to_be_visible()
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    page.goto("/#/admin/users")
    expect(page.get_by_text("Only admins can open this page.")).to_be_visible()
    assert not page.evaluate("performance.getEntriesByType('resource').some(({ name }) => name.includes('/admin/'))")
