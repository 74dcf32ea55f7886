"""The whole chain on AWS under throttling and conflicts, with events that come twice, late and out of order."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest

from infra.constructs.upload_queue import ATTEMPTS
from muster.domain.identifiers import SessionId, StudentId
from muster.storage.aws.stores import AwsStores
from tests.aws_faults import AwsFaults, at_random
from tests.e2e.aws.cloud import Event, as_batch
from tests.e2e.aws.conftest import Deployed
from tests.e2e.aws.lambda_runtime import FunctionError
from tests.e2e.aws.photos import announce, announce_registration, send, state, waiting_photos
from tests.e2e.aws.test_training import PACK, add
from tests.e2e.aws.test_training import stores as stores  # the fixture

_ASYNCHRONOUS_ATTEMPTS = 3
"""Lambda repeats an asynchronous event twice, and then hands it to the dead-letter queue."""


class Deliveries:
    """Delivers events as SQS and EventBridge may: each at least once, shuffled, and some again much later.

    Attributes:
        dead: events that failed every attempt.
    """

    def __init__(self, deployed: Deployed, seed: int) -> None:
        self._deployed = deployed
        self._random = Random(seed)  # noqa: S311 repeats, keeps no secret
        self._late: list[Callable[[], object]] = []
        self.dead: list[Event] = []

    def photos(self, function: str) -> None:
        """Deliver the events of new uploads to the function that reads them."""
        self._deliver(
            self._deployed.cloud.events(f"{function.title()}UploadsCreated"),
            lambda event: self._queued(function, event),
        )

    def retrain(self, *events: Event) -> None:
        """Deliver events to the function that starts the training."""
        self._deliver(events, self._asynchronous)

    def changed_templates(self) -> None:
        """Deliver the events of training copies that were written or deleted."""
        self.retrain(*self._deployed.cloud.events("TemplateStored"), *self._deployed.cloud.events("TemplateErased"))

    def late(self) -> None:
        """Deliver again what was kept for later."""
        late, self._late = self._late, []
        self._random.shuffle(late)
        for deliver in late:
            deliver()

    def _deliver(self, events: Sequence[Event], deliver: Callable[[Event], None]) -> None:
        calls = [partial(deliver, event) for event in events for _ in range(self._random.choice((1, 2, 2)))]
        self._random.shuffle(calls)
        for call in calls:
            call()
            if self._random.random() < 0.5:
                self._late.append(call)

    def _queued(self, function: str, event: Event) -> None:
        for _ in range(ATTEMPTS):
            batch = as_batch(event)
            if self._deployed.functions[function].invoke(batch) == {"batchItemFailures": []}:
                return
        self.dead.append(event)

    def _asynchronous(self, event: Event) -> None:
        errors = []
        for _ in range(_ASYNCHRONOUS_ATTEMPTS):
            try:
                self._deployed.functions["retrain"].invoke(event)
            except FunctionError as error:
                errors.append(str(error))
            else:
                return
        self.dead.append({**event, "errors": errors})


@pytest.mark.timeout(900)  # two training jobs, and retries that wait
def test_nothing_is_lost_or_done_twice_under_faults(
    deployed: Deployed, stores: AwsStores, faults: AwsFaults, samples: Path, refusing: None
) -> None:
    cloud, deliveries = deployed.cloud, Deliveries(deployed, seed=15)
    add(stores, *range(1, 5))
    permits = [announce_registration(deployed, samples, student) for student in ("barack_obama", "joe_biden")]
    for permit, image in permits:
        send(permit, image)
    deliveries.photos("register")
    assert [state(deployed, permit)["answer"]["repeated"] for permit, _ in permits] == [False, False]

    deliveries.changed_templates()
    (job,) = cloud.jobs()
    report = cloud.run_job(job)
    assert report["students"] == 6
    deliveries.late()
    ended = cloud.job_state_changed(job, "SUCCEEDED")
    deliveries.retrain(ended, {**cloud.job_state_changed(job, "FAILED"), "id": "late failure"})
    for job in cloud.jobs()[1:]:
        report = cloud.run_job(job)
        deliveries.retrain(cloud.job_state_changed(job, "SUCCEEDED"))
    deliveries.late()
    training = stores.training.state()
    assert (training.running, training.dirty, training.last_outcome) == (None, False, report)
    heads = [head.version for head in stores.heads.versions(PACK)]
    assert heads == list(range(1, len(heads) + 1))

    photo = (samples / "photos" / "group.jpg").read_bytes()
    permit = announce(deployed, photo, kind="detect", group_id="7b", session_id="monday")
    send(permit, photo)
    deliveries.photos("detect")
    marks = deployed.client.get("/v1/sessions/monday/marks").json()
    deliveries.late()
    assert deployed.client.get("/v1/sessions/monday/marks").json() == marks
    statuses = {mark["student_id"]: mark["status"] for mark in marks}
    assert statuses["barack_obama"] == "present"
    assert len(marks) == 6
    assert len(stores.sessions.photos(SessionId("monday"))) == 1

    assert deployed.client.delete("/v1/students/joe_biden").status_code == 204
    deliveries.changed_templates()
    deliveries.late()

    assert [event.get("errors") for event in deliveries.dead] == []
    assert len(faults.refused) >= 8, "of several operations, throttled and in conflict"
    faults.stop()
    assert waiting_photos(deployed) == []
    assert stores.students.traces(StudentId("joe_biden")) == []
    assert sorted(student.id for student in stores.students.find()) == sorted(
        ["barack_obama", *(f"s{n}" for n in range(1, 5))]
    )
    stores.sweep(older_than=timedelta(0))


@pytest.fixture
def refusing(deployed: Deployed, faults: AwsFaults) -> Iterator[None]:
    """Refuse a tenth of the requests to the table and to S3 once the account is built."""
    faults.refuse(at_random(seed=15, share=0.1))
    yield
    faults.stop()
