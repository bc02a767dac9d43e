"""Charts: pure functions from frames to plotly figures. No store, no clock."""
