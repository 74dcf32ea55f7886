"""Register many students at once on a simulated AWS account: `python -m benchmarks registrations`.

Latency, capacity and throttling are those of a `prod` stage; photos are read in less time than in reality, so that
instances compete for the lock more. Some photos are delivered twice, and some show a person who is in the queue under
another id: exactly one of the two may be registered. Times include those of the simulation, which shares the processor
with the instances and answers one request at a time, so they say nothing about AWS.
"""

import argparse
import json
import logging
import sys
from collections import Counter
from time import perf_counter

import numpy as np

from benchmarks.operations.registration_parts.account import Capacity, MeteredAccount
from benchmarks.operations.registration_parts.photo_queue import PhotoQueue
from benchmarks.operations.registration_parts.school import Announced, Instance, announce, fill
from infra.config import PROD
from infra.constructs.upload_queue import ATTEMPTS
from muster.composition.settings import LocalSettings
from muster.composition.training import population_of
from muster.domain.identifiers import StudentId
from muster.packs.build import build_embedded
from tests.contract.places import AwsPlace
from tests.simulated_aws import simulated_aws

_PHOTO_SECONDS = 0.5
_USD_PER_READ, _USD_PER_WRITE = 0.125e-6, 0.625e-6


def main() -> int:
    """Print times, request units and dead letters; return 1 if a photo is lost or a person is registered twice."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--students", type=int, default=2_000, help="registered before")
    options.add_argument("--photos", type=int, default=100, help="in the queue")
    options.add_argument("--instances", type=int, default=PROD.queued_registrations_at_once)
    chosen = options.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    population = population_of(build_embedded(LocalSettings().home).statistics)
    account = MeteredAccount(Capacity(reads=float("inf"), writes=float("inf")))
    with simulated_aws(account.around) as endpoint:
        place = AwsPlace.new(endpoint)
        started = perf_counter()
        fill(place, population, chosen.students)
        photos = [Announced(StudentId(f"new{n}"), 1_000_000 + n) for n in range(chosen.photos)]
        twins = [Announced(StudentId(f"twin{n}"), 1_000_000 + n, 1) for n in range(0, chosen.photos, 20)]
        announce(place, [*photos, *twins])
        print(
            f"{chosen.students:,} students and {len(photos) + len(twins)} photos after {perf_counter() - started:.0f} s"
        )
        account.limit(Capacity(reads=PROD.table_max_reads, writes=PROD.table_max_writes))
        instances = [Instance(place, population, _PHOTO_SECONDS) for _ in range(chosen.instances)]
        queue = PhotoQueue(ATTEMPTS, visibility=5.0, twice=0.02)
        started = perf_counter()
        queue.serve([photo.upload_id for photo in [*photos, *twins]], [instance.read for instance in instances])
        elapsed = perf_counter() - started
        registered = {student.id for student in place.open().students.find()}
    both = [twin for twin in twins if {twin.student_id, f"new{twin.person - 1_000_000}"} <= registered]
    cold = [instance.seconds[0] for instance in instances]
    warm = sorted(second for instance in instances for second in instance.seconds[1:])
    median, late = np.percentile(warm, [50, 99])
    per_photo = (account.reads / len(photos), account.writes / len(photos))
    print(f"registered {len(registered)} of {len(photos)} people in {elapsed:.0f} s, {len(both)} of them twice")
    print(f"one registration without reading the photo: {median:.2f} s (99 %: {late:.2f} s), first {max(cold):.2f} s")
    print(f"per photo {per_photo[0]:.0f} read and {per_photo[1]:.0f} write units")
    print(f"throttled {sum(account.throttled.values())}, failed {len(queue.failures)}, received at most "
          f"{queue.most_received} times, dead letters {len(queue.dead)}")  # fmt: skip
    print(Counter(type(error).__name__ for error in queue.failures))
    usd = per_photo[0] * _USD_PER_READ + per_photo[1] * _USD_PER_WRITE
    nothing_lost = not queue.dead and not both and len(registered) == len(photos)
    document = {
        "benchmark": "registrations",
        "students": chosen.students,
        "photos": len(photos),
        "seconds": {"median": round(median, 3), "percentile_99": round(late, 3), "first": round(max(cold), 3)},
        "units_per_photo": {"read": round(per_photo[0]), "write": round(per_photo[1])},
        "usd_per_1000": round(1000 * usd, 4),
        "dead_letters": len(queue.dead),
        "registered_twice": len(both),
    }
    print(json.dumps(document | {"nothing_lost": bool(nothing_lost)}))
    return 0 if nothing_lost else 1


if __name__ == "__main__":
    sys.exit(main())
