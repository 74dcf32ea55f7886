"""Damaged and hand-made files sent to a real server: every answer is a result or a refusal, never a failure."""

import io
import random
import struct
import zipfile
from pathlib import Path

import httpx
import pytest
from PIL import Image

from benchmarks.operations.hostile import inputs, request_of
from tests.hostile import jpeg_of_scans, png_chunk

pytestmark = pytest.mark.large

INPUTS = 60


def handmade() -> dict[str, tuple[str, bytes]]:
    """Make files that aim at one bound each, with the kind of request that takes them."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0))
    animation = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), (level, 0, 0)) for level in (0, 200)]
    frames[0].save(animation, "WEBP", save_all=True, append_images=frames[1:])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("s0.jpg", bytes(30_000_000))
    return {
        "endless scans": ("roll call", jpeg_of_scans(7000, 7000, 1000)),
        "endless segments": ("registration", b"\xff\xd8" + b"\xff\xfe\x00\x02" * 100_000),
        "a picture of 4.6 exapixels": ("roll call", b"\x89PNG\r\n\x1a\n" + header),
        "an animation": ("registration", animation.getvalue()),
        "a HEIC of nothing but its type": ("roll call", struct.pack(">I", 24) + b"ftypheic" + bytes(12)),
        "a photo that unpacks to 30 MB": ("archive", packed.getvalue()),
        "an archive cut in its directory": ("archive", packed.getvalue()[:-30]),
        "an XLSX that is any archive": ("roster", packed.getvalue()),
        "a CSV of zero bytes": ("roster", bytes(10_000)),
        "a CSV of one endless cell": ("roster", b'student_id,name,group\n"' + b"x" * 900_000),
    }


@pytest.fixture
def registered(client: httpx.Client, samples: Path) -> httpx.Client:
    """A client of a server with one student, who is named by archives and roll calls."""
    path, form = request_of("registration", (samples / "gallery" / "barack_obama.jpg").read_bytes())
    client.post(path, **form | {"data": form["data"] | {"student_id": "s0"}}).raise_for_status()
    return client


def test_mutated_files_are_read_or_refused(registered: httpx.Client) -> None:
    for number, (kind, content) in enumerate(inputs(INPUTS, random.Random(7))):  # noqa: S311
        path, form = request_of(kind, content)
        answer = registered.post(path, **form)
        assert answer.status_code < 500, (number, kind, answer.text)
        if answer.is_error:
            assert answer.json()["code"] != "internal_error", (number, kind, answer.text)
    assert registered.get("/health").status_code == 200


def test_handmade_files_are_refused(registered: httpx.Client) -> None:
    for name, (kind, content) in handmade().items():
        path, form = request_of(kind, content)
        answer = registered.post(path, **form)
        if kind == "archive" and answer.status_code == 200:
            assert all(row["code"] for row in answer.json()), (name, answer.text)
        else:
            assert 400 <= answer.status_code < 500, (name, answer.text)
            assert answer.json()["code"], name
