"""Tables: one look for every AG Grid, in CSS variables, so that it follows the theme.

`withPart` and the packaged themes are not used: the first falls back to the light theme, the
others come from a network that a control room may not have.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag

_THEME = """themeQuartz.withParams({
browserColorScheme:'inherit',backgroundColor:'var(--panel)',foregroundColor:'var(--text)',
chromeBackgroundColor:'var(--raised)',headerBackgroundColor:'var(--raised)',
headerTextColor:'var(--muted)',borderColor:'var(--line)',rowHoverColor:'var(--hover)',
selectedRowBackgroundColor:'var(--selected)',oddRowBackgroundColor:'var(--panel)',
accentColor:'var(--accent)',fontFamily:'inherit',fontSize:13,headerFontSize:12,
headerFontWeight:600,cellHorizontalPadding:10,wrapperBorder:false,wrapperBorderRadius:0,
columnBorder:false,iconSize:12,rowHeight:34,headerHeight:34})"""

Column = dict[str, Any]


def js(expression: str) -> dict[str, str]:
    """Name a JavaScript expression for the grid."""
    return {"function": expression}


def column(field: str, name: str, width: int | None = None, **more: Any) -> Column:  # noqa: ANN401
    """Describe a column; without a width it takes what is left."""
    size: Column = {"flex": 1, "minWidth": 140} if width is None else {"width": width}
    return {"field": field, "headerName": name, **size, **more}


def instant_column(field: str, name: str, width: int = 124, **more: Any) -> Column:  # noqa: ANN401
    """Show an instant in UTC; the tooltip has the other zones."""
    return column(
        field,
        name,
        width,
        valueFormatter=js("pgInstant(params.value)"),
        tooltipValueGetter=js("pgZones(params.value)"),
        cellClass="pg-num",
        headerTooltip="UTC; hover a value for Chicago, Mexico City and this computer's zone",
        **more,
    )


def age_column(field: str, name: str, width: int = 92, **more: Any) -> Column:  # noqa: ANN401
    """Show how long ago an instant was; counts on in the browser."""
    return column(
        field,
        name,
        width,
        valueFormatter=js("pgAge(params.value)"),
        tooltipValueGetter=js("pgZones(params.value)"),
        cellClass="pg-num pg-age ag-right-aligned-cell",
        type="rightAligned",
        **more,
    )


def grid(
    grid_id: str,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, object]],
    *,
    row_id: str = "params.data.id",
    empty: str = "Nothing to show",
    select: bool = False,
    options: Mapping[str, Any] | None = None,
    **more: Any,  # noqa: ANN401 - properties of the grid
) -> Any:  # noqa: ANN401 - a component
    """Build a table that fills its frame. `row_id` is the JavaScript that names a row."""
    grid_options: dict[str, Any] = {
        "theme": js(_THEME),
        "animateRows": False,
        "tooltipShowDelay": 400,
        "overlayNoRowsTemplate": None,
        "localeText": {"noRowsToShow": empty},
        "suppressCellFocus": False,
        "asyncTransactionWaitMillis": 250,
        **(options or {}),
    }
    grid_options.pop("overlayNoRowsTemplate")
    if select:
        grid_options["rowSelection"] = {
            "mode": "singleRow",
            "checkboxes": False,
            "enableClickSelection": True,
        }
    return dag.AgGrid(
        id=grid_id,
        columnDefs=list(columns),
        rowData=list(rows),
        getRowId=row_id,
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "suppressHeaderMenuButton": True,
            "suppressMovable": True,
        },
        dashGridOptions=grid_options,
        className="pg-grid",
        style={"height": "100%", "width": "100%"},
        dangerously_allow_code=False,
        **more,
    )
