"""One term of class 7b, told as its teacher lived it, over HTTP and on both stores; real photos, real weights.

Beside the register under test the story keeps its own, as on paper: `P` present, `A` absent, `L` late, `E` excused.
At the end they are compared cell by cell.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.types import ASGIApp

from muster.api.app import create_app
from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings
from muster.domain.identifiers import StudentId, UserId
from muster.domain.user import Role, User
from muster.packs.load import ModelPack
from muster.services.roster.users import Users
from muster.storage.ports import StudentStore
from muster.vision.pipeline import VisionPipeline
from tests.contract.places import AwsPlace
from tests.e2e.aws_services import Gateway, aws_services
from tests.e2e.serving import serving
from tests.simulated_aws import simulated_aws

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 9, 7, 8, 15, tzinfo=BERLIN)
STATUS = {"P": "present", "A": "absent", "L": "late", "E": "excused"}
NAMES = ["Ada Lovelace", "Zoë Ångström", "Юлия Ким", "山田 太郎", "نور الدين", "O'Neill, Seán"]
STUDENTS = [f"{number:04}" for number in range(1, 31)]
OBAMA, BIDEN, RENAMED, ERASED, MOVED = "0001", "0002", "0010", "0015", "0025"
LATE = STUDENTS[26:]
WITH_PHOTO = {1, 5, 9, 13, 17}


@dataclass
class School:
    """The system under test as its three users reach it."""

    students: StudentStore
    admin: httpx.Client
    frizzle: httpx.Client
    gadget: httpx.Client


ROLES = {"admin": Role.ADMIN, "frizzle": Role.TEACHER, "gadget": Role.TEACHER}


@pytest.fixture(params=["local", "aws"])
def school(
    request: pytest.FixtureRequest, tmp_path: Path, vision: VisionPipeline, pack: ModelPack, pack_home: Path
) -> Iterator[School]:
    with ExitStack() as stack:
        app: ASGIApp
        if request.param == "local":
            local = LocalBackend(tmp_path / "store", LocalSettings(time_zone="Europe/Berlin"), vision).services
            students: StudentStore = local.stores.students
            users = Users(local.stores.users, local.groups)
            tokens = {name: users.add(User(UserId(name), role)) for name, role in ROLES.items()}
            app = create_app(local)
        else:
            place = AwsPlace.new(stack.enter_context(simulated_aws()))
            app, students = create_app(aws_services(place, pack_home, time_zone="Europe/Berlin")), place.open().students
            app, tokens = Gateway(app, ROLES), {name: name for name in ROLES}
        url = stack.enter_context(serving(app, training=False))

        def client(name: str) -> httpx.Client:
            headers = {"Authorization": f"Bearer {tokens[name]}"}
            return stack.enter_context(httpx.Client(base_url=url, timeout=600, headers=headers))

        yield School(students, client("admin"), client("frizzle"), client("gadget"))


@dataclass
class Register:
    """The teacher's own."""

    cells: dict[int, dict[str, str]] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)

    def of(self, student: str) -> list[str | None]:
        return [STATUS.get(self.cells[number].get(student, "")) for number in sorted(self.cells)]

    def erase(self, student: str) -> None:
        self.left = Counter(cells.pop(student) for cells in self.cells.values() if student in cells)

    def counts(self, *numbers: int) -> dict[str, int]:
        letters = Counter(letter for number in numbers for letter in self.cells[number].values())
        return {status: letters[letter] for letter, status in STATUS.items()} | {"review": 0}


def session_id(number: int) -> str:
    return f"7b-{number:02}"


def started_at(number: int) -> datetime:
    """Mondays and Wednesdays at a quarter past eight, whatever the clocks do in October."""
    weeks, day = divmod(number - 1, 2)
    return FIRST + timedelta(weeks=weeks, days=2 * day)


def on_a_usual_day(number: int, student: str) -> str:
    return {0: "A", 1: "A", 2: "L", 3: "E"}.get((int(student) * 7 + number * 3) % 20, "P")


