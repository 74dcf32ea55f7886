"""Questions on the phone: likely pairs confirmed with one tap, others one by one, and none of them lost at the end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from muster.api.app import create_app
from muster.composition.local import LocalServices
from muster.domain.identifiers import UserId
from tests.e2e.serving import serving
from tests.e2e.web import phone as phones
from tests.e2e.web.arranged import GROUP, NAMES, ArrangedDetection, Shown, likely, lineup, marked, settle, unlikely
from tests.e2e.web.conftest import WEB
from tests.e2e.web.phone import choose
from tests.e2e.web.test_screens import RULES
from tests.e2e.web.test_words import BROKEN_WORDS

COUNT_TAPS = """() => {
    window.taps = 0;
    addEventListener("click", (event) => { if (event.isTrusted && event.detail > 0) window.taps += 1; }, true);
}"""

MIXED = [marked(0), likely(1), likely(2), likely(3), unlikely(4), marked(5)]
"""A photo of six: two are known, three are likely, one is doubtful."""

Opened = Callable[..., Page]


@pytest.fixture
def opened(system: LocalServices, samples: Path, obama_before_the_camera: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Open the page of a class of six whose photos show what a test arranges."""
    settle(system, samples)
    with ExitStack() as stack:

        def open_page(*photos: Sequence[Shown], allowed: Sequence[str] = (), **options: Any) -> Page:
            arranged: Any = ArrangedDetection(system, photos)
            site = stack.enter_context(serving(create_app(replace(system, detection=arranged), site=WEB)))
            window = phones.context(obama_before_the_camera, base_url=site, **options)
            stack.callback(window.close)
            watched = phones.Watched(site, allowed=list(allowed))
            watched.watch(window)
            stack.callback(lambda: _none(watched.unexpected()))
            page = window.new_page()
            page.goto("/")
            page.locator("[data-test=choose]").wait_for(state="attached")
            return page

        yield open_page


def _none(complaints: list[str]) -> None:
    assert complaints == []


def counts(system: LocalServices) -> dict[str, int]:
    with serving(create_app(system)) as url:
        (session,) = httpx.get(f"{url}/v1/sessions", params={"group_id": "7b"}).json()["items"]
    found: dict[str, int] = {status: number for status, number in session["counts"].items() if number}
    return found


def pair(page: Page, student: int) -> Any:
    return page.get_by_role("checkbox", name=NAMES[student])


def people(page: Page, text: str) -> Any:
    return page.locator("[data-test=people]").get_by_role("button", name=text)


def test_six_people_of_whom_one_is_asked_about_take_three_taps(
    opened: Opened, system: LocalServices, samples: Path
) -> None:
    page = opened([marked(0), marked(1), likely(2), marked(3), marked(4), marked(5)])
    page.evaluate(COUNT_TAPS)
    # Choosing the photo is the first tap.
    choose(page, lineup(samples, 6))
    expect(page.get_by_text("1 student to review")).to_be_visible()
    expect(page.locator(".question, .pair-choice")).to_have_count(1)
    page.get_by_role("button", name="Yes", exact=True).click()
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("6 of 6 present. Roll call saved.")).to_be_visible()
    assert 1 + page.evaluate("window.taps") <= 3
    assert counts(system) == {"present": 6}


def test_likely_pairs_are_confirmed_together_except_those_that_are_taken_out(
    opened: Opened, system: LocalServices, samples: Path
) -> None:
    page = opened(MIXED)
    choose(page, lineup(samples, 6))
    expect(page.get_by_text("4 students to review")).to_be_visible()
    expect(page.locator(".pair-choice")).to_have_count(3)
    expect(page.locator(".question")).to_have_count(1)
    # The face in the photo beside the picture of the registration.
    expect(page.locator(".pair-choice").first.locator("face-picture > *")).to_have_count(2)
    # The likeliest first.
    assert page.locator(".pair-choice").all_inner_texts() == [NAMES[1], NAMES[2], NAMES[3]]
    expect(page.get_by_role("button", name="Confirm all 3")).to_be_visible()
    page.locator(".pair-choice").filter(has_text=NAMES[2]).locator("face-picture").first.click()
    expect(pair(page, 2)).not_to_be_checked()
    page.get_by_role("button", name="Confirm 2").click()
    expect(page.get_by_text("2 students are present.")).to_be_visible()
    # What was taken out is a question like the doubtful one, with its answers in sight.
    expect(page.locator(".pair-choice")).to_have_count(0)
    expect(page.get_by_role("group", name=f"Is this {NAMES[2]}?")).to_be_visible()
    assert counts(system) == {"present": 4, "review": 2}
    page.get_by_role("group", name=f"Is this {NAMES[2]}?").get_by_role("button", name="No").click()
    expect(people(page, f"{NAMES[2]} face named by a teacher absent")).to_be_visible()
    page.get_by_role("group", name=f"Is this {NAMES[4]}?").get_by_role("button", name="Yes").click()
    expect(people(page, f"{NAMES[4]} face named by a teacher present")).to_be_visible()
    expect(page.locator(".question")).to_have_count(0)
    assert counts(system) == {"present": 5, "absent": 1}


