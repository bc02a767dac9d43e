"""Small tables of a page: what fits on it and needs no sorting."""

from collections.abc import Sequence
from typing import Any

from dash import html


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    empty: str,
    numeric: Sequence[int] = (),
    caption: str = "",
) -> Any:  # noqa: ANN401 - a component
    """Build a table; columns in `numeric` are set right. Without rows it says `empty`."""
    if not rows:
        return html.P(empty, className="pg-muted pg-none")
    kinds = ["pg-right" if i in numeric else "" for i in range(len(header))]
    return html.Table(
        [
            *([html.Caption(caption)] if caption else []),
            html.Thead(
                html.Tr(
                    [
                        html.Th(name, className=kind, scope="col")
                        for name, kind in zip(header, kinds, strict=True)
                    ]
                )
            ),
            html.Tbody(
                [
                    html.Tr(
                        [
                            html.Td(cell, className=kind)
                            for cell, kind in zip(row, kinds, strict=True)
                        ]
                    )
                    for row in rows
                ]
            ),
        ],
        className="pg-table",
    )
