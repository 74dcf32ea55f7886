"""A real `muster serve` on loopback, with the memory of its processes."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from benchmarks.operations.hostile import family

START_SECONDS = 120.0


class Memory:
    """Samples the memory of a process and its children twenty times a second.

    Attributes:
        total_kb: highest sum of their resident memory.
        largest_kb: highest resident memory of one of them.
    """

    def __init__(self, process: int) -> None:
        self._process = process
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.total_kb = self.largest_kb = 0

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(0.05):
            resident = [kilobytes(process, "VmRSS") for process in family(self._process)]
            self.total_kb = max(self.total_kb, sum(resident))
            self.largest_kb = max(self.largest_kb, *resident)


def kilobytes(process: int, field: str) -> int:
    """Return one field of a process's status in kB, or 0 once the process has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    return 0


@contextmanager
def serving(data: Path, log: Path) -> Iterator[tuple[str, int]]:
    """Serve a store; give the address and the process, and stop it by SIGTERM."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "muster", "serve", "--port", str(port), "--data", str(data)]
    url = f"http://127.0.0.1:{port}"
    with log.open("a") as output, subprocess.Popen(command, stderr=output) as server:
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    httpx.get(f"{url}/health")
                    break
                except httpx.TransportError:
                    if time.monotonic() > deadline or server.poll() is not None:
                        raise
                    time.sleep(0.1)
            yield url, server.pid
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