def test_pairs_that_are_all_taken_out_are_asked_about_one_by_one(
    opened: Opened, system: LocalServices, samples: Path
) -> None:
    page = opened([likely(0), likely(1)])
    choose(page, lineup(samples, 2))
    for student in (0, 1):
        pair(page, student).uncheck()
    page.get_by_role("button", name="Review one by one").click()
    expect(page.locator(".question")).to_have_count(2)
    assert counts(system) == {"review": 2}


def test_finish_with_open_questions_names_them_and_goes_back_confirms_or_leaves_them_to_review(
    opened: Opened, system: LocalServices, samples: Path
) -> None:
    page = opened(MIXED)
    choose(page, lineup(samples, 6))
    expect(page.locator(".pair-choice")).to_have_count(3)
    page.get_by_role("button", name="Finish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(
        f"4 questions are open: {', '.join(NAMES[1:5])}. They stay to review and do not count as absent."
    )
    dialog.get_by_role("button", name="Back").click()
    expect(dialog).to_be_hidden()

    page.get_by_role("button", name="Finish").click()
    dialog.get_by_role("button", name="Leave it open").click()
    expect(page.get_by_text("2 of 6 present. Roll call saved.")).to_be_visible()
    assert counts(system) == {"present": 2, "review": 4}
    page.get_by_role("link", name="History").click()
    page.get_by_role("link", name="2 of 6, 4 to review").click()

    # What is likely is confirmed, and the doubtful one stays to review.
    pair(page, 3).uncheck()
    page.get_by_role("button", name="Finish").click()
    dialog.get_by_role("button", name="Confirm 2 and finish").click()
    expect(page.get_by_text("4 of 6 present. Roll call saved.")).to_be_visible()
    assert counts(system) == {"present": 4, "review": 2}
    page.get_by_role("link", name="Attendance this term").or_(page.get_by_role("link", name="History")).first.click()
    page.get_by_role("link", name="Attendance this term").click()
    expect(page.get_by_role("row", name=NAMES[4]).get_by_title("to review")).to_be_visible()


def test_four_photos_ask_about_each_student_once_above_the_pictures(
    opened: Opened, system: LocalServices, samples: Path
) -> None:
    page = opened([likely(0), likely(1)], [likely(1), likely(0)], [marked(1), likely(2)], [likely(2), unlikely(3)])
    choose(page, *(lineup(samples, 2, shade) for shade in (10, 60, 110, 160)))
    expect(page.locator(".photo")).to_have_count(4)
    expect(page.get_by_text("3 students to review")).to_be_visible()
    expect(page.locator(".pair-choice")).to_have_count(2)
    # On the first screen, with the button in reach and nothing over it.
    page.evaluate("scrollTo(0, 0)")
    confirm = page.get_by_role("button", name="Confirm all 2")
    expect(confirm).to_be_in_viewport(ratio=1)
    expect(page.locator(".pair-choice").first).to_be_in_viewport(ratio=1)
    above = page.evaluate(
        "document.querySelector('.pairs').getBoundingClientRect().bottom"
        " <= document.querySelector('.photo').getBoundingClientRect().top"
    )
    assert above
    confirm.click()
    expect(page.get_by_text("1 student to review")).to_be_visible()
    yes = page.get_by_role("button", name="Yes", exact=True)
    for block in ("start", "center", "end"):
        yes.evaluate("(button, block) => button.scrollIntoView({ block })", block)
        expect(yes).to_be_in_viewport(ratio=1)
        covering = yes.evaluate(
            """(button) => {
                const { left, top, width, height } = button.getBoundingClientRect();
                return !button.contains(document.elementFromPoint(left + width / 2, top + height / 2));
            }"""
        )
        assert not covering
    assert counts(system) == {"present": 3, "review": 1, "absent": 2}


