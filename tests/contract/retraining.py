"""A double that counts requests for training."""


class Asked:
    """Counts requests for training."""

    times = 0

    def __call__(self) -> None:
        self.times += 1
