"""The frame of all pages: self-contained, printable, without scripts."""

from collections.abc import Iterable
from html import escape
from importlib import resources

from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page's Content-Security-Policy, which allows only inline styles."""

_STYLE = resources.files("muster.reports").joinpath("page.css").read_text(encoding="utf-8")


def page(
    title: str, heading: str, setting: str, body: str, *, portrait: bool = False, language: Language = ENGLISH
) -> str:
    """Return a page.

    Args:
        title: plain text.
        heading, body: HTML.
        setting: plain text below the heading.
        portrait: print upright instead of in landscape.
        language: of the texts.
    """
    upright = "@page { size: A4 portrait; }" if portrait else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{language.code}" dir="{language.direction}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{PAGE_POLICY}">'
        f"<title>{escape(title)}</title><style>{_STYLE}{upright}</style></head>"
        f'<body><h1>{heading}</h1><p class="quiet">{escape(setting)}</p>{body}</body></html>\n'
    )


def table_of(head: Iterable[str], rows: Iterable[Iterable[object]], kind: str = "list") -> str:
    """Return a table; titles and cells are HTML already."""
    titles = "".join(f'<th scope="col">{title}</th>' for title in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="sheet"><table class="{kind}"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'
    )
