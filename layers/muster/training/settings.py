"""Everything a training run can be told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Settings of a training run; the defaults were chosen on the development people (docs/method.md).

    Attributes:
        seed: fixes every random choice.
        steps: batches of a full training, at most.
        incremental_steps: batches of an incremental update, at most.
        classes: registered students in a batch.
        background: people who do not exist in a batch, drawn anew every time.
        views: template rows of a student in a batch; as many pseudo-photos go with them.
        margin: by how much a triplet's positive must beat its negative, in cosine.
        learning_rate: of Adam.
        anchor: weight of the penalty on moving away from the weights that a full training starts from.
        check_every: batches between two looks at the held-out views.
        patience: looks without progress before training stops.
        held_out: students looked at to stop early, and to judge by, at most.
        drawn_probes: drawn photos that the gate judges by, about. 20,000 are enough to see a head put one naming error
            in ten right: stage 1 names about 2 % of drawn photos wrongly.
        replay: old students that an incremental update trains on beside the new ones, at most.
        fusion: weight of the head beside stage 1, 0 to 1.
        threads: processor threads to use. The matrices are small: beside other work two threads wait for each other and
            take five times the processor time of one, 6.7 s instead of 1.2 s for 15 steps (two cores, load 15).
        device: where torch computes: `cpu`, or `cuda`, as `muster.training.device` chooses it at the edge.
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
