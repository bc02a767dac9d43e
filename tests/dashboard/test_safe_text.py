import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.safe_text import clean, csv_cell, csv_text, figure_text

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param("MX26-000101", "MX26-000101", id="an id stays as it is"),
        pytest.param("a\u202eb\u2066c", "abc", id="no bidirectional overrides"),
        pytest.param("a\x00b\x1b[31m", "ab[31m", id="no control characters"),
        pytest.param("one\r\ntwo\u2028three", "one two three", id="one line"),
        pytest.param("Querétaro → 荷物 🚚", "Querétaro → 荷物 🚚", id="all scripts are welcome"),
        pytest.param(None, "", id="nothing is empty"),
        pytest.param(12.5, "12.5", id="numbers are written"),
    ],
)
def test_text_of_devices_becomes_one_harmless_line(said: object, shown: str) -> None:
    assert clean(said) == shown


def test_long_text_ends_in_an_ellipsis() -> None:
    assert clean("x" * 600) == "x" * 499 + "…"


def test_figures_show_tags_as_they_were_typed() -> None:
    assert figure_text("<b>x</b> & <a href='http://x'>y</a>") == (
        "&lt;b&gt;x&lt;/b&gt; &amp; &lt;a href='http://x'&gt;y&lt;/a&gt;"
    )


@given(st.text())
def test_clean_text_holds_no_control_or_bidirectional_character(said: str) -> None:
    shown = clean(said)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in shown)
    assert not any(unicodedata.bidirectional(c) in BIDI_CONTROLS for c in shown)


BIDI_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(st.text())
def test_a_figure_text_opens_no_tag_and_no_entity_of_its_own(said: str) -> None:
    shown = figure_text(said)
    assert "<" not in shown
    assert ">" not in shown


@given(st.lists(st.lists(st.text(), min_size=1, max_size=4), max_size=6))
def test_no_cell_of_a_csv_is_a_formula_and_every_text_comes_back(table: list[list[str]]) -> None:
    written = csv_text(["name"], table)
    rows = list(csv.reader(io.StringIO(written)))[1:]
    expected = [[clean(cell, 32_000) for cell in row] for row in table]
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        for cell, text in zip(row, wanted, strict=True):
            assert not cell.lstrip().startswith(FORMULAS)
            assert cell in (text, "'" + text)


@pytest.mark.parametrize(
    "value", ["=1+1", " =1+1", "@SUM(A1)", "-2+3", "+1", "\t=1", "'=1", "＝1"]
)
def test_a_text_that_could_run_is_marked_as_text(value: str) -> None:
    assert str(csv_cell(value)).startswith("'")


def test_numbers_stay_numbers_and_missing_ones_are_empty() -> None:
    assert [csv_cell(v) for v in (-4.5, 3, float("nan"), None, True)] == [-4.5, 3, "", "", "yes"]
