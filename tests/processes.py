"""Python programs in processes of their own, without the second that each would spend on importing the project.

On Linux they are forks of a process that has imported it (`tests/process_server.py`), one for each process of tests;
elsewhere, where the system's libraries do not bear that, they are started like any other program.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from select import select
from typing import Any

from muster.cli.app import COMMANDS

ROOT = Path(__file__).parents[1]
IMPORTED = (
    *sorted({f"muster.cli.{place.split(':')[0]}" for place, _ in COMMANDS.values()}),
    "muster.api.app",
    "muster.composition.aws_recognition",
    "muster.composition.local",
    "muster.entrypoints.training_job",
    "aws_lambda_powertools",
    "boto3",
    "mangum",
    "openpyxl",
    "uvicorn",
)
"""None of them starts a thread, which a fork would be without, or reads what the environment says as it is imported."""
IMPORTED_TO_TRAIN = ("muster.composition.training", "torch._dynamo")
"""Takes five seconds more, and 200 MB. An optimizer imports most of it: PyTorch's compiler."""


def start(arguments: Sequence[str], *, trains: bool = False, **options: Any) -> subprocess.Popen[Any]:
    """Start `python` with these arguments: `-m module` or `-c program`, and theirs.

    Args:
        trains: whether the program will train a head.
        options: those of `subprocess.Popen` that concern streams, text, folder and environment.
    """
    if sys.platform == "linux":
        return _Forked(arguments, server=_server(trains), **options)
    return subprocess.Popen([sys.executable, *arguments], **options)


def run(arguments: Sequence[str], timeout: float = 600, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `python` to its end without input, and keep what it says."""
    kept: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE) | {"stdin": subprocess.DEVNULL}
    with start(arguments, text=True, **kept | options) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(arguments, process.wait(), output, errors)


@cache
def _server(trains: bool) -> tuple[socket.socket, threading.Lock]:
    """Start a server, once; it ends when this process has."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # One thread each: a matrix library's own would be missing in the forks.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        str(ROOT / "tests" / "process_server.py"),
        *IMPORTED,
        *(IMPORTED_TO_TRAIN if trains else ()),
    ]
    with theirs:
        server = subprocess.Popen(command, stdin=theirs.fileno(), cwd=ROOT, env=environment, start_new_session=True)
    atexit.register(server.wait)
    atexit.register(ours.close)
    return ours, threading.Lock()


class _Forked(subprocess.Popen[Any]):
    """A program whose parent is the server, which tells how it ended."""

    _told: int

    def __init__(self, arguments: Sequence[str], server: tuple[socket.socket, threading.Lock], **options: Any) -> None:
        self._server = server
        super().__init__(arguments, **options)

    def _execute_child(
        self,
        args: Sequence[str],
        executable: None,
        preexec_fn: None,
        close_fds: bool,
        pass_fds: tuple[()],
        cwd: Any,
        env: dict[str, str] | None,
        startupinfo: None,
        creationflags: int,
        shell: bool,
        *pipes_and_rest: int,
    ) -> None:
        assert not any((executable, preexec_fn, pass_fds, shell)), "an option that a fork cannot have"
        pipes = pipes_and_rest[:6]
        program = {"arguments": args, "folder": str(cwd or Path.cwd()), "environment": dict(env or os.environ)}
        streams = [
            number if end == -1 else end for number, end in zip((0, 1, 2), (pipes[0], *pipes[3:6:2]), strict=True)
        ]
        self._told, telling = os.pipe()
        requests, one_at_a_time = self._server
        try:
            with one_at_a_time:
                socket.send_fds(requests, [json.dumps(program).encode()], [*streams, telling])
        finally:
            os.close(telling)
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]
        self.pid = self._number()
        self._child_created = True

    def _number(self) -> int:
        """Return the next number that the server tells of the program: its process, and its wait status at the end."""
        return int.from_bytes(os.read(self._told, 8), "big")

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        lock: threading.Lock = self._waitpid_lock  # type: ignore[attr-defined]
        if self.returncode is None and lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG) if self.returncode is None else (0, 0)
                if pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                lock.release()
        return self.returncode

    def _try_wait(self, flags: int) -> tuple[int, int]:
        if flags & os.WNOHANG and not select([self._told], [], [], 0)[0]:
            return 0, 0
        status = self._number()
        os.close(self._told)
        return self.pid, status
