"""Redis keys: built from their pattern, recognised again, one hash tag each."""

import re

import pytest

from puente import keys
from puente.keys import Key


@pytest.mark.parametrize("key", keys.ALL, ids=lambda key: key.pattern)
def test_a_key_recognises_what_it_builds(key: Key) -> None:
    parameters = {"pNN": 7, "subject": "MX26-1", "device": "TRK.1"}
    built = key(**parameters)
    assert key.matches(built)
    assert [other for other in keys.ALL if other.matches(built)] == [key]


@pytest.mark.parametrize("key", keys.ALL, ids=lambda key: key.pattern)
def test_a_key_has_one_hash_tag_and_says_all_about_itself(key: Key) -> None:
    assert len(re.findall(r"\{[^}]+\}", key.pattern)) == 1
    assert all((key.type, key.value, key.writer, key.lifetime, key.why))


def test_a_parameter_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        keys.TRACK(pNN=1)


def test_partitions_are_numbered_with_two_digits() -> None:
    assert keys.LOG(pNN=3) == "{p03}:log"


@pytest.mark.parametrize(
    ("subject", "partition"),
    [("MX24-000123", 13), ("~TRK-1", 4)],
)
def test_a_subject_keeps_its_partition_for_ever(subject: str, partition: int) -> None:
    """Stored states would be orphaned by another hash."""
    assert keys.partition_of(subject) == partition


def test_subjects_spread_over_all_partitions() -> None:
    found = {keys.partition_of(f"MX26-{i:06}") for i in range(1000)}
    assert found == set(range(keys.PARTITIONS))


def test_an_unbound_device_is_a_subject_of_its_own() -> None:
    assert keys.unbound_subject("TRK-1") == "~TRK-1"
