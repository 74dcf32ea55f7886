"""How failures end a command: a code and a sentence, never a traceback, unless MUSTER_DEBUG asks for it."""

import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from muster.cli.output import stderr
from muster.domain.errors import MusterError


@contextmanager
def told() -> Iterator[None]:
    """Turn what a command raises into exit status 1, with a JSON document on stdout where `--json` was given."""
    try:
        yield
    except MusterError as error:
        _end(error.code, str(error))
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _raise_if_debugging()
        where = f" ({error.filename})" if error.filename else ""
        reason = error.strerror or type(error).__name__
        _end("system_error", f"{reason}{where}: check the path, who may read and write it, and the free space.")
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a sentence
        _raise_if_debugging()
        place = traceback.extract_tb(error.__traceback__)[-1]
        _end(
            "internal_error",
            f"This is a fault in Muster ({type(error).__name__} at {place.filename}:{place.lineno}). "
            "Please report it with what MUSTER_DEBUG=1 shows: set it, and run the command again.",
        )


def _raise_if_debugging() -> None:
    if os.environ.get("MUSTER_DEBUG"):
        raise  # noqa: PLE0704 - the exception being handled by the caller


def _end(code: str, sentence: str) -> None:
    if "--json" in sys.argv:
        json.dump({"code": code, "detail": sentence}, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    stderr.print(f"[bold red]{code}[/]: ", end="")
    stderr.print(sentence, highlight=False, soft_wrap=True, markup=False)
    sys.exit(1)
