"""Students and the state of training."""

from fastapi import APIRouter

from muster import __version__
from muster.api.problems import Problem
from muster.api.schemas import HealthDocument, ModelDocument, StudentDocument, TrainingDocument
from muster.api.system import Records
from muster.domain.identifiers import parse_group_id, parse_student_id

_PROBLEMS = {status: {"model": Problem} for status in (404, 422)}


def roster_routes(system: Records) -> APIRouter:
    """Make the router over one system."""
    router = APIRouter(prefix="/v1", tags=["roster"], responses=_PROBLEMS)  # type: ignore[arg-type]

    @router.get("/students")
    def list_students(group_id: str | None = None) -> list[StudentDocument]:
        """Return the students of a group, or all, ordered by id."""
        group = None if group_id is None else parse_group_id(group_id)
        return [StudentDocument.of(student) for student in system.roster.find(group)]

    @router.get("/students/{student_id}")
    def get_student(student_id: str) -> StudentDocument:
        """Return one student."""
        return StudentDocument.of(system.roster.get(parse_student_id(student_id)))

    @router.delete("/students/{student_id}", status_code=204)
    def erase_student(student_id: str) -> None:
        """Erase a student: record, templates, photo, and the id in every mark and face."""
        system.roster.erase(parse_student_id(student_id))

    @router.get("/training")
    def training() -> TrainingDocument:
        """Return where training stands."""
        return TrainingDocument.of(system.training.state(), system.heads.number())

    return router


def health_routes(system: Records) -> APIRouter:
    """Make the router of the health check."""
    router = APIRouter(tags=["health"])

    @router.get("/health")
    def health() -> HealthDocument:
        """Say that the server answers."""
        model = ModelDocument(pack=system.pack, head=system.heads.number())
        return HealthDocument(status="ok", version=__version__, model=model)

    return router
