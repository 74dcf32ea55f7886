import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.domain.errors import HeadDamaged, PackMismatch
from muster.domain.identifiers import PackId, StudentId
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head

PACK = PackId("embedded-1")


def unit_rows(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, 512)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def make_head(**changed: object) -> Head:
    random = np.random.default_rng(1)
    fields: dict[str, object] = {
        "pack": PACK,
        "weight": random.normal(size=(64, 512)).astype(np.float32),
        "bias": random.normal(size=64).astype(np.float32),
        "centre": 0.1,
        "deviation": 0.2,
        "fusion": 0.4,
        "students": {StudentId("ana"): "0123:8"},
        "parent": "ab" * 32,
        "metrics": {"rank_1": 0.9, "note": "größer"},
    }
    return Head(**{**fields, **changed})  # type: ignore[arg-type]


def make_gallery(students: int, pack: PackId = PACK) -> Gallery:
    ids = tuple(StudentId(f"s{i:03d}") for i in range(students))
    return Gallery(ids, pack, unit_rows(3 * students, 7), np.repeat(np.arange(students), 3))


def test_a_head_read_back_is_the_head_written() -> None:
    head = make_head()
    back = Head.load(head.to_bytes(), PACK)
    np.testing.assert_array_equal(back.weight, head.weight)
    np.testing.assert_array_equal(back.bias, head.bias)
    assert (back.centre, back.deviation, back.fusion) == (head.centre, head.deviation, head.fusion)
    assert (back.students, back.parent, back.metrics) == (head.students, head.parent, head.metrics)
    assert back.to_bytes() == head.to_bytes()


@pytest.mark.parametrize("length", [0, 7, 8, 100, 5000, -1])
def test_a_truncated_head_is_damaged(length: int) -> None:
    with pytest.raises(HeadDamaged):
        Head.load(make_head().to_bytes()[:length], PACK)


@given(st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    whole = make_head().to_bytes()
    position = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[position] ^= data.draw(st.integers(1, 255))
    try:
        back = Head.load(bytes(changed), PACK)
    except HeadDamaged:
        return
    # Padding and field order of the outer header carry nothing; what is read must then be what was written.
    assert back.to_bytes() == whole


@pytest.mark.parametrize(
    "changed",
    [
        {"weight": np.zeros((32, 512), np.float32)},
        {"weight": np.zeros((64, 512), np.float64)},
        {"bias": np.full(64, np.nan, np.float32)},
        {"weight": np.full((64, 512), np.inf, np.float32)},
        {"deviation": 0.0},
        {"deviation": float("nan")},
        {"fusion": 1.5},
        {"centre": -2.0},
    ],
)
def test_a_head_with_impossible_contents_is_damaged(changed: dict[str, object]) -> None:
    with pytest.raises(HeadDamaged):
        Head.load(make_head(**changed).to_bytes(), PACK)


def test_a_safetensors_file_of_something_else_is_damaged() -> None:
    from safetensors.numpy import save

    with pytest.raises(HeadDamaged):
        Head.load(save({"weight": np.zeros((64, 512), np.float32)}), PACK)


def test_a_head_of_another_pack_is_refused() -> None:
    with pytest.raises(PackMismatch):
        Head.load(make_head().to_bytes(), PackId("cloud-1"))
    with pytest.raises(PackMismatch):
        make_head().similarity(unit_rows(2), make_gallery(3, PackId("cloud-1")))


def test_embeddings_and_prototypes_have_unit_length() -> None:
    head = make_head()
    assert np.allclose(np.linalg.norm(head.embed(unit_rows(5)), axis=1), 1, atol=1e-6)
    assert np.allclose(np.linalg.norm(head.prototypes(make_gallery(4)), axis=1), 1, atol=1e-6)
    assert head.embed(unit_rows(5)).dtype == np.float32


def test_no_probes_and_no_students_give_empty_answers() -> None:
    head = make_head()
    empty = np.empty((0, 512), np.float32)
    assert head.similarity(empty, make_gallery(3)).shape == (0, 3)
    assert head.similarity(unit_rows(2), Gallery((), PACK, empty, np.empty(0, np.intp))).shape == (2, 0)


def test_a_student_whom_the_head_never_saw_is_found_by_their_templates() -> None:
    head, gallery = make_head(students={}), make_gallery(6)
    similarity = head.similarity(gallery.mean_views(), gallery)
    np.testing.assert_array_equal(similarity.argmax(axis=1), np.arange(6))


def test_fusion_of_nothing_leaves_stage_1_and_of_everything_the_head() -> None:
    normalised = np.array([[1.0, -2.0]], np.float32)
    similarity = np.array([[0.5, 0.1]], np.float32)
    np.testing.assert_allclose(make_head(fusion=0.0).fuse(normalised, similarity), normalised)
    np.testing.assert_allclose(make_head(fusion=1.0).fuse(normalised, similarity), [[2.0, 0.0]], atol=1e-6)
