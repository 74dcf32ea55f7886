"""A simulated teacher: photos, registrations, corrections and exports, one after another."""

import csv
import io
import random
import threading
import time
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.operations.load_parts.photos import Photos

MAX_STEPS = 400
MAX_ATTEMPTS = 30
STATUSES = ("present", "absent", "late", "excused")


@dataclass
class Acknowledged:
    """What the server said it had stored, and how long each answer took; safe to share between threads.

    Attributes:
        students: name of each student, by group and student id.
        photos: ids of photos, by session.
        marks: corrections as (session, student, user, status), with the number of times each was acknowledged.
        last: the version and the status of each student's newest correction, by session and student.
        seconds: durations of answers, by kind of request.
        busy: answers 429.
        stale: answers 412 to corrections, which were read and sent again.
        failures: anything else that went wrong.
    """

    students: dict[tuple[str, str], str] = field(default_factory=dict)
    photos: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    marks: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    last: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    busy: int = 0
    stale: int = 0
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, what: str) -> None:
        """Record a failure."""
        with self.lock:
            self.failures.append(what)

    def correction(self, session: str, student: str, user: str, status: str, version: int) -> None:
        """Record an acknowledged correction."""
        with self.lock:
            self.marks[session, student, user, status] += 1
            if version > self.last.get((session, student), (0, ""))[0]:
                self.last[session, student] = version, status


class Client:
    """Sends requests as one user, waits after a 429 as long as it says, and records every answer."""

    def __init__(self, url: str, token: str, record: Acknowledged) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=300)
        self._record = record

    def send(self, kind: str, method: str, path: str, also: tuple[int, ...] = (), **form: Any) -> httpx.Response | None:
        """Return the answer, or None where it is an error other than those in `also`."""
        for _ in range(MAX_ATTEMPTS):
            started = time.monotonic()
            try:
                answer = self._http.request(method, path, **form)
            except httpx.HTTPError as error:
                self._record.fail(f"{kind}: {type(error).__name__} {error}")
                return None
            with self._record.lock:
                self._record.seconds[kind].append(time.monotonic() - started)
            if answer.status_code == 429:
                with self._record.lock:
                    self._record.busy += 1
                if not answer.headers.get("retry-after", "").isdigit():
                    self._record.fail(f"{kind}: 429 without Retry-After")
                    return None
                time.sleep(int(answer.headers["retry-after"]))
                continue
            if answer.is_success or answer.status_code in also:
                return answer
            self._record.fail(f"{kind}: {answer.status_code} {answer.text[:300]}")
            return None
        self._record.fail(f"{kind}: {MAX_ATTEMPTS} times 429")
        return None


class Teacher(threading.Thread):
    """Works in one group until `deadline`; three teachers share a group and its session, and their changes collide."""

    def __init__(self, number: int, url: str, token: str, group: str, record: Acknowledged, deadline: float) -> None:
        super().__init__(name=f"t{number}", daemon=True)
        self._group, self._record, self._deadline = group, record, deadline
        self._client = Client(url, token, record)
        self._random = random.Random(number)  # noqa: S311 - no secret
        self._photos = Photos(number)

    def run(self) -> None:
        """Work."""
        time.sleep(self._random.random())
        kinds = (self._photo, self._register, self._correct, self._export, self._look)
        for step in range(MAX_STEPS):
            if time.monotonic() > self._deadline:
                return
            action = self._photo if step == 0 else self._random.choices(kinds, (3, 2, 6, 3, 4))[0]
            try:
                action(step)
            except Exception as error:  # noqa: BLE001 - a fault of any kind must reach the report
                self._record.fail(f"{action.__name__}: {type(error).__name__} {error}")
            time.sleep(self._random.uniform(0.2, 1.0))

    def _session(self) -> str:
        return f"{self._group}-today"

    def _photo(self, step: int) -> None:
        own = step % 4 == 3
        session = f"{self._group}-{self.name}-{step}" if own else self._session()
        data = {"group_id": self._group, "session_id": session, "use_anyway": "true"}
        answer = self._client.send("photo", "POST", "/mark/detect", data=data, files={"images": self._photos.group()})
        if answer is not None:
            with self._record.lock:
                self._record.photos[session].update(photo["photo_id"] for photo in answer.json()["photos"])

    def _register(self, step: int) -> None:
        student, name = f"{self.name}-{step}", f"Student {step} of {self.name}"
        data = {"student_id": student, "name": name, "group_id": self._group, "consent": "true"}
        form: dict[str, Any] = {"data": data | {"allow_lookalike": "true"}, "files": {"image": self._photos.portrait()}}
        if self._client.send("register", "POST", "/register/register-student", **form) is not None:
            with self._record.lock:
                self._record.students[self._group, student] = name

    def _correct(self, _: int) -> None:
        path = f"/v1/sessions/{self._session()}"
        for _ in range(MAX_ATTEMPTS):
            read = self._client.send("session", "GET", path, also=(404,))
            if read is None or read.status_code == 404 or not read.json()["marks"]:
                return
            mark = self._random.choice(read.json()["marks"])
            status = self._random.choice([status for status in STATUSES if status != mark["status"]])
            student = mark["student_id"]
            body = {"marks": [{"student_id": student, "status": status}]}
            headers = {"If-Match": read.headers["etag"]}
            answer = self._client.send("correct", "PATCH", f"{path}/marks", also=(412,), json=body, headers=headers)
            if answer is None:
                return
            if answer.status_code != 412:
                # The next version is this change's own; the answer may show a later one.
                version = read.json()["version"] + 1
                self._record.correction(self._session(), student, self.name, status, version)
                return
            with self._record.lock:
                self._record.stale += 1
        self._record.fail(f"correct: {MAX_ATTEMPTS} times 412")

    def _export(self, _: int) -> None:
        form = self._random.choice(("csv", "xlsx"))
        query = {"group_id": self._group, "format": form}
        answer = self._client.send(f"export {form}", "GET", "/v1/reports/attendance", params=query)
        if answer is None:
            return
        if form == "csv" and len(list(csv.reader(io.StringIO(answer.text)))) < 2:
            self._record.fail("export csv: no rows")
        if form == "xlsx" and zipfile.ZipFile(io.BytesIO(answer.content)).testzip():
            self._record.fail("export xlsx: damaged")

    def _look(self, _: int) -> None:
        self._client.send("students", "GET", f"/v1/groups/{self._group}/students", params={"limit": 100})
        answer = self._client.send("photos", "GET", f"/v1/sessions/{self._session()}/photos", also=(404,))
        if answer is not None and answer.is_success and answer.json():
            photo = self._random.choice(answer.json())["photo_id"]
            self._client.send("picture", "GET", f"/v1/sessions/{self._session()}/photos/{photo}/picture")
