"""Notices of absences in the administration: what is on, contacts, the list of a day, texts, and a test message."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from muster.api.app import create_app
from muster.composition.local import LocalServices
from muster.domain.absence_notices import Contact, NoticeKind, NoticeState, SentNotice
from muster.domain.errors import NoticeNotSent
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.services.notices.channels import WEBHOOK, Channels
from tests.e2e.serving import serving
from tests.e2e.web import phone as phones
from tests.e2e.web.conftest import WEB
from tests.e2e.web.test_administration import DESKTOP, check, go

DAY = datetime(2026, 9, 7, 8, tzinfo=UTC)


@dataclass
class Mail:
    """Takes messages, except to one address."""

    taken: list[tuple[str, str]] = field(default_factory=list)

    def send(self, address: str, subject: str, text: str, message_id: str) -> None:
        if address.startswith("broken"):
            raise NoticeNotSent("The mail server did not take a notice (SMTPRecipientsRefused 550).")
        self.taken.append((address, subject))


@pytest.fixture
def mail() -> Mail:
    return Mail()


@pytest.fixture
def desk(
    obama_before_the_camera: Browser, system: LocalServices, mail: Mail, watched: phones.Watched
) -> Iterator[Page]:
    """The administration on a desktop, of a machine that sends notices."""
    channels = Channels(
        mail=mail, sender="school@example.edu", office=("office@example.edu",), receiver="sis.example.edu"
    )
    with_notices = replace(system, notices=replace(system.notices, channels=channels))
    with serving(create_app(with_notices, site=WEB)) as url:
        window = phones.context(
            obama_before_the_camera,
            base_url=url,
            viewport=DESKTOP,
            is_mobile=False,
            has_touch=False,
            device_scale_factor=1,
        )
        page = window.new_page()
        page.goto("/#/admin/students")
        yield page
        window.close()


def notice(student: str, state: NoticeState, **changes: object) -> SentNotice:
    made = SentNotice(
        student_id=StudentId(student),
        day=DAY.date(),
        kind=NoticeKind.ABSENT,
        state=state,
        delivery_id=f"{student}-1",
        at=DAY,
        sessions=(SessionId("first"),),
        attempts=1,
        name=student.capitalize(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_an_admin_keeps_contacts_and_sees_who_has_which_notice(
    desk: Page, system: LocalServices, mail: Mail, folder: Path
) -> None:
    records = system.notices.records
    office = {"office@example.edu": NoticeState.FAILED}
    for student, sent in (
        ("ada", notice("ada", NoticeState.SENT, done=frozenset({"mother@example.org", WEBHOOK}), office=office)),
        ("bea", notice("bea", NoticeState.UNCLEAR, unclear=frozenset({"b@example.org"}), reason="It was ended.")),
        ("cem", notice("cem", NoticeState.FAILED, attempts=5, reason="The mail server was not reached.")),
    ):
        system.roster.enrol(StudentId(student), student.capitalize(), [GroupId("7b")])
        records.put(StudentId(student), 0, [sent])
    records.days.add(DAY.date(), [StudentId(student) for student in ("ada", "bea", "cem")])
    page = desk

    page.get_by_role("link", name="Ada").click()
    card = page.get_by_role("region", name="Contacts for notices")
    card.get_by_role("button", name="Add an address").click()
    card.get_by_label("Address 1", exact=True).fill("Mother@Example.org")
    card.get_by_label("Language of address 1").select_option("hi")
    card.get_by_role("button", name="Add an address").click()
    card.get_by_label("Address 2", exact=True).fill("not an address")
    card.get_by_role("button", name="Save contacts").click()
    expect(card.get_by_label("Address 2", exact=True)).to_be_focused()
    assert records.contacts(StudentId("ada")) == ()
    card.get_by_label("Address 2", exact=True).fill("vater@example.org")
    card.get_by_role("button", name="Save contacts").click()
    expect(page.get_by_text("The contacts were saved.")).to_be_visible()
    assert records.contacts(StudentId("ada")) == (
        Contact("mother@example.org", "hi"),
        Contact("vater@example.org", "en"),
    )
    check(page, folder, "contacts")
    card.get_by_role("button", name="Remove address 1").click()
    with page.expect_response(lambda response: response.request.method == "PUT"):
        card.get_by_role("button", name="Save contacts").click()
    expect(card.get_by_label("Address 1", exact=True)).to_have_value("vater@example.org")
    expect(card.get_by_label("Address 2", exact=True)).to_have_count(0)
    assert records.contacts(StudentId("ada")) == (Contact("vater@example.org", "en"),)

    go(page, "Notices")
    expect(page.get_by_text("Notices are on.")).to_be_visible()
    expect(page.get_by_role("row", name="Messages come from")).to_contain_text("school@example.edu")
    expect(page.get_by_text("There are no notices about this day.")).to_be_visible()
    page.get_by_label("Day").fill(DAY.date().isoformat())
    expect(page.get_by_role("row", name="Ada")).to_contain_text("mother@example.org, other system")
    expect(page.get_by_role("row", name="Ada")).to_contain_text("Office: office@example.edu (failed)")
    expect(page.get_by_role("row", name="Bea")).to_contain_text("perhaps: b@example.org")
    expect(page.get_by_role("row", name="Cem")).to_contain_text("The mail server was not reached.")
    page.get_by_label("Language").select_option("ar")
    expect(page.get_by_role("article", name="absence").locator("p")).to_have_attribute("dir", "rtl")
    page.get_by_label("Language").select_option("de")
    expect(page.get_by_role("article", name="absence")).to_contain_text("Ada Lovelace fehlte am")
    check(page, folder, "notices")

    page.get_by_role("button", name="Send a test message").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail address").fill("broken@example.edu")
    dialog.get_by_role("button", name="Send a test message").click()
    expect(page.get_by_text("The mail server did not take the message.")).to_be_visible()
    dialog.get_by_label("E-mail address").fill("head@example.edu")
    dialog.get_by_label("Language").select_option("de")
    check(page, folder, "notice-test")
    dialog.get_by_role("button", name="Send a test message").click()
    expect(page.get_by_text("A test message was sent to head@example.edu.")).to_be_visible()
    assert mail.taken == [("head@example.edu", "Testnachricht der Anwesenheitsliste")]

    page.set_viewport_size(phones.PHONE)  # type: ignore[arg-type]
    page.evaluate("import('/core/i18n.js').then((i18n) => i18n.chooseLanguage('ar'))")
    expect(page.get_by_role("heading", level=1, name="الإشعارات")).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
