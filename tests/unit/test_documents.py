"""The byte format of templates."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from muster.storage.documents import embeddings_bytes, read_embeddings
from tests.contract.examples import a_template


@pytest.mark.parametrize("width", [1, 192, 512, 704])
def test_embeddings_carry_their_width(width: int) -> None:
    rows = np.random.default_rng(width).normal(size=(3, width)).astype(np.float32)
    np.testing.assert_array_equal(read_embeddings(embeddings_bytes(replace(a_template("s"), embeddings=rows))), rows)


def test_embeddings_from_before_they_carried_it_are_512_numbers_wide() -> None:
    rows = a_template("s").embeddings
    np.testing.assert_array_equal(read_embeddings(rows.astype("<f4").tobytes()), rows)


@pytest.mark.parametrize("length", [1, 7, 8 + 4 * 511, 4 * 100])
def test_embeddings_that_are_cut_short_are_refused(length: int) -> None:
    whole = embeddings_bytes(a_template("s"))
    with pytest.raises(ValueError):  # noqa: PT011 numpy's own sentences
        read_embeddings(whole[:length])


@pytest.mark.parametrize(
    "spoil", [lambda whole: b"", lambda whole: whole[:8], lambda whole: whole[:-4] + b"\0\0\xc0\x7f"]
)
def test_embeddings_that_are_empty_or_not_numbers_are_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="empty or not numbers"):
        read_embeddings(spoil(embeddings_bytes(a_template("s"))))


@pytest.mark.parametrize("shape", [(0, 512), (4, 0), (512,)])
def test_a_template_without_a_row_or_a_column_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="float32"):
        embeddings_bytes(replace(a_template("s"), embeddings=np.zeros(shape, np.float32)))
