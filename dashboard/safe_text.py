"""Text from devices and plans, made harmless for the place where it is shown.

Dash shows children as text, so tables and panels only need `clean`. Plotly reads a small HTML in
its hover texts and titles, so figures need `figure_text`. Spreadsheets run formulas: `csv_cell`.
"""

import csv
import html
import io
import math
import numbers
import re
import unicodedata
from collections.abc import Iterable, Sequence

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ZERO_WIDTH = frozenset("\u200b\u2060\ufeff")
_LINE_ENDS = re.compile(r"[\r\n\t\v\f\x85\u2028\u2029]+")

MAX_SHOWN = 500
"""Characters of one device-supplied text on a page; what is longer ends in an ellipsis."""


def clean(value: object, limit: int = MAX_SHOWN) -> str:
    """Make a text of one line: no control, bidirectional or invisible characters.

    A reading may claim any id or topic; a right-to-left override in it would let one alert read
    like another.
    """
    text = _LINE_ENDS.sub(" ", "" if value is None else str(value))
    kept = "".join(
        character
        for character in text
        if character not in _BIDI
        and character not in _ZERO_WIDTH
        and unicodedata.category(character) not in ("Cc", "Cs")
    )
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def figure_text(value: object, limit: int = MAX_SHOWN) -> str:
    """Make a text that plotly shows as it stands instead of reading tags in it."""
    return html.escape(clean(value, limit), quote=False)


_FORMULA = tuple("=+-@|%＝＋－＠")


def csv_cell(value: object) -> object:
    """Make a value that a spreadsheet shows and never runs.

    Numbers stay numbers. A text that begins like a formula, even behind spaces or quotes, gets
    an apostrophe in front, which spreadsheets read as "this is text".
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, numbers.Real):
        return "" if math.isnan(value) else value
    text = clean(value, limit=32_000)
    return "'" + text if text.lstrip(" \u00a0\u3000'\"").startswith(_FORMULA) else text


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table as CSV (RFC 4180) in which no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([csv_cell(name) for name in header])
    writer.writerows([[csv_cell(value) for value in row] for row in rows])
    return out.getvalue()
