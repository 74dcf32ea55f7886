"""The school in memory: what changed is loaded, and nothing else."""

from collections.abc import Collection
from typing import cast

import numpy as np
import pytest

from muster.domain.errors import PackMismatch, RecordDamaged
from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import MeanView, Template
from muster.recognition.scoring import Population
from muster.services.caches.school import School
from muster.storage.ports import StagedTemplates, StudentStore

PACK = PackId("pack")
WIDTH, PARTS = 64, 8
POPULATION = Population.from_network(np.zeros(WIDTH, np.float32), np.eye(WIDTH, 8, dtype=np.float32) * 0.1)


class Students:
    """A store of mean views in parts, which counts the parts that are read."""

    def __init__(self, count: int) -> None:
        self.packs: dict[str, PackId] = {}
        self.views = {f"s{number}": self.view(number) for number in range(count)}
        self.versions = {str(part): "0" for part in range(PARTS)}
        self.read: list[str] = []

    @staticmethod
    def view(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).normal(size=WIDTH).astype(np.float32)

    @staticmethod
    def part(student_id: str) -> str:
        return str(sum(student_id.encode()) % PARTS)

    def put(self, student_id: str, view: np.ndarray | None) -> None:
        if view is None:
            del self.views[student_id]
        else:
            self.views[student_id] = view
        self.versions[self.part(student_id)] += "'"

    def school_parts(self) -> dict[str, str]:
        return dict(self.versions)

    def mean_views(self, parts: Collection[str]) -> dict[str, list[MeanView]]:
        self.read += parts
        return {
            part: [
                MeanView(StudentId(id), self.packs.get(id, PACK), view)
                for id, view in self.views.items()
                if self.part(id) == part
            ]
            for part in parts
        }


def school_of(students: Students) -> School:
    return School(cast(StudentStore, students), PACK, POPULATION)


def test_only_the_parts_that_changed_are_read() -> None:
    students = Students(40)
    school = school_of(students)
    first = school.current()
    assert sorted(students.read) == sorted(students.versions)
    students.read.clear()
    assert school.current() is first
    assert students.read == []
    students.put("new", students.view(1000))
    assert "new" in school.current().student_ids
    assert students.read == [students.part("new")]


def test_a_school_that_was_read_step_by_step_is_the_one_that_is_read_at_once() -> None:
    """Above a hundred students, a few changes do not adapt the population again, and the scores hardly move."""
    students = Students(1000)
    school = school_of(students)
    school.current()
    for number in range(30):
        students.put(f"new{number}", students.view(2000 + number))
        students.put(f"s{number}", students.view(3000 + number))
        students.put(f"s{900 + number}", None)
        step_by_step, at_once = school.current(), school_of(students).current()
        assert len(step_by_step.student_ids) == 1000
        assert sorted(step_by_step.student_ids) == sorted(at_once.student_ids)
        order = [at_once.student_ids.index(id) for id in step_by_step.student_ids]
        np.testing.assert_allclose(step_by_step.rows, at_once.rows[order], atol=0.02)
    np.testing.assert_allclose(step_by_step.population.networks[0].mean, at_once.population.networks[0].mean, atol=1e-3)


def test_a_part_that_is_gone_takes_its_students_with_it() -> None:
    students = Students(40)
    school = school_of(students)
    school.current()
    del students.versions["3"]
    left = school.current().student_ids
    assert sorted(left) == sorted(id for id in students.views if students.part(id) != "3")


def test_a_view_of_another_length_is_damaged() -> None:
    students = Students(3)
    students.put("s1", np.ones(WIDTH + 1, np.float32))
    with pytest.raises(RecordDamaged, match="template of s1"):
        school_of(students).current()


class Staging:
    """Templates of the pack that some students have beside those in use."""

    def __init__(self, staged: dict[str, np.ndarray]) -> None:
        self.staged = staged

    def find(self, pack: PackId, students: Collection[StudentId]) -> list[Template]:
        return [Template(id, pack, self.staged[id][None], "0" * 64) for id in students if id in self.staged]


def test_students_who_moved_to_another_pack_are_found_by_their_staged_template() -> None:
    students = Students(20)
    before = school_of(students).current()
    staging = Staging({"s3": students.views["s3"]})
    students.packs["s3"] = PackId("other")
    students.put("s3", np.ones(5, np.float32))
    school = School(cast(StudentStore, students), PACK, POPULATION, cast(StagedTemplates, staging))
    np.testing.assert_array_equal(school.current().rows, before.rows)
    staging.staged.clear()
    students.put("s3", np.ones(5, np.float32))
    with pytest.raises(PackMismatch, match="Student s3 "):
        school.current()
