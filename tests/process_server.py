"""Starts Python programs in processes that have imported the project already: run by `tests.processes`.

A request comes over the socket on standard input, with the program's standard streams and a pipe for its fate. The
program runs in a fork of this process, as the interpreter would run it: what it leaves behind, from its exit status to
its threads, is left to the interpreter.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import time
from contextlib import suppress
from types import ModuleType
from typing import Any

STANDARD_STREAMS = (0, 1, 2)
LARGEST_REQUEST = 1 << 20


def main() -> None:
    """Serve until the tests are gone. Only the process of a program returns from `_requested`."""
    requests = socket.socket(fileno=os.dup(0))
    for name in sys.argv[1:]:
        importlib.import_module(name)
    # Objects of now are left alone by the collections of the programs, and their pages stay shared.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    program = _requested(requests)
    if program is not None:
        requests.close()
        _run(**program)


def _requested(requests: socket.socket) -> dict[str, Any] | None:
    """Return a program, in a process made for it; None once nobody asks any more."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 4)
        _reap()
        if not message:
            return None
        if os.fork() == 0:
            return _in_a_process_of_its_own(requests, json.loads(message), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _in_a_process_of_its_own(
    requests: socket.socket, program: dict[str, Any], descriptors: list[int]
) -> dict[str, Any]:
    """Return in a child; here, tell its number and how it ended, and end."""
    *streams, fate = descriptors
    child = os.fork()
    if child == 0:
        os.close(fate)
        for target, stream in zip(STANDARD_STREAMS, streams, strict=True):
            os.dup2(stream, target)
            os.close(stream)
        return program
    requests.close()
    for stream in streams:
        os.close(stream)
    with suppress(BrokenPipeError):
        os.write(fate, child.to_bytes(8, "big"))
        _, status = os.waitpid(child, 0)
        os.write(fate, status.to_bytes(8, "big"))
    os._exit(0)


def _run(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Do what the interpreter does with its arguments `-m module` or `-c program`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.stdin, sys.stdout, sys.stderr = (_stream(number) for number in STANDARD_STREAMS)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    # The first is the folder of this file.
    sys.path[0:1] = ["", *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    with suppress(ModuleNotFoundError):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    kind, what, *rest = arguments
    sys.argv = [kind, *rest]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.modules["__main__"] = own = ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), own.__dict__)  # noqa: S102 - a program of a test


def _stream(number: int) -> Any:
    unbuffered = number != 0 and (number == 2 or bool(os.environ.get("PYTHONUNBUFFERED")))
    errors = "backslashreplace" if number == 2 else "strict"
    mode = "r" if number == 0 else "w"
    stream = open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
    stream.reconfigure(line_buffering=unbuffered or stream.isatty())  # type: ignore[attr-defined]
    return stream


if __name__ == "__main__":
    main()