def done(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


@dataclass
class Story:
    """What happens, and what the teacher writes down."""

    school: School
    samples: Path
    register: Register = field(default_factory=Register)
    in_class: list[str] = field(default_factory=lambda: STUDENTS[:26])
    recognised: set[str] = field(default_factory=set)

    def lesson(self, number: int) -> None:
        """Open the session, take the photo if it is the day, and mark everyone else by hand."""
        teacher, url = self.school.frizzle, f"/v1/sessions/{session_id(number)}"
        when = started_at(number)
        new = {"group_id": "7b", "session_id": session_id(number), "started_at": when.isoformat()}
        opened = done(teacher.post("/v1/sessions", json=new), 201)
        assert (opened["taken"], opened["marks"]) == (False, [])
        cells = dict.fromkeys(self.in_class, "A")
        by_photo = set()
        if number in WITH_PHOTO:
            by_photo = {OBAMA, BIDEN} & self.recognised
            for student in self.photo(number):
                cells[student] = "P"
        for student in self.in_class:
            if student not in by_photo:
                cells[student] = on_a_usual_day(number, student)
        self.mark(number, {student: letter for student, letter in cells.items() if student not in by_photo})
        self.register.cells[number] = cells
        assert done(teacher.get(url))["counts"] == self.register.counts(number)

    def photo(self, number: int) -> list[str]:
        """Read the group photo; return who is named in it."""
        image = (self.samples / "photos" / "group.jpg").read_bytes()
        # The same photo serves every lesson.
        form = {"group_id": "7b", "session_id": session_id(number), "use_anyway": "true"}
        document = done(self.school.frizzle.post("/mark/detect", data=form, files={"images": image}))
        faces = document["photos"][0]["faces"]
        assert len(faces) == 2
        return [face["student_id"] for face in faces if face["student_id"] is not None]

    def mark(self, number: int, letters: Mapping[str, str]) -> None:
        """Set marks by hand, as read before."""
        url = f"/v1/sessions/{session_id(number)}"
        read = self.school.frizzle.get(url).headers["etag"]
        marks = [{"student_id": student, "status": STATUS[letter]} for student, letter in letters.items()]
        done(self.school.frizzle.patch(f"{url}/marks", json={"marks": marks}, headers={"If-Match": read}))

    def faces(self, number: int) -> tuple[str, str]:
        """Return the faces of Obama, on the left, and of the stranger beside him."""
        (photo,) = done(self.school.frizzle.get(f"/v1/sessions/{session_id(number)}/photos"))
        left, right = sorted(photo["faces"], key=lambda face: face["box"][0])
        return left["face_id"], right["face_id"]

    def name(self, number: int, face: str, student: str | None, *, learn: bool = False) -> httpx.Response:
        return self.school.frizzle.post(
            f"/v1/sessions/{session_id(number)}/faces/{face}/student",
            json={"student_id": student, "learn": learn, "learn_anyway": learn},
        )


@pytest.mark.large
def test_a_term_of_class_7b(school: School, samples: Path) -> None:
    story = Story(school, samples)
    names = {student: f"{NAMES[int(student) % len(NAMES)]} {student}" for student in STUDENTS}
    begin(story, names)

    for number in (1, 2):
        story.lesson(number)
    somebody_else_was_faster(story)
    for number in (3, 4, 5):
        story.lesson(number)
    nobody_is_named_without_a_photo(story)
    story.lesson(6)
    four_join_late(story, names)
    story.lesson(7)
    biden_brings_a_photo(story, names)
    story.lesson(8)
    story.lesson(9)
    the_photo_on_the_wall(story)
    story.lesson(10)
    one_moves_to_another_class(story)
    story.lesson(11)
    names[RENAMED] = "Grace Brewster Hopper"
    renamed = school.frizzle.patch(f"/v1/students/{RENAMED}", json={"name": names[RENAMED]}, headers={"If-Match": "*"})
    assert done(renamed)["name"] == names[RENAMED]
    story.lesson(12)
    story.recognised.add(BIDEN)
    story.lesson(13)
    assert story.register.cells[13][BIDEN] == "P", "what was learned is recognised"
    it_was_not_biden_after_all(story)
    story.lesson(14)
    obama_withdraws(story)
    story.lesson(15)
    a_note_comes_in_late(story)
    for number in (16, 17, 18):
        story.lesson(number)
    one_is_erased(story)
    for number in (19, 20):
        story.lesson(number)
    a_session_by_mistake(story)

    end(story, names)


def begin(story: Story, names: Mapping[str, str]) -> None:
    """The class is made, its roster imported after a look, and one student brings a photo."""
    school = story.school
    for group, teacher in (("7b", "frizzle"), ("8a", "gadget")):
        done(school.admin.post("/v1/groups", json={"group_id": group, "name": group, "teachers": [teacher]}), 201)
    table = StringIO()
    csv.writer(table).writerows(
        [["student_id", "name", "group"], *([student, names[student], "7b"] for student in story.in_class)]
    )
    for dry_run in (True, False):
        report = done(
            school.admin.post(
                "/v1/students/import",
                params={"dry_run": dry_run},
                files={"file": ("roster.csv", table.getvalue().encode())},
            )
        )
        assert (report["counts"]["add"], report["applied"]) == (26, not dry_run)
    register_with_photo(story, OBAMA, "barack_obama", names[OBAMA])
    assert len(done(school.frizzle.get("/v1/groups/7b/students"))["items"]) == 26


def register_with_photo(story: Story, student: str, who: str, name: str) -> None:
    image = (story.samples / "gallery" / f"{who}.jpg").read_bytes()
    fields = {"student_id": student, "name": name, "group_id": "7b", "consent": "true"}
    done(story.school.frizzle.post("/register/register-student", data=fields, files={"image": image}), 201)
    story.recognised.add(student)


def somebody_else_was_faster(story: Story) -> None:
    """Two phones mark the same session: the second one has to look again."""
    teacher, url = story.school.frizzle, f"/v1/sessions/{session_id(2)}"
    read = teacher.get(url).headers["etag"]
    story.mark(2, {"0003": "E"})
    change = {"marks": [{"student_id": "0003", "status": "absent"}, {"student_id": "0004", "status": "absent"}]}
    stale = teacher.patch(f"{url}/marks", json=change, headers={"If-Match": read})
    assert done(stale, 412)["code"] == "version_conflict"
    story.mark(2, {"0004": "L"})
    story.register.cells[2] |= {"0003": "E", "0004": "L"}


def nobody_is_named_without_a_photo(story: Story) -> None:
    """Biden has not been asked for consent, so that his face gets no name; he is marked by hand."""
    _, stranger = story.faces(5)
    assert done(story.name(5, stranger, BIDEN), 409)["code"] == "not_registered"
    assert done(story.name(5, stranger, "0027"), 422)["code"] == "not_in_group"
    story.mark(5, {BIDEN: "P"})
    story.register.cells[5][BIDEN] = "P"


def four_join_late(story: Story, names: Mapping[str, str]) -> None:
    """They have no earlier marks, except one who sat in once and is marked afterwards."""
    for student in LATE:
        new = {"student_id": student, "name": names[student], "group_ids": ["7b"]}
        done(story.school.frizzle.post("/v1/students", json=new), 201)
    story.in_class += LATE
    story.mark(6, {LATE[0]: "P"})
    story.register.cells[6][LATE[0]] = "P"


def biden_brings_a_photo(story: Story, names: Mapping[str, str]) -> None:
    """His marks stay; from the next photo on he could be recognised."""
    register_with_photo(story, BIDEN, "joe_biden", names[BIDEN])


def the_photo_on_the_wall(story: Story) -> None:
    """That was no student but a picture of one, and the stranger is taken for Biden; sent again, all stays so."""
    picture, stranger = story.faces(9)
    assert story.register.cells[9][OBAMA] == "P"
    answer = done(story.name(9, picture, None))
    assert {mark["student_id"]: mark["status"] for mark in answer["marks"]}[OBAMA] == "absent"
    done(story.name(9, stranger, BIDEN, learn=True))
    assert story.school.students.template(StudentId(BIDEN)).learned_ids == (stranger,)
    assert story.photo(9) == [BIDEN]
    story.register.cells[9] |= {OBAMA: "A", BIDEN: "P"}


def one_moves_to_another_class(story: Story) -> None:
    """The marks of the time in 7b stay there."""
    moved = story.school.admin.patch(f"/v1/students/{MOVED}", json={"group_ids": ["8a"]}, headers={"If-Match": "*"})
    assert done(moved)["group_ids"] == ["8a"]
    story.in_class.remove(MOVED)


def it_was_not_biden_after_all(story: Story) -> None:
    """The names are taken away, and with the first one what was learned by it."""
    for number in (9, 13):
        _, stranger = story.faces(number)
        done(story.name(number, stranger, None))
        story.register.cells[number][BIDEN] = "A"
    assert story.school.students.template(StudentId(BIDEN)).learned == ()


def obama_withdraws(story: Story) -> None:
    """Photos that show his name go; he is marked by hand from then on."""
    (photo,) = done(story.school.frizzle.get(f"/v1/sessions/{session_id(1)}/photos"))
    url = f"/v1/sessions/{session_id(1)}/photos/{photo['photo_id']}/annotated"
    assert story.school.frizzle.get(url).headers["content-type"] == "image/jpeg"
    answer = done(story.school.frizzle.post(f"/v1/students/{OBAMA}/consent/withdrawal"))
    assert answer["state"] == "withdrawn"
    assert done(story.school.frizzle.get(url), 404)["code"] == "photo_not_found"
    story.recognised.remove(OBAMA)


def a_note_comes_in_late(story: Story) -> None:
    """A mark of last week is changed, and it is kept who did so and what stood there before."""
    before = story.register.cells[14]["0020"]
    story.mark(14, {"0020": "E"})
    story.register.cells[14]["0020"] = "E"
    change = done(story.school.frizzle.get(f"/v1/sessions/{session_id(14)}/changes"))["items"][-1]
    assert (change["student_id"], change["by"] != "", change["before"], change["after"]) == (
        "0020",
        True,
        STATUS[before],
        "excused",
    )


def one_is_erased(story: Story) -> None:
    """Only an admin may; nothing is left but anonymous counts."""
    assert done(story.school.frizzle.delete(f"/v1/students/{ERASED}"), 403)["code"] == "not_allowed"
    done(story.school.admin.delete(f"/v1/students/{ERASED}"), 204)
    assert story.school.students.traces(StudentId(ERASED)) == []
    story.in_class.remove(ERASED)
    story.register.erase(ERASED)


def a_session_by_mistake(story: Story) -> None:
    """It is removed; and the teacher of the other class sees none of all this."""
    teacher = story.school.frizzle
    opened = done(teacher.post("/v1/sessions", json={"group_id": "7b"}), 201)["session_id"]
    done(teacher.delete(f"/v1/sessions/{opened}"), 204)
    assert done(teacher.get(f"/v1/sessions/{opened}"), 403)["code"] == "not_allowed"
    other = story.school.gadget
    assert done(other.get(f"/v1/sessions/{session_id(1)}"), 403)["code"] == "not_allowed"
    assert done(other.get("/v1/reports/attendance", params={"group_id": "7b"}), 403)["code"] == "not_allowed"
    assert done(other.get("/v1/sessions"))["items"] == []


def end(story: Story, names: Mapping[str, str]) -> None:
    """The report, the export and the list of sessions say what the teacher wrote down."""
    teacher, register = story.school.frizzle, story.register
    students = sorted(set(STUDENTS) - {ERASED})
    report = done(teacher.get("/v1/reports/attendance", params={"group_id": "7b"}))
    assert [session["session_id"] for session in report["sessions"]] == [session_id(number) for number in range(1, 21)]
    assert [session["started_at"] for session in report["sessions"]] == [
        started_at(number).isoformat() for number in range(1, 21)
    ]
    assert {student["student_id"]: student["marks"] for student in report["students"]} == {
        student: register.of(student) for student in students
    }
    assert {student["student_id"]: student["name"] for student in report["students"]} == {
        student: names[student] for student in students
    }
    assert [student["student_id"] for student in report["students"] if not student["on_roster"]] == [MOVED]
    erased = {status: register.left[letter] for letter, status in STATUS.items()}
    assert sum(erased.values()) == 18
    assert {status: report["erased"][status] for status in STATUS.values()} == erased
    totals = Counter(register.counts(*range(1, 21)))
    totals.update(erased)
    assert {status: report["totals"][status] for status in totals} == dict(totals)

    export = teacher.get("/v1/reports/attendance", params={"group_id": "7b", "format": "csv"})
    rows = list(csv.reader(StringIO(export.content.decode("utf-8-sig"), newline="")))
    written = {row[0]: row[-20:] for row in rows[1:]}
    assert written == {f'="{student}"': [status or "" for status in register.of(student)] for student in students}

    listed = done(teacher.get("/v1/sessions", params={"group_id": "7b", "since": "2026-10-19", "until": "2026-10-26"}))
    # Two of the week before the clocks change, one of the week after.
    assert [session["session_id"] for session in listed["items"]] == [session_id(number) for number in (13, 14, 15)]
    assert [session["started_at"][11:16] for session in listed["items"]] == ["06:15", "06:15", "07:15"]
    for number, session in zip((13, 14, 15), listed["items"], strict=True):
        expected = Counter(register.counts(number))
        expected[STATUS[on_a_usual_day(number, ERASED)]] += 1
        assert session["counts"] == dict(expected)
