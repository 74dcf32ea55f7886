"""End a failed command with a code and a message; with a traceback only if MUSTER_DEBUG is set."""

import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from muster.domain.errors import LibraryMissing, MusterError


@contextmanager
def exit_on_failure() -> Iterator[None]:
    """Turn an exception into exit status 1, with a JSON document on stdout if `--json` was given."""
    try:
        yield
    except MusterError as error:
        _end(error.code, str(error))
    except BrokenPipeError:
        # The reader closed the pipe. Python must not write to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _raise_if_debugging()
        where = f" ({error.filename})" if error.filename else ""
        reason = error.strerror or type(error).__name__
        _end("system_error", f"{reason}{where}: check the path, its permissions and the free space.")
    except Exception as error:  # noqa: BLE001 - any error ends with a message
        _raise_if_debugging()
        if (failure := _stage_failure(error)) is not None:
            _end(failure.code, str(failure))
        if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("muster"):
            _end(LibraryMissing.code, _missing(error.name.split(".")[0]))
        place = traceback.extract_tb(error.__traceback__)[-1]
        _end(
            "internal_error",
            f"This is a bug in Muster ({type(error).__name__} at {place.filename}:{place.lineno}). "
            "Set MUSTER_DEBUG=1, run the command again, and report it with the output.",
        )


def _missing(library: str) -> str:
    return (
        f"This command needs the library {library}, which this installation lacks: install `muster-attendance[local]`. "
        "The image of the functions lacks what no function needs."
    )


def _stage_failure(error: Exception) -> MusterError | None:
    # Only a command on a stage has loaded the AWS libraries, which a local installation lacks.
    if "botocore" not in sys.modules:
        return None
    from muster.composition.aws_failures import stage_failure

    return stage_failure(error)


def _raise_if_debugging() -> None:
    if os.environ.get("MUSTER_DEBUG"):
        raise  # noqa: PLE0704 - the exception being handled by the caller


def _end(code: str, message: str) -> None:
    if "--json" in sys.argv:
        json.dump({"code": code, "detail": message}, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    from muster.cli.output import stderr

    stderr.print(f"[bold red]{code}[/]: ", end="")
    stderr.print(message, highlight=False, soft_wrap=True, markup=False)
    sys.exit(1)
