"""Run one training job: `python -m muster.entrypoints.training_job`, the program of the training container.

A job that was killed can be run again. It resumes from its checkpoint unless a student has registered or left since.
Until the head is promoted, in one conditional write, nothing that the job stored has an effect on recognition.
"""

import hashlib
import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from muster.composition.aws import AwsAccess, open_access
from muster.composition.aws_settings import TrainingJobSettings, batch_job_id
from muster.composition.training import build_trainer, population_of
from muster.domain.student import Template
from muster.packs.load import load_statistics
from muster.packs.manifest import NeutralStatistics, PackSpec, name_of, shipped_names, shipped_spec
from muster.progress import OnProgress
from muster.services.packs.school_statistics import measure_school, stored_statistics
from muster.services.training.run import Abandoned, Trainer, TrainingRun
from muster.services.training.run_ids import held_by_job, is_on_processors
from muster.storage.aws.training_objects import AwsCheckpoint, TrainingCopyReader

_log = logging.getLogger(__name__)


def run_job(
    settings: TrainingJobSettings,
    access: AwsAccess,
    job_id: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Mapping[str, Any]:
    """Train, if this run is still the current one and no other job has it.

    Args:
        job_id: the same for every attempt of a job.

    Returns:
        The report. Its `outcome` is `promoted`, `kept`, `skipped`, `abandoned`, or `superseded` if nothing was done.
        `machine` is where it trained, and `fallback` is true if that was not the machine that was asked for first.
    """
    training = access.stores.training
    held = held_by_job(settings.run_id, job_id)

    def alive(step: str, share: float) -> None:
        if not training.heartbeat(held, now()):
            raise Abandoned
        _log.info("%s: %d %%", step, round(share * 100))

    # A submission that was repeated after a lost answer is a second job for the same run.
    if not training.hand_over(settings.run_id, held, now()):
        return {"outcome": "superseded", "reason": "This run is over, or another took over."}
    report = _train(settings, access, shipped_spec(settings.pack), alive)
    if report["outcome"] != "abandoned":
        report |= _train_other_packs(settings, access, alive)
    report |= {"machine": settings.machine, "fallback": is_on_processors(settings.run_id)}
    training.finish(held, report)
    return report


def _train_other_packs(settings: TrainingJobSettings, access: AwsAccess, alive: OnProgress) -> dict[str, Any]:
    """Train a head for each pack that students are moving to, before they switch."""
    found = TrainingCopyReader(access.s3, settings.models_bucket, shipped_spec(settings.pack).id).other_packs()
    known = [shipped_spec(name_of(pack)) for pack in found if name_of(pack) in shipped_names()]
    reports = {spec.id: _train(settings, access, spec, alive) for spec in known}
    return {"other_packs": reports} if reports else {}


def _train(settings: TrainingJobSettings, access: AwsAccess, spec: PackSpec, alive: OnProgress) -> dict[str, Any]:
    copies = TrainingCopyReader(access.s3, settings.models_bucket, spec.id)
    if isinstance(spec.statistics, NeutralStatistics):
        measured = measure_school(spec, copies, access.stores.heads)
        _log.info("statistics: %s", json.dumps(asdict(measured)))
    run = TrainingRun(
        pack=spec.id,
        source=copies,
        heads=access.stores.heads,
        training=access.stores.training,
        trainer=_trainer(settings, access, spec),
        use=settings.head,
    )
    report = run.train(settings.full, alive)
    AwsCheckpoint(access.s3, settings.models_bucket, spec.id, b"").delete()
    return report


def _trainer(settings: TrainingJobSettings, access: AwsAccess, spec: PackSpec) -> Trainer:
    def open_checkpoint(templates: list[Template], current: bytes | None, full: bool) -> AwsCheckpoint:
        inputs = _fingerprint(templates, current, full)
        return AwsCheckpoint(access.s3, settings.models_bucket, spec.id, inputs)

    statistics = stored_statistics(spec, access.stores.heads) or load_statistics(spec, settings.home)
    return build_trainer(spec.id, population_of(statistics), open_checkpoint)


def _fingerprint(templates: list[Template], current: bytes | None, full: bool) -> bytes:
    """Return 32 bytes that depend on every input of the training."""
    digest = hashlib.sha256(json.dumps([full, hashlib.sha256(current or b"").hexdigest()]).encode())
    for template in templates:
        digest.update(json.dumps([template.student_id, template.pack, template.photo_digest]).encode())
        digest.update(template.embeddings.tobytes())
    return digest.digest()


def main() -> None:
    """Run the job that the environment describes. The last line of the log is its report."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    settings = TrainingJobSettings.read()
    report = run_job(settings, open_access(settings), batch_job_id())
    _log.info("%s", json.dumps(report))


if __name__ == "__main__":
    main()
