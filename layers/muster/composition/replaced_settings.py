"""Settings of earlier versions that must not be ignored in silence."""


def refuse_target_fpir(value: object) -> None:
    """Refuse `MUSTER_TARGET_FPIR`, which said how many strangers may be marked.

    Raises:
        ValueError: it is set.
    """
    if value is not None:
        raise ValueError(
            "MUSTER_TARGET_FPIR is no longer used: remove it, and set MUSTER_WRONG_MARKS, the accepted wrong marks per "
            "10,000 faces, where the default of 1 does not suit you"
        )
