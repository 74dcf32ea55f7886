"""Photos are decoded in a process that may be killed: nothing in a file keeps the server busy or fills its memory."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from muster.domain.errors import DamagedImage, EmptyUpload, ImageTooLarge, OutOfMemory, UnsupportedImage
from muster.vision.decode import count_scans, decode
from muster.vision.decoder_pool import DecoderPool
from muster.vision.formats import ImageLimits
from tests.hostile import jpeg_of_scans, png_chunk


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    pool = DecoderPool(2)
    yield pool
    pool.close()


def workers(pool: DecoderPool) -> set[int]:
    return {decoder._process.pid for decoder in pool._idle.queue if decoder is not None}


def test_a_photo_is_the_same_whether_this_process_decodes_it_or_another(pool: DecoderPool, samples: Path) -> None:
    data = (samples / "photos" / "group.jpg").read_bytes()
    here, there = decode(data), pool.decode(data)
    assert here.digest == there.digest
    np.testing.assert_array_equal(here.pixels, there.pixels)
    assert there.pixels.flags.writeable
    assert there.pixels.flags.c_contiguous


def test_refusals_keep_their_code_and_sentence_and_the_process_lives(pool: DecoderPool, samples: Path) -> None:
    before = workers(pool)
    sound = (samples / "photos" / "group.jpg").read_bytes()
    for data, refusal in ((b"", EmptyUpload), (b"text", UnsupportedImage), (sound[:3000], DamagedImage)):
        with pytest.raises(refusal) as here:
            decode(data)
        with pytest.raises(refusal) as there:
            pool.decode(data)
        assert str(here.value) == str(there.value)
    assert workers(pool) == before


def test_many_threads_get_each_their_own_photo(pool: DecoderPool) -> None:
    photos = []
    for level in range(12):
        buffer = io.BytesIO()
        Image.new("RGB", (40 + level, 30), (level * 20, 0, 0)).save(buffer, "PNG")
        photos.append(buffer.getvalue())
    with ThreadPoolExecutor(12) as threads:
        read = list(threads.map(pool.decode, photos * 4))
    assert [(photo.width, int(photo.pixels[0, 0, 0])) for photo in read] == [(40 + n, n * 20) for n in range(12)] * 4
    assert len(workers(pool)) <= 2


def test_a_decoder_that_takes_too_much_processor_time_is_ended_and_the_next_photo_is_read(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A limit that any photo exceeds in place of a photo that exceeds any limit.
    monkeypatch.setattr(
        "muster.vision.decoder_pool._START",
        "import sys; sys.path[:] = {path!r}; from muster.vision import decoder_worker as worker; import dataclasses; "
        "limits = dataclasses.replace(worker.DEFAULT_IMAGE_LIMITS, processor_seconds=0.05, scanned_pixels=10**15); "
        "worker.DEFAULT_IMAGE_LIMITS = limits; "
        "decode = worker.decode_image; worker.decode_image = lambda data: decode(data, limits); worker.main()",
    )
    pool = DecoderPool(1)
    try:
        with pytest.raises(ImageTooLarge, match="too long"):
            pool.decode(jpeg_of_scans(2000, 2000, 20_000))
        small = io.BytesIO()
        Image.new("RGB", (8, 8)).save(small, "PNG")
        assert pool.decode(small.getvalue()).width == 8
    finally:
        pool.close()


def test_a_process_killed_from_outside_is_replaced(samples: Path) -> None:
    pool = DecoderPool(1)
    try:
        data = (samples / "photos" / "group.jpg").read_bytes()
        pool.decode(data)
        (worker,) = workers(pool)
        os.kill(worker, signal.SIGKILL)
        try:
            pool.decode(data)
        except OutOfMemory:
            # It was not dead yet when the photo was given to it.
            assert pool.decode(data).width
        assert workers(pool) != {worker}
    finally:
        pool.close()


def test_the_processes_end_when_the_one_that_asks_is_killed() -> None:
    script = (
        "from muster.vision.decoder_pool import DecoderPool; import time; pool = DecoderPool(1); "
        "print(pool._idle.queue[0]._process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{worker}").exists() and "Z" not in Path(f"/proc/{worker}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_decoder_imports_no_models() -> None:
    script = "import muster.vision.decoder_worker, sys; print(sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    for heavy in ("onnxruntime", "torch", "cv2", "scipy", "fastapi"):
        assert f"'{heavy}'" not in loaded


class TestScans:
    def test_a_baseline_jpeg_of_endless_scans_is_refused_before_it_is_decoded(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endless = jpeg_of_scans(7000, 7000, 1000)
        assert len(endless) < 20_000
        monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
        with pytest.raises(ImageTooLarge, match="scans"):
            decode(endless)

    def test_a_baseline_jpeg_of_three_scans_is_read(self) -> None:
        photo = jpeg_of_scans(640, 480, 3)
        assert count_scans(photo) == 3
        assert decode(photo).width == 640

    def test_bytes_that_look_like_scans_in_metadata_or_after_the_end_do_not_count(self) -> None:
        buffer = io.BytesIO()
        Image.new("RGB", (64, 48)).save(buffer, "JPEG", comment=b"\xff\xda" * 500)
        motion_photo = buffer.getvalue() + b"\xff\xda\x00\x08" * 500
        assert count_scans(motion_photo) == 1
        assert decode(motion_photo, ImageLimits(scanned_pixels=64 * 48)).width == 64

    def test_a_file_of_endless_segments_counts_as_one_of_endless_scans(self) -> None:
        segments = b"\xff\xd8" + b"\xff\xfe\x00\x02" * 100_000
        assert count_scans(segments) == len(segments)
        assert count_scans(b"\xff\xd8" + b"\xff" * 100_000) == 0
        assert count_scans(b"\xff\xd8") == 0


def test_a_palette_with_too_many_transparent_entries_is_damaged_not_a_failure() -> None:
    buffer = io.BytesIO()
    Image.new("P", (4, 4)).save(buffer, "PNG", transparency=bytes(256))
    data = buffer.getvalue()
    start = data.index(b"tRNS") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    wrong = data[:start] + png_chunk(b"tRNS", bytes(300)) + data[start + 12 + length :]
    with pytest.raises(DamagedImage):
        decode(wrong)
