"""The generated tables in docs/ say what the code says."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from ingest.detectors import DETECTORS
from puente import keys
from puente.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def documents() -> dict[str, Callable[[], str]]:
    spec = importlib.util.spec_from_file_location(
        "generate_docs", ROOT / "scripts" / "generate_docs.py"
    )
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    found: dict[str, Callable[[], str]] = script.DOCUMENTS
    return found


def text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(documents()))
def test_a_document_is_what_the_code_says(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == documents()[name](), "run scripts/generate_docs.py"


def test_every_key_setting_and_kind_is_documented() -> None:
    assert [k.pattern for k in keys.ALL if f"`{k.pattern}`" not in text("redis.md")] == []
    settings = text("settings.md")
    assert [f.name for f in fields(Settings) if f"`{f.name.upper()}`" not in settings] == []
    kinds = [kind for detector in DETECTORS for kind in detector.kinds]
    assert re.findall(r"^\| `([a-z_]+\.[a-z_]+)`", text("events.md"), re.M) == kinds


def test_no_two_families_of_keys_can_be_taken_for_each_other() -> None:
    given = {"pNN": 3, "device": "D1", "subject": "S1"}
    examples = {k.pattern: k(**given) for k in keys.ALL}
    for pattern, example in examples.items():
        assert [k.pattern for k in keys.ALL if k.matches(example)] == [pattern]


def test_all_keys_of_a_partition_carry_its_tag() -> None:
    for key in keys.ALL:
        if "<pNN>" in key.pattern:
            assert key.pattern.startswith("{<pNN>}:"), key.pattern
