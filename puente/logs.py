"""How processes log: one line an event on standard error, UTC, level, process and words."""

import logging
import sys
import time


def to_stderr(process: str, level: int = logging.INFO) -> None:
    """Send log lines of this process to standard error."""
    formatter = logging.Formatter(
        f"%(asctime)sZ %(levelname)s {process} %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[lines], force=True)
