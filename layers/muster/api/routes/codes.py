"""The school's table of attendance codes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.etags import IfMatch, etag, expected
from muster.api.problems import problems
from muster.api.schemas.codes import CodesChange, CodesDocument
from muster.api.system import RecordServices


def code_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/codes", tags=["codes"], responses=problems(401, 403, 422))
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("")
    def get_codes(access: caller, response: Response) -> CodesDocument:
        """Return the school's attendance codes in the order in which they are offered."""
        table, version = system.codes.table()
        response.headers["ETag"] = etag(version)
        return CodesDocument.of(table, version)

    @router.put("", responses=problems(409, 412, 428))
    def change_codes(
        access: caller, change: CodesChange, response: Response, if_match: IfMatch = None
    ) -> CodesDocument:
        """Replace the attendance codes, or use those of a preset; admins only.

        A code that marks have can be renamed, recoloured or retired. It cannot be removed or count as something else,
        so no total changes.
        """
        access.admin()
        version = expected(if_match, system.codes.table()[1])
        if change.preset is not None:
            table, version = system.codes.switch(change.preset, version)
        else:
            table, version = system.codes.replace([code.code_of() for code in change.codes or []], version)
        response.headers["ETag"] = etag(version)
        return CodesDocument.of(table, version)

    return router
