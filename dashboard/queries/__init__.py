"""The only reader of the store for pages and the API: pandas frames with a UTC index.

Units stand in the column names. Nothing in here writes, draws or knows a URL.
"""
