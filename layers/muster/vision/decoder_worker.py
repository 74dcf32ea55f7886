"""A process that decodes photos for another process: it reads requests from stdin and writes answers to stdout.

A request is its length in 8 bytes, little-endian, then the photo's bytes. An answer is one line of JSON: `height` and
`width`, after which the pixels follow as a PPM file; or `error`, the name of a domain error, and its `detail`; or
`failure`, if an unexpected exception was raised. The process ends when stdin is closed, so also when the parent process
ends.

Pillow writes a PPM file into the pipe in small pieces. As an array, the pixels would be copied as a whole three times,
into new pages of memory, which took more than half of the processor time of 36 megapixels
(benchmarks/operations/decoding.py).
"""

import json
import resource
import signal
import struct
import sys
import warnings
from typing import BinaryIO

from muster.domain.errors import ImageTooLarge, MusterError
from muster.vision.decode import decode_image
from muster.vision.formats import DEFAULT_IMAGE_LIMITS

LENGTH = struct.Struct("<Q")

PIXELS_FORMAT = "PPM"
"""Pillow's format of the pixels in an answer."""

PIXELS_HEADER_LINES = 3
"""Lines before the pixels of a PPM file: its magic number, width and height, and the highest value."""

_ADDRESS_SPACE = 2_000_000_000
"""Bytes; enough for a transparent PNG of 50 megapixels."""


def main() -> None:
    """Answer requests until there are no more."""
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # An interrupt at the terminal is meant for the parent process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while header := requests.read(LENGTH.size):
        _answer(requests.read(LENGTH.unpack(header)[0]), answers)


def _answer(data: bytes, answers: BinaryIO) -> None:
    # The signal has no handler, so the kernel ends the process even inside a decoder written in C.
    signal.setitimer(signal.ITIMER_PROF, DEFAULT_IMAGE_LIMITS.processor_seconds)
    try:
        image = decode_image(data)
    except MusterError as error:
        _write(answers, {"error": type(error).__name__, "detail": str(error)})
    except MemoryError:
        detail = "The photo takes too much memory to read: save it as an ordinary JPEG, or send it in a smaller size."
        _write(answers, {"error": ImageTooLarge.__name__, "detail": detail})
    except Exception as error:  # noqa: BLE001 - the parent process raises it again
        _write(answers, {"failure": f"{type(error).__name__}: {error}"})
    else:
        _write(answers, {"height": image.height, "width": image.width})
        image.save(answers, PIXELS_FORMAT)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _write(answers: BinaryIO, answer: dict[str, object]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()
