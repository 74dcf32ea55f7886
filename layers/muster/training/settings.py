"""Settings of a training run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Settings of a training run; the defaults were chosen on the development people (docs/method.md).

    Attributes:
        seed: fixes every random choice.
        steps: batches of a full training, at most.
        incremental_steps: batches of an incremental update, at most.
        classes: registered students in a batch.
        background: people in a batch who do not exist, drawn again for each batch.
        views: template rows per student in a batch, plus the same number of pseudo-photos.
        margin: lead of a triplet's positive over its negative, in cosine.
        learning_rate: of Adam.
        anchor: weight of the penalty on drift from the weights that a full training starts from.
        check_every: batches between checks of the held-out views.
        patience: checks without progress before training stops.
        held_out: most students used for early stopping and for judging.
        drawn_probes: approximate number of drawn photos that the gate judges by. Stage 1 names about 2 % of them
            wrongly, so 20,000 are enough to see a head correct one error in ten.
        replay: most old students that an incremental update trains on in addition to the new ones.
        fusion: weight of the head relative to stage 1, 0 to 1.
        threads: processor threads to use. The matrices are small: on a busy machine two threads wait for each other and
            take five times the processor time of one, 6.7 s instead of 1.2 s for 15 steps (two cores, load 15).
        device: `cpu` or `cuda`, as `muster.training.device` chooses it for the entry points.
    """

    seed: int = 0
    steps: int = 200
    incremental_steps: int = 50
    classes: int = 24
    background: int = 24
    views: int = 2
    margin: float = 0.02
    learning_rate: float = 3e-4
    anchor: float = 3.0
    check_every: int = 25
    patience: int = 4
    held_out: int = 256
    drawn_probes: int = 20_000
    replay: int = 256
    fusion: float = 0.3
    threads: int = 1
    device: str = "cpu"
