"""What the training container runs: `python -m muster.composition.training_job`.

A job that is killed at any moment may be run again: until the head is promoted, in one conditional write, nothing
that it left changes an answer. What it had reached is taken up from the checkpoint if nobody registered or left
meanwhile.
"""

import hashlib
import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from muster.composition.aws import AwsAccess, open_access
from muster.composition.aws_settings import TrainingJobSettings
from muster.composition.population import population_of
from muster.domain.student import Template
from muster.packs.load import load_statistics
from muster.packs.manifest import shipped_spec
from muster.services.training.run import Abandoned, Progress, Trainer, TrainerResult, TrainingRun
from muster.storage.aws.checkpoints import AwsCheckpoint
from muster.storage.aws.training_copies import TrainingCopies
from muster.training.device import fastest_device
from muster.training.retrain import retrain
from muster.training.settings import TrainingSettings

_log = logging.getLogger(__name__)


def run_job(
    settings: TrainingJobSettings, access: AwsAccess, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Mapping[str, Any]:
    """Train as the run that was announced, if it still is the one under way, and say what came of it.

    Returns:
        The report; its `outcome` is `promoted`, `kept`, `skipped`, `abandoned`, or `superseded` where nothing was done.
    """
    training = access.stores.training

    def alive(step: str, share: float) -> None:
        if not training.heartbeat(settings.run_id, now()):
            raise Abandoned
        _log.info("%s: %d %%", step, round(share * 100))

    if not training.heartbeat(settings.run_id, now()):
        return {"outcome": "superseded", "reason": "This run is over, or another took over."}
    pack = shipped_spec(settings.pack).id
    copies = TrainingCopies(access.s3, settings.models_bucket)
    run = TrainingRun(pack, copies, access.stores.heads, training, _trainer(settings, access), settings.head)
    report = run.train(settings.full, alive)
    AwsCheckpoint(access.s3, settings.models_bucket, pack, b"").delete()
    training.finish(settings.run_id, report)
    return report


def _trainer(settings: TrainingJobSettings, access: AwsAccess) -> Trainer:
    spec = shipped_spec(settings.pack)
    statistics = load_statistics(spec, settings.home)
    population = population_of(statistics)
    training = TrainingSettings(device=fastest_device())
    _log.info("training on %s", training.device)

    def train(templates: list[Template], current: bytes | None, full: bool, progress: Progress) -> TrainerResult:
        inputs = _fingerprint(templates, current, full)
        checkpoint = AwsCheckpoint(access.s3, settings.models_bucket, spec.id, inputs)
        outcome = retrain(
            templates,
            current,
            spec.id,
            population,
            full=full,
            settings=training,
            progress=progress,
            checkpoint=checkpoint,
        )
        return TrainerResult(outcome.head, outcome.promote, outcome.report)

    return train


def _fingerprint(templates: list[Template], current: bytes | None, full: bool) -> bytes:
    """Return 32 bytes that differ as soon as anything that training starts from does."""
    digest = hashlib.sha256(json.dumps([full, hashlib.sha256(current or b"").hexdigest()]).encode())
    for template in templates:
        digest.update(json.dumps([template.student_id, template.pack, template.photo_digest]).encode())
        digest.update(template.embeddings.tobytes())
    return digest.digest()


def main() -> None:
    """Run the job that the environment describes; its report is the last line of its log."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    settings = TrainingJobSettings.read()
    report = run_job(settings, open_access(settings))
    _log.info("%s", json.dumps(report))


if __name__ == "__main__":
    main()