def test_what_another_teacher_answered_meanwhile_is_shown_before_anything_is_confirmed(
    opened: Opened, system: LocalServices, samples: Path
) -> None:
    page = opened(MIXED, allowed=["409"])
    choose(page, lineup(samples, 6))
    expect(page.get_by_role("button", name="Confirm all 3")).to_be_enabled()
    (session,) = system.sessions.find([GROUP])
    first = system.sessions.questions(session.id)[0]
    system.corrections.name(session.id, first.face.face_id, None, UserId("another"))
    page.get_by_role("button", name="Confirm all 3").click()
    expect(page.get_by_text("This question has changed in the meantime.")).to_be_visible()
    expect(page.locator(".pair-choice")).to_have_count(2)
    assert counts(system) == {"present": 2, "absent": 1, "review": 3}
    page.get_by_role("button", name="Confirm all 2").click()
    expect(page.get_by_text("2 students are present.")).to_be_visible()
    assert counts(system) == {"present": 4, "absent": 1, "review": 1}


def test_a_grid_that_just_grew_takes_no_tap_that_was_meant_for_less(opened: Opened, samples: Path) -> None:
    page = opened(MIXED)
    page.clock.install()
    choose(page, lineup(samples, 6))
    confirm = page.get_by_role("button", name="Confirm all 3")
    expect(confirm).to_be_visible()
    expect(confirm).to_be_disabled()
    page.clock.run_for(1_000)
    expect(confirm).to_be_enabled()


def test_pairs_are_confirmed_with_the_keyboard_alone(opened: Opened, system: LocalServices, samples: Path) -> None:
    page = opened(MIXED)
    choose(page, lineup(samples, 6))
    expect(page.locator(".pair-choice")).to_have_count(3)
    confirm = page.get_by_role("button", name="Confirm all 3")
    expect(confirm).to_be_enabled()
    expect(pair(page, 1)).to_have_accessible_description(
        "Left: the class photo. Right: the registration photo. "
        "Tap a pair that does not show the same person to leave it as a question."
    )
    for _ in range(30):
        page.keyboard.press("Tab")
        if pair(page, 1).evaluate("box => box === document.activeElement"):
            break
    page.keyboard.press("Space")
    expect(pair(page, 1)).not_to_be_checked()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="2 students to review")).to_be_focused()
    assert counts(system) == {"present": 4, "review": 2}


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_pairs_are_free_of_barriers(opened: Opened, samples: Path, folder: Path, look: str) -> None:
    page = opened(MIXED, color_scheme=look, reduced_motion="reduce")
    choose(page, lineup(samples, 6))
    pair(page, 2).uncheck()
    expect(page.locator(".pair-choice face-picture > *")).to_have_count(6)
    expect(page.get_by_role("button", name="Confirm 2")).to_be_enabled()
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.screenshot(path=folder / f"pairs-phone-{look}.jpg", type="jpeg", quality=72)
    violations = Axe().run(page, options=RULES).response["violations"]
    assert [violation["id"] for violation in violations if violation["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("language", ["en-US", "de-DE"])
def test_the_pairs_are_whole_at_twice_the_text_size(opened: Opened, samples: Path, language: str) -> None:
    page = opened(MIXED, locale=language)
    choose(page, lineup(samples, 6))
    expect(page.locator(".pair-choice")).to_have_count(3)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.wait_for_timeout(300)
    assert [word for word in page.evaluate(BROKEN_WORDS) if len(word) < 25] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    page.get_by_role("button", name={"en-US": "Finish", "de-DE": "Fertig"}[language]).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text({"en-US": "4 questions are open", "de-DE": "4 Fragen sind offen"}[language])
    page.wait_for_timeout(300)
    assert [word for word in page.evaluate(BROKEN_WORDS) if len(word) < 25] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
