"""The capture time is read from a photo's EXIF data; damaged data gives no time."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from muster.vision.capture_time import capture_time
from tests.e2e.pictures import dated, encoded

BERLIN = ZoneInfo("Europe/Berlin")
PICTURE = Image.new("RGB", (16, 12), (90, 120, 150))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_the_time_is_read_from_every_format(form: str) -> None:
    photo = dated(PICTURE, "2019:05:03 08:15:00", "+02:00", form)
    assert capture_time(photo, UTC) == datetime(2019, 5, 3, 8, 15, tzinfo=timezone(timedelta(hours=2)))


def test_without_an_offset_the_time_is_the_schools() -> None:
    photo = dated(PICTURE, "2026:07:01 08:15:00")
    assert capture_time(photo, BERLIN) == datetime(2026, 7, 1, 6, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "time", ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "2026-07-01", "2026:13:01 08:15:00", "x" * 5000]
)
def test_what_is_no_time_is_none(time: str) -> None:
    assert capture_time(dated(PICTURE, time, "+02:00"), UTC) is None


def test_an_offset_that_is_none_is_ignored() -> None:
    assert capture_time(dated(PICTURE, "2026:07:01 08:15:00", "about noon"), UTC) == datetime(
        2026, 7, 1, 8, 15, tzinfo=UTC
    )


def test_a_picture_without_a_time_has_none() -> None:
    assert capture_time(encoded(PICTURE), UTC) is None
    assert capture_time(b"not a picture", UTC) is None


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 200), byte=st.integers(0, 255))
def test_damaged_data_is_no_error(at: int, byte: int) -> None:
    photo = bytearray(dated(PICTURE, "2026:07:01 08:15:00", "+02:00"))
    photo[at % len(photo)] = byte
    capture_time(bytes(photo), UTC)
