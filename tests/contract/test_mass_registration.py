"""Photos registered at once on a throttled account; benchmarks/operations/registrations.py registers more."""

import logging
from datetime import timedelta

import numpy as np
import pytest

from benchmarks.operations.registration_parts.photo_queue import PhotoQueue
from benchmarks.operations.registration_parts.school import Announced, Instance, announce, fill
from infra.constructs.upload_queue import ATTEMPTS
from muster.domain.identifiers import StudentId
from muster.recognition.scoring import Population
from tests.aws_faults import AwsFaults, at_random
from tests.contract.places import AwsPlace
from tests.simulated_aws import simulated_aws

pytestmark = pytest.mark.aws

POPULATION = Population.from_network(np.zeros(96, np.float32), np.eye(96, 64, dtype=np.float32) * np.float32(1 / 8))
STUDENTS, PHOTOS, TWINS = 100, 8, 3


def test_a_mass_registration_loses_no_photo_and_registers_nobody_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    faults = AwsFaults()
    with simulated_aws(faults.around) as endpoint:
        place = AwsPlace.new(endpoint)
        fill(place, POPULATION, STUDENTS)
        new = [Announced(StudentId(f"new{n}"), 1000 + n) for n in range(PHOTOS)]
        twins = [Announced(StudentId(f"twin{n}"), 1000 + n, 1) for n in range(TWINS)]
        known = [Announced(StudentId("again"), 7, 1)]
        announce(place, [*new, *twins, *known])
        faults.refuse(at_random(seed=3, share=0.1))
        instances = [Instance(place, POPULATION, photo_seconds=0.02) for _ in range(3)]
        queue = PhotoQueue(ATTEMPTS, visibility=0.1, twice=0.3)
        queue.serve([photo.upload_id for photo in [*new, *twins, *known]], [instance.read for instance in instances])
        faults.stop()

        assert queue.dead == []
        stores = place.open()
        people = sorted(int(student.id.removeprefix("twin").removeprefix("new")) for student in stores.students.find())
        assert people == list(range(PHOTOS)), "each person once, and nobody who was registered before"
        stores.sweep(older_than=timedelta(0))
        assert {"TransactionConflict", "ProvisionedThroughputExceeded"} <= {code for _, code in faults.refused}
