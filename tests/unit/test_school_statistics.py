"""Statistics of a school's own students: how they are estimated, and when they are refused."""

import numpy as np
import pytest

from muster.arrays import FloatArray, unit_rows
from muster.packs.manifest import shipped_spec
from muster.recognition.school_statistics import MAX_STRANGERS, MIN_STUDENTS, estimate_school
from muster.recognition.thresholds import stranger_score

SIZE = 64


def people(count: int, seed: int = 0, *, directions: int = 30) -> FloatArray:
    """Unit rows that vary in some directions more than in others, about a mean that is not zero."""
    random = np.random.default_rng(seed)
    scales = np.linspace(1, 0.2, directions)
    rows = np.zeros((count, SIZE))
    rows[:, :directions] = random.normal(size=(count, directions)) * scales
    rows += 0.3
    return unit_rows(rows.astype(np.float32))


def test_scores_of_strangers_have_at_most_the_deviation_that_thresholds_assume() -> None:
    found = estimate_school(people(200), (SIZE,))
    others = people(300, seed=1)
    pairs = found.population.project(others)
    scores = (pairs @ pairs.T)[np.triu_indices(len(others), 1)]
    assert 0.6 < scores.std() <= 1.0
    assert abs(scores.mean()) < 0.1
    assert (scores > stranger_score(1e-3)).mean() <= 1e-3
    assert found.safe


def test_too_few_students_are_not_enough() -> None:
    assert not estimate_school(people(MIN_STUDENTS - 1), (SIZE,)).safe


def test_statistics_that_let_strangers_pass_are_refused() -> None:
    """Families whose members resemble one another: the pairs within them are strangers with high scores."""
    random = np.random.default_rng(0)
    families = people(20)[np.repeat(np.arange(20), 5)]
    rows = unit_rows(families + random.normal(scale=0.02, size=families.shape).astype(np.float32))
    found = estimate_school(rows, (SIZE,))
    assert found.strangers > MAX_STRANGERS
    assert not found.safe


def test_the_same_student_registered_twice_does_not_decide() -> None:
    rows = people(200)
    rows[1] = rows[0]
    assert estimate_school(rows, (SIZE,)).safe


@pytest.mark.parametrize("pack", ["cloud", "cloud-segmented"])
def test_the_packs_that_need_it_have_one_network(pack: str) -> None:
    # Scores of two networks agree more than independent ones, which this estimate does not measure.
    assert len(shipped_spec(pack).sizes) == 1
