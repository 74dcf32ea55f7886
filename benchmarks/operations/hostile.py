"""Mutated pictures, archives and rosters against a real server: status, processor time and memory of each input.

`python -m benchmarks hostile [COUNT]`; 2,000 inputs by default. Fails with exit status 1 on a 5xx answer, on more than
5 s of processor time for one input, and on a process of more than 1.5 GB.
"""

import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from openpyxl import Workbook
from PIL import Image

from benchmarks.lib.photos import SAMPLES
from muster.composition.local import LocalBackend

MAX_SECONDS, MAX_KB = 5.0, 1_500_000
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")


def pictures() -> list[bytes]:
    """Encode a sample photo in every format that is read."""
    image = Image.open(SAMPLES / "photos" / "group.jpg")
    image.thumbnail((640, 640))
    encoded = []
    for kind in FORMATS:
        for options in ({}, {"progressive": True}) if kind == "JPEG" else ({},):
            buffer = io.BytesIO()
            image.save(buffer, kind, **options)
            encoded.append(buffer.getvalue())
    return encoded


def archives(photos: list[bytes]) -> list[bytes]:
    """Pack photos into archives of every usual compression."""
    made = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for index, photo in enumerate(photos[:2]):
                archive.writestr(f"s{index}.jpg", photo)
        made.append(buffer.getvalue())
    return made


def rosters() -> list[bytes]:
    """Write a roster as CSV and XLSX."""
    rows = [["student_id", "name", "group"], *([f"s{number}", f"Name {number}", "7b"] for number in range(20))]
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    text = "\n".join(",".join(row) for row in rows)
    return [text.encode(), text.encode("utf-16"), buffer.getvalue()]


def mutated(sound: bytes, change: random.Random) -> bytes:
    """Change, cut, repeat or insert bytes at a few places, most of them near the beginning."""
    data = bytearray(sound)
    for _ in range(change.choice([1, 2, 8, 30])):
        at = change.randrange(min(len(data), change.choice([80, 600, len(data)])))
        match change.randrange(5):
            case 0 | 1:
                data[at] = change.choice([0, 0x7F, 0x80, 0xFF, change.randrange(256)])
            case 2:
                data[at : at + 4] = change.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x00\x01\x00\x00"])
            case 3:
                del data[at : at + change.choice([1, 4, 64])]
            case _:
                data[at:at] = data[at : at + change.choice([4, 64, 4000])]
        if not data:
            return b"\x00"
    return bytes(data)


def inputs(count: int, change: random.Random) -> list[tuple[str, bytes]]:
    """Make `count` inputs: six pictures for every archive and every roster, or so."""
    photos, tables = pictures(), rosters()
    packed = archives(photos)
    made = []
    for _ in range(count):
        kind = change.choices(("registration", "roll call", "archive", "roster"), (3, 3, 1, 1))[0]
        sound = change.choice({"archive": packed, "roster": tables}.get(kind, photos))
        made.append((kind, mutated(sound, change)))
    return made


def request_of(kind: str, content: bytes) -> tuple[str, dict[str, Any]]:
    """Return the address and the form of one input."""
    match kind:
        case "registration":
            form = {"student_id": "s1", "name": "Ada", "group_id": "7b", "consent": "true"}
            return "/register/register-student", {"data": form, "files": {"image": content}}
        case "roll call":
            return "/mark/detect", {"data": {"group_id": "7b"}, "files": {"images": content}}
        case "archive":
            form = {"group_id": "7b", "consent": "true"}
            return "/register/register-students", {"data": form, "files": {"archive": content}}
        case _:
            return "/v1/students/import", {"data": {"dry_run": "true"}, "files": {"file": ("roster", content)}}


def family(process: int) -> list[int]:
    """Return a process and its children."""
    found = [process]
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if int(status.read_text().rsplit(")", 1)[1].split()[1]) == process:
                found.append(int(status.parent.name))
    return found


def usage(processes: list[int]) -> tuple[float, int]:
    """Return the processor seconds of processes and ended children, and the peak of the largest in kB."""
    ticks, peak = 0, 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += sum(map(int, fields[11:15]))
        status = Path(f"/proc/{process}/status").read_text()
        peak = max(peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
    return ticks / os.sysconf("SC_CLK_TCK"), peak


def main() -> None:
    """Send every input and report."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        LocalBackend(Path(folder)).users.find()
        command = [sys.executable, "-m", "muster", "serve", "--port", str(port), "--data", folder]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
            try:
                failed = attack(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120), server.pid, count)
            finally:
                server.send_signal(signal.SIGTERM)
    sys.exit(1 if failed else 0)


def attack(client: httpx.Client, server: int, count: int) -> bool:
    """Send `count` inputs; print the figures and return whether a bound was exceeded."""
    while True:
        try:
            client.get("/health")
            break
        except httpx.TransportError:
            time.sleep(0.1)
    portrait = (SAMPLES / "gallery" / "barack_obama.jpg").read_bytes()
    kind, form = request_of("registration", portrait)
    client.post(kind, **form | {"data": form["data"] | {"student_id": "s0"}}).raise_for_status()
    answers: Counter[str] = Counter()
    slowest, peak, faults = 0.0, 0, []
    for number, (kind, content) in enumerate(inputs(count, random.Random(12))):  # noqa: S311 - no secret
        before, _ = usage(family(server))
        address, form = request_of(kind, content)
        status = client.post(address, **form).status_code
        after, highest = usage(family(server))
        answers[f"{kind} {status}"] += 1
        slowest, peak = max(slowest, after - before), max(peak, highest)
        if status >= 500 or after - before > MAX_SECONDS or highest > MAX_KB:
            faults.append({"input": number, "kind": kind, "status": status, "seconds": after - before, "kb": highest})
        time.sleep(0.02)
    for answer, times in sorted(answers.items()):
        print(f"{answer:24} {times:6}")
    print(f"slowest input {slowest:.2f} s of processor time, largest process {peak / 1e6:.2f} GB, {len(faults)} faults")
    print(json.dumps({"inputs": count, "slowest_seconds": slowest, "peak_kb": peak, "faults": faults}))
    return bool(faults)


if __name__ == "__main__":
    main()
