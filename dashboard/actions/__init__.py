"""The only writer of the dashboard: what people do, with who and when."""
