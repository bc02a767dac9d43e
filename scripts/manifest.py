"""The record of generated files: which script made them, from what, with which packages.

`scripts/generated.json` holds, for each generating script, the hash of its own source and of its
inputs, the versions of the packages it read, and the hash of every file it wrote.
`tests/test_generated_files.py` compares that record with the tree, so that neither a script nor an
output can change without the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "scripts" / "generated.json"


def digest(path: Path) -> str:
    """SHA-256 of one file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(
    script: Path,
    *,
    inputs: Iterable[Path],
    outputs: Iterable[Path],
    packages: Iterable[str] = (),
    versions: dict[str, str] | None = None,
) -> None:
    """Record one run of a generating script.

    Args:
        script: The generating script itself.
        inputs: Files of this repository that the outputs depend on.
        outputs: Files that were written.
        packages: Installed Python packages whose version is recorded.
        versions: Versions of packages of other kinds.
    """
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    record[_name(script)] = {
        "inputs": {_name(path): digest(path) for path in sorted((script, *inputs))},
        "outputs": {_name(path): digest(path) for path in sorted(outputs)},
        "packages": {name: metadata.version(name) for name in sorted(packages)} | (versions or {}),
    }
    text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False)
    RECORD.write_text(text + "\n", encoding="utf-8")


def _name(path: Path) -> str:
    return path.resolve().relative_to(ROOT).as_posix()
