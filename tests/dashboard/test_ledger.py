"""Whoever asks for what is new to them ends up with the same table, however slow they were."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.live.ledger import Ledger

keys = st.sampled_from("abcde")
moves = st.lists(
    st.one_of(st.tuples(st.just("put"), keys, st.integers(0, 3)),
              st.tuples(st.just("remove"), keys), st.tuples(st.just("ask"))),
    max_size=40,
)  # fmt: skip


@given(moves)
def test_a_reader_that_asks_now_and_then_has_the_whole_table(made: list[tuple]) -> None:
    ledger, truth = Ledger(), {}
    seen, version = {}, 0
    for move in [*made, ("ask",)]:
        match move:
            case ("put", key, value):
                ledger.put(key, {"key": key, "value": value})
                truth[key] = value
            case ("remove", key):
                ledger.remove(key)
                truth.pop(key, None)
            case _:
                changes = ledger.since(version)
                if changes["full"]:
                    seen.clear()
                for key in changes["removed"]:
                    seen.pop(key, None)
                seen |= {entry["key"]: entry["value"] for entry in changes["put"]}
                version = changes["version"]
    assert seen == truth
    assert len(ledger) == len(truth)


def test_writing_the_same_again_is_no_news() -> None:
    ledger = Ledger()
    ledger.put("a", 1)
    ledger.put("a", 1)
    assert ledger.version == 1
    assert ledger.since(1)["put"] == []


def test_replacing_the_table_tells_only_the_difference() -> None:
    ledger = Ledger()
    ledger.replace({"a": 1, "b": 2})
    version = ledger.version
    ledger.replace({"b": 2, "c": 3})
    assert ledger.since(version) == {
        "version": ledger.version, "full": False, "put": [3], "removed": ["a"],
    }  # fmt: skip


def test_a_version_from_another_life_gets_everything() -> None:
    ledger = Ledger()
    ledger.put("a", 1)
    assert ledger.since(99)["full"]
    assert ledger.since(0)["full"]
