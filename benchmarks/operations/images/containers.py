"""Images built with buildah, and run as containers are: own root, own processes, the image's user and environment.

The network is this machine's own, so that what runs can be reached on loopback.
"""

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lib.photos import ROOT

_RELEASE = "trixie"
"""Its Python is 3.13, that of the Dockerfiles' own base."""
_PACKAGES = "python3,python3-venv,ca-certificates"


class Builder:
    """Builds images into a store of its own under `scratch`."""

    def __init__(self, scratch: Path, driver: str) -> None:
        self._scratch = scratch
        store = ["--root", str(scratch / "store"), "--runroot", str(scratch / "run")]
        self._buildah = ["buildah", "--storage-driver", driver, *store]

    def base(self) -> str:
        """Return a base with Debian's Python, made on first use: no image registry is needed."""
        name = f"local/{_RELEASE}"
        if self._run("images", "--quiet", "--filter", f"reference={name}"):
            return name
        folder = self._scratch / "rootfs"
        shutil.rmtree(folder, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _RELEASE, str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for archive in (folder / "var/cache/apt/archives").glob("*.deb"):
            archive.unlink()
        container = self._run("from", "scratch")
        self._run("add", "--quiet", container, str(folder), "/")
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self._run("config", "--env", f"PATH={path}", container)
        self._run("commit", "--quiet", "--format", "docker", container, name)
        self._run("rm", container)
        shutil.rmtree(folder)
        return name

    def build(self, dockerfile: str, name: str, base: str, log: Path) -> float:
        """Build an image from the repository; return the seconds that it took.

        Raises:
            subprocess.CalledProcessError: a step failed; the log says which.
        """
        started = time.monotonic()
        # Isolation by chroot needs no runtime; the certificates are those that this machine trusts.
        options = ["--isolation", "chroot", "--format", "docker", "--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"]
        command = ["bud", *options, "--build-arg", f"BASE={base}", "--file", dockerfile, "--tag", name, "."]
        with log.open("wb") as stream:
            subprocess.run([*self._buildah, *command], cwd=ROOT, check=True, stdout=stream, stderr=stream)
        return time.monotonic() - started

    def open(self, name: str) -> "Image":
        """Mount an image in a container of its own."""
        container = self._run("from", name)
        folder = Path(self._run("mount", container))
        config = json.loads(self._run("inspect", "--type", "container", container))["Docker"]["config"]
        return Image(folder, config)

    def close_all(self) -> None:
        """Unmount and remove every container of this store."""
        self._run("rm", "--all")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self._buildah, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()


@dataclass(frozen=True)
class Image:
    """A mounted image.

    Attributes:
        folder: its root on this machine.
        config: Docker's configuration of it: User, Env, Entrypoint, Healthcheck and so on.
    """

    folder: Path
    config: Mapping[str, Any]

    def content_bytes(self) -> int:
        """Return the size of all files, each counted once."""
        sizes = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                found = (Path(folder) / name).lstat()
                sizes[found.st_dev, found.st_ino] = found.st_size
        return sum(sizes.values())

    def forget_pages(self) -> None:
        """Let the kernel forget what it has read of the code and the models, so that the next start reads the disk."""
        os.sync()
        for folder, _, names in os.walk(self.folder / "opt"):
            for path in (Path(folder) / name for name in names):
                if path.is_file() and not path.is_symlink():
                    handle = os.open(path, os.O_RDONLY)
                    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                    os.close(handle)

    def start(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        log: Path,
        *,
        entrypoint: Sequence[str] | None = None,
        volumes: Mapping[Path, str] | None = None,
        read_only: bool = False,
        user: str | None = None,
    ) -> "Container":
        """Start a container, the entry point its process 1.

        Args:
            arguments: of the entry point.
            entrypoint: in place of the image's own.
            volumes: folders of this machine, and where they appear.
            read_only: nothing but /tmp and the volumes can be written, as in Lambda.
            user: numeric, in place of the image's own.
        """
        root = str(self.folder)
        steps = ["set -eu", "mount --make-rprivate /"]
        if read_only:
            steps += [_line("mount", "--bind", root, root), _line("mount", "-o", "remount,bind,ro", root)]
        steps += [
            _line("mount", "-t", "proc", "proc", f"{root}/proc"),
            _line("mount", "--rbind", "/dev", f"{root}/dev"),
            _line("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{root}/tmp"),
        ]
        steps += [_line("mount", "--bind", str(here), f"{root}{there}") for here, there in (volumes or {}).items()]
        owner = user or self.config["User"]
        within = self.config["WorkingDir"] or "/"
        given = [*self.config["Env"], *(f"{name}={value}" for name, value in variables.items())]
        inside = ["env", "-i", *given, "sh", "-c", 'cd "$0" && exec "$@"', within]
        command = [*(entrypoint or self.config["Entrypoint"]), *arguments]
        steps.append("exec " + _line("chroot", f"--userspec={owner}:{owner}", root, *inside, *command))
        with log.open("wb") as stream:
            return Container(
                ["unshare", "--mount", "--pid", "--fork", "sh", "-c", "\n".join(steps)],
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    def run(
        self, *command: str, variables: Mapping[str, str], log: Path, volumes: Mapping[Path, str] | None = None
    ) -> int:
        """Run one command in the image and return its exit status."""
        return self.start(command[1:], variables, log, entrypoint=command[:1], volumes=volumes).wait(timeout=120)


class Container(subprocess.Popen[bytes]):
    """A container that was started; it ends when its process 1 does, with the same status."""

    def peak_bytes(self) -> int:
        """Return the most memory that process 1 held at once (VmHWM)."""
        status = Path(f"/proc/{self._inner()}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def send_signal(self, sig: int) -> None:
        """Send a signal to process 1, whose death is that of every process of the container."""
        if self.poll() is None:
            os.kill(self._inner(), sig)

    def _inner(self) -> int:
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])


def _line(*words: str) -> str:
    return shlex.join(words)
