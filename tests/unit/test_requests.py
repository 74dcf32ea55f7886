"""Token buckets, and the digest by which a repeated request is known."""

import hashlib
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.api.middleware.content_digest import ContentDigest, delimiter_of
from muster.api.rate_limits import Buckets, Rate


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    now = 0.0
    buckets = Buckets(Rate(burst=3, per_second=0.5), clock=lambda: now)
    assert [buckets.take("ada") for _ in range(4)] == [0, 0, 0, 2]
    assert buckets.take("bob") == 0
    now = 1.0
    assert buckets.take("ada") == 1
    now = 2.0
    assert [buckets.take("ada") for _ in range(2)] == [0, 2]
    now = 1000.0
    assert [buckets.take("ada") > 0 for _ in range(4)] == [False, False, False, True]


def test_only_so_many_senders_are_remembered() -> None:
    buckets = Buckets(Rate(burst=1, per_second=1), clock=lambda: 0, max_keys=2)
    for name in ("ada", "bob", "cy"):
        assert buckets.take(name) == 0
    assert buckets.take("cy") > 0
    # The first of three is forgotten.
    assert buckets.take("ada") == 0


def digest(chunks: list[bytes], delimiter: bytes) -> str:
    content = ContentDigest(delimiter)
    for chunk in chunks:
        content.update(chunk)
    return content.hexdigest([])


PARTS = st.lists(st.binary(max_size=20).filter(lambda part: b"-" not in part), min_size=1, max_size=5)


@given(parts=PARTS, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_neither_the_boundary_nor_the_chunks_change_the_digest(parts: list[bytes], cuts: list[int]) -> None:
    whole = b"--one".join(parts)
    ends = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    chunks = [whole[start:end] for start, end in pairwise(ends)]
    assert digest(chunks, b"--one") == digest([b"--another-boundary".join(parts)], b"--another-boundary")


@given(one=PARTS, other=PARTS)
def test_other_parts_have_another_digest(one: list[bytes], other: list[bytes]) -> None:
    same = digest([b"--x".join(one)], b"--x") == digest([b"--x".join(other)], b"--x")
    assert same == (one == other)


def test_where_a_content_is_cut_is_part_of_its_digest() -> None:
    assert digest([b"ab--xc"], b"--x") != digest([b"a--xbc"], b"--x") != digest([b"abc"], b"--x")


@pytest.mark.parametrize(
    ("content_type", "delimiter"),
    [
        ("multipart/form-data; boundary=abc", b"--abc"),
        ('multipart/form-data; charset=utf-8; Boundary="a b;c"', b"--a b;c"),
        ("multipart/form-data; boundary=", b""),
        ('multipart/form-data; boundary=""', b""),
        ("multipart/form-data; boundary=" + "x" * 71, b""),
        ("multipart/form-data; x=" + ";" * 60_000 + '"', b""),
        ("application/json", b""),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_boundary_is_read_only_where_it_is_one(content_type: str, delimiter: bytes) -> None:
    assert delimiter_of(content_type) == delimiter


@pytest.mark.parametrize("content", [b"-" * 500_000, b"--x" * 200_000, b"--" * 250_000], ids=lambda one: repr(one[:3]))
def test_a_body_of_delimiters_costs_no_more_hashing_than_any_other(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []

    class Counted:
        def __init__(self, content: bytes = b"") -> None:
            self._hash = hashlib.sha256(content)

        def update(self, content: bytes) -> None:
            hashed.append(len(content))
            self._hash.update(content)

        def hexdigest(self) -> str:
            return self._hash.hexdigest()

    monkeypatch.setattr("muster.api.middleware.content_digest.hashlib", SimpleNamespace(sha256=Counted))
    digest([content[start : start + 65_536] for start in range(0, len(content), 65_536)], b"--x")
    assert len(hashed) <= 4 * (len(content) // 65_536 + 1) + 1
    assert sum(hashed) <= 4 * len(content)
