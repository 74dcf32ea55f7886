"""The training loop: triplet loss with batch-hard positives and semi-hard negatives, stopped by held-out views."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchEasyHardMiner

from muster.arrays import FloatArray
from muster.progress import OnProgress
from muster.training.batches import TrainingRows, training_batches
from muster.training.network import HeadNetwork
from muster.training.settings import TrainingSettings
from muster.training.variation import VariationModel


class CheckpointStore(Protocol):
    """Keeps the state of a run that may be interrupted; either method may do nothing."""

    def save(self, state: bytes) -> None:
        """Replace the kept state, whole or not at all."""

    def load(self) -> bytes | None:
        """Return the kept state, or None if there is none."""


@dataclass(frozen=True, eq=False, slots=True)
class HeldOut:
    """Faces that are in no batch; training stops early when their loss no longer falls.

    Attributes:
        gallery: float32 (S, D), unit rows, one template row of each student.
        probes: float32 (N, D), unit rows.
        owners: intp (N,), the row of `gallery` that a probe shows.
    """

    gallery: FloatArray
    probes: FloatArray
    owners: NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class TrainingInputs:
    """The data and settings that a network is trained with.

    Attributes:
        students: template rows of the students trained on.
        variation: the model that pseudo-photos and background people are drawn from.
    """

    students: TrainingRows
    variation: VariationModel
    held_out: HeldOut
    settings: TrainingSettings


def fit(
    network: HeadNetwork,
    inputs: TrainingInputs,
    *,
    steps: int,
    progress: OnProgress,
    checkpoint: CheckpointStore | None = None,
) -> dict[str, float]:
    """Train a network in place and leave it with the weights that had the lowest held-out loss.

    On a CPU the same arguments give the same weights, bit for bit; on a GPU (`settings.device`) they do so up to
    rounding. A run that was interrupted on one may continue on the other.

    Args:
        steps: most batches.
        progress: called with the step's name and the fraction completed (0 to 1).
        checkpoint: state of an interrupted run with the same arguments, which continues where it stopped.

    Returns:
        `steps` done, `best_step`, `held_out_loss` before and after, and `drift` of the weights.
    """
    settings, held_out = inputs.settings, inputs.held_out
    with _reproducible(settings):
        device = torch.device(settings.device)
        network.to(device)
        run = _Run.begin(network, settings, checkpoint)
        random = np.random.default_rng(settings.seed)
        batches = training_batches(inputs.students, inputs.variation, settings, random)
        distance = CosineSimilarity()
        loss = TripletMarginLoss(margin=settings.margin, distance=distance)
        miner = BatchEasyHardMiner(pos_strategy="hard", neg_strategy="semihard", distance=distance)
        first = run.check(network, held_out) if not run.step else run.first
        for step, (embeddings, people) in enumerate(batches):
            if step >= steps or run.checks_without_progress >= settings.patience:
                break
            if step < run.step:
                continue
            embedded = network(embeddings.to(device))
            labels = people.to(device)
            total = loss(embedded, labels, miner(embedded, labels)) + settings.anchor * network.drift()
            run.optimizer.zero_grad()
            total.backward()
            run.optimizer.step()
            run.step = step + 1
            if run.step % settings.check_every == 0 or run.step == steps:
                run.check(network, held_out)
                progress("train", run.step / steps)
                if checkpoint is not None:
                    checkpoint.save(run.state(network))
        network.load_state_dict(run.best)
        network.to("cpu")
        return {
            "steps": run.step,
            "best_step": run.best_step,
            "held_out_loss_before": round(first, 6),
            "held_out_loss": round(run.best_loss, 6),
            "drift": round(float(network.drift().detach()), 6),
        }


class _Run:
    """State of one run: the optimizer, the best weights so far, and the checks since they were found."""

    def __init__(self, network: HeadNetwork, settings: TrainingSettings) -> None:
        self.optimizer = torch.optim.Adam([network.weight, network.bias], lr=settings.learning_rate)
        self.step = 0
        self.first = self.best_loss = float("inf")
        self.best = _copy(network)
        self.best_step = 0
        self.checks_without_progress = 0

    @classmethod
    def begin(cls, network: HeadNetwork, settings: TrainingSettings, checkpoint: CheckpointStore | None) -> "_Run":
        run = cls(network, settings)
        kept = checkpoint.load() if checkpoint is not None else None
        if kept is not None:
            state = torch.load(BytesIO(kept), map_location=settings.device, weights_only=True)
            network.load_state_dict(state["network"])
            run.optimizer.load_state_dict(state["optimizer"])
            run.best = state["best"]
            run.step, run.best_step, run.checks_without_progress = state["counts"]
            run.first, run.best_loss = state["losses"]
        return run

    def state(self, network: HeadNetwork) -> bytes:
        buffer = BytesIO()
        torch.save(
            {
                "network": _copy(network),
                "optimizer": self.optimizer.state_dict(),
                "best": self.best,
                "counts": (self.step, self.best_step, self.checks_without_progress),
                "losses": (self.first, self.best_loss),
            },
            buffer,
        )
        return buffer.getvalue()

    def check(self, network: HeadNetwork, held_out: HeldOut) -> float:
        loss = _identification_loss(network, held_out)
        if not self.step:
            self.first = loss
        if loss < self.best_loss:
            self.best_loss, self.best, self.best_step, self.checks_without_progress = loss, _copy(network), self.step, 0
        else:
            self.checks_without_progress += 1
        return loss


# Sharpness of the softmax over students in the held-out loss: a cosine lead of 0.1 is odds of 5 to 1.
_SHARPNESS = 16.0


def _identification_loss(network: HeadNetwork, held_out: HeldOut) -> float:
    device = network.weight.device
    with torch.no_grad():
        gallery = network(torch.from_numpy(held_out.gallery).to(device))
        probes = network(torch.from_numpy(held_out.probes).to(device))
        owners = torch.from_numpy(held_out.owners).to(device)
        return float(torch.nn.functional.cross_entropy(_SHARPNESS * probes @ gallery.T, owners))


def _copy(network: HeadNetwork) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


@contextmanager
def _reproducible(settings: TrainingSettings) -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    # Not `use_deterministic_algorithms`: it imports PyTorch's compiler, for two seconds, to set an option of that.
    torch.set_deterministic_debug_mode("error" if settings.device == "cpu" else "warn")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(deterministic)
        torch.set_num_threads(threads)
