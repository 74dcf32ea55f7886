"""Decoding of photos in separate processes, which are killed if a photo costs too much.

A decoder written in C cannot be interrupted by a thread, and a crafted file may keep one busy for hours. Pipes carry
photos and pixels, because AWS Lambda has neither shared memory nor semaphores.
"""

import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from queue import LifoQueue
from threading import Timer
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from muster.domain import errors
from muster.domain.errors import DamagedImage, ImageTooLarge, MusterError, OutOfMemory
from muster.vision.decode import Photo
from muster.vision.decoder_worker import LENGTH, PIXELS_HEADER_LINES

_START = "import sys; sys.path[:] = {path!r}; from muster.vision.decoder_worker import main; main()"

_WALL_SECONDS = 60.0
"""A safeguard for overloaded machines; the actual limit is on processor time."""

_PIPE_BYTES = 1 << 20
"""Linux allows every user this much."""


class DecoderPool:
    """Decodes as `muster.vision.decode.decode` does, with bounds on time and memory; safe to share between threads.

    Args:
        size: photos decoded at once; further ones wait. An idle process takes about 40 MB.
    """

    def __init__(self, size: int) -> None:
        # The process used last is used next, so one process suffices if photos arrive one by one.
        self._idle: LifoQueue[_Decoder | None] = LifoQueue()
        for _ in range(size - 1):
            self._idle.put(None)
        self._idle.put(_Decoder())

    def decode(self, data: bytes) -> Photo:
        """Read a photo; see `muster.vision.decode.decode`.

        Raises:
            EmptyUpload, UnsupportedImage, DamagedImage: the photo cannot be read.
            ImageTooLarge: the photo exceeds the limits, which include processor time and memory.
            OutOfMemory: this machine lacks memory, or is too busy to finish decoding.
        """
        with self._decoder() as decoder:
            pixels = decoder.pixels(data)
        return Photo(pixels, sha256(data).hexdigest())

    def close(self) -> None:
        """End the idle processes."""
        for _ in range(self._idle.qsize()):
            if decoder := self._idle.get_nowait():
                decoder.close()

    @contextmanager
    def _decoder(self) -> "Iterator[_Decoder]":
        decoder = self._idle.get()
        try:
            if decoder is None or not decoder.is_alive():
                decoder = _Decoder()
            yield decoder
        finally:
            self._idle.put(decoder if decoder is not None and decoder.is_alive() else None)


class _Decoder:
    """One process, used by one thread at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _START.format(path=sys.path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        if sys.platform == "linux":
            fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._answers.close()

    def pixels(self, data: bytes) -> NDArray[np.uint8]:
        guard = Timer(_WALL_SECONDS, self._process.kill)
        guard.daemon = True
        guard.start()
        try:
            self._send(LENGTH.pack(len(data)))
            self._send(data)
            answer: dict[str, Any] = json.loads(self._line())
            if "height" in answer:
                for _ in range(PIXELS_HEADER_LINES):
                    self._line()
                pixels = np.empty((answer["height"], answer["width"], 3), np.uint8)
                self._fill(pixels.data.cast("B"))
                return pixels
        except (BrokenPipeError, EOFError) as error:
            raise self._death() from error
        except BaseException:
            # Data left in the pipes would be taken for the next answer.
            self._process.kill()
            raise
        finally:
            guard.cancel()
        if "failure" in answer:
            raise RuntimeError(answer["failure"])
        refusal: type[MusterError] = getattr(errors, answer["error"])
        raise refusal(answer["detail"])

    def _send(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[self._requests.write(left) :]

    def _line(self) -> bytes:
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return line

    def _fill(self, content: memoryview) -> None:
        while content:
            count = self._answers.readinto(content)  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            content = content[count:]

    def _death(self) -> MusterError:
        status = self._process.wait()
        self._requests.close()
        self._answers.close()
        if status == -signal.SIGPROF:
            return ImageTooLarge(
                "The photo takes too long to read: save it as an ordinary JPEG, or send it in a smaller size."
            )
        if status == -signal.SIGKILL:
            return OutOfMemory("The server is too busy to read the photo: send it again in a minute.")
        return DamagedImage("The photo is damaged: send it again, or take a new one.")
