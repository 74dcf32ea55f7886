"""Imports of OneRoster packages."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, UploadFile

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.oneroster import OneRosterDocument
from muster.api.system import RecordServices
from muster.domain.errors import UnsupportedTable
from muster.services.oneroster.execution import OneRosterImport
from muster.services.oneroster.package import MAX_ARCHIVE_BYTES, read_archive
from muster.services.oneroster.plan import Options
from muster.services.oneroster.tables import read_tables

_PROBLEMS = problems(401, 403, 409, 413, 415, 422)


def oneroster_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/oneroster", tags=["roster"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]
    use_case = OneRosterImport(system.roster, system.groups, system.people, system.timetables)

    @router.post("/import")
    def import_package(
        access: caller,
        file: Annotated[UploadFile, File(description="A ZIP archive with manifest.csv, OneRoster 1.1 or 1.2.")],
        dry_run: Annotated[bool, Query(description="Return the plan, and write nothing.")] = False,
        school: Annotated[
            str | None, Query(description="Read the classes of one organisation: its sourcedId, identifier or name.")
        ] = None,
        school_ids: Annotated[
            bool, Query(description="Know students by `identifier` and classes by `classCode`, not by `sourcedId`.")
        ] = False,
        allow_removals: Annotated[bool, Query(description="Go on even if most students leave their classes.")] = False,
    ) -> OneRosterDocument:
        """Bring groups, students, teachers and terms up to date from a OneRoster package; admins only.

        If a finding is an error, nothing is written. Consent is never imported, and nobody is erased.
        """
        access.admin()
        if file.size is not None and file.size > MAX_ARCHIVE_BYTES:
            raise UnsupportedTable(f"The archive is larger than {MAX_ARCHIVE_BYTES // 1_000_000} MB. Split it.")
        options = Options(
            today=datetime.now(system.reports.zone).date(),
            school=school,
            school_ids=school_ids,
            allow_removals=allow_removals,
        )
        tables = read_tables(read_archive(file.file.read()))
        return OneRosterDocument.of(use_case.run(tables, options, dry_run=dry_run))

    return router
