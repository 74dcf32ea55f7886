"""The words of the demo."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from muster.cli.demo_story import show_story, story
from muster.domain.attendance import Mark, MarkSource, MarkStatus, Session, SessionPhoto
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PackId, PhotoId, SessionId, StudentId
from muster.services.roll_call.results import RollCallResult

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)


def result(marks: dict[str, MarkStatus], visitors: int = 0) -> RollCallResult:
    """A roll call of one photo that shows the students who are present or to review, and visitors."""
    shown = [student for student, status in marks.items() if status is not MarkStatus.ABSENT]
    named = [*shown, *[None] * visitors]
    faces = tuple(
        IdentifiedFace(
            FaceId(f"f{number}"),
            (10 * number, 0, 9, 9),
            0.9,
            0.9,
            Decision.UNKNOWN if student is None else Decision(marks[student].value),
            None if student is None else StudentId(student),
            0.5,
            None,
            (),
        )
        for number, student in enumerate(named)
    )
    photo = SessionPhoto(PhotoId("p"), SessionId("s"), "0" * 64, 99, 99, faces, PackId("embedded"), None, NOW)
    return RollCallResult(
        session=Session(SessionId("s"), GroupId("demo"), NOW),
        photos=(photo,),
        marks=tuple(Mark(StudentId(id), status, MarkSource.PHOTO, NOW) for id, status in marks.items()),
        taken=True,
        by_people=frozenset(),
        names={StudentId(id): id.title() for id in marks},
        pack=PackId("embedded"),
        head=None,
        timings_ms={},
    )


def test_it_names_the_absent_and_those_to_review_and_counts_visitors() -> None:
    marks = {"ada": MarkStatus.PRESENT, "bob": MarkStatus.ABSENT, "cy": MarkStatus.REVIEW, "di": MarkStatus.ABSENT}
    assert story(result(marks, visitors=1)) == [
        "3 faces in 1 photo. 1 of 4 students is present.",
        "Absent, because no face is theirs: Bob, Di.",
        "Not sure enough to mark, so the teacher is asked: Cy.",
        "1 face belongs to nobody in the class and gets no name.",
    ]


def test_it_leaves_out_what_did_not_happen() -> None:
    assert story(result({"ada": MarkStatus.PRESENT, "bob": MarkStatus.PRESENT})) == [
        "2 faces in 1 photo. 2 of 2 students are present."
    ]


def test_the_register_stands_above_the_story(capsys: pytest.CaptureFixture[str]) -> None:
    show_story(Console(width=80), result({"ada": MarkStatus.PRESENT, "bob": MarkStatus.ABSENT}, visitors=2))
    shown = capsys.readouterr().out
    assert shown.index("Ada") < shown.index("Absent, because")
    assert "2 faces belong to nobody in the class and get no name." in shown
