"""A bound on what reading a workbook costs, found without parsing it: 200 kB may unpack to millions of cells."""

from typing import Final
from zipfile import ZipFile

from muster.domain.errors import UnsupportedTable

MAX_UNPACKED_BYTES: Final = 50_000_000
MAX_TAGS: Final = 800_000
"""XML tags, of which parsing costs some 5 us each. 5,000 students in 20 columns take up to 650,000."""

_CHUNK_BYTES = 1 << 20


def check_cost(workbook: ZipFile) -> None:
    """Refuse a workbook that would take many seconds to read.

    Raises:
        UnsupportedTable: it is far larger than a roster.
        BadZipFile: it is damaged.
    """
    parts = [part for part in workbook.infolist() if part.filename.lower().endswith((".xml", ".rels"))]
    unpacked = sum(part.file_size for part in workbook.infolist())
    tags = 0
    for part in parts if unpacked <= MAX_UNPACKED_BYTES else []:
        with workbook.open(part) as stream:
            while tags <= MAX_TAGS and (chunk := stream.read(_CHUNK_BYTES)):
                # Attributes cost about as much as tags.
                tags += max(chunk.count(b"<"), chunk.count(b"="))
    if unpacked > MAX_UNPACKED_BYTES or tags > MAX_TAGS:
        raise UnsupportedTable("The workbook is far larger than a roster: save the sheet alone as CSV or XLSX.")
