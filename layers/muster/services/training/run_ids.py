"""Ids of a run that moves between machines.

The stored id of the active run says who may carry it out. A run begins under the id of the event that requested it. It
gets another id when it moves to processors, and another when a job starts it. Each change is one conditional update of
the store, so a job that still holds an earlier id finds that it was replaced.
"""

_PROCESSORS = "-processors"
_JOB = "/"


def on_processors(run_id: str) -> str:
    """Return the id of a run after it moved to processors."""
    return f"{run_id}{_PROCESSORS}"


def is_on_processors(run_id: str) -> bool:
    """Return whether a run moved to processors, given its id or the id that a job holds."""
    return run_id.partition(_JOB)[0].endswith(_PROCESSORS)


def held_by_job(run_id: str, job_id: str) -> str:
    """Return the id of a run while a job carries it out."""
    return f"{run_id}{_JOB}{job_id}"


def event_of(run_id: str) -> str:
    """Return the id of the event that requested a run, given any of its ids."""
    return run_id.partition(_JOB)[0].removesuffix(_PROCESSORS)
