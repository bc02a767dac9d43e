import pytest

from puente import keys
from puente.store import leases
from puente.store.connection import Store

pytestmark = pytest.mark.redis

NAMES = leases.lease_keys(keys.LEASE, keys.FENCING, pNN=4)


def expire(store: Store) -> None:
    """What ten seconds without renewal do."""
    store.client.delete(NAMES.lease)


def test_one_owner_at_a_time(store: Store) -> None:
    token = leases.renew(store, NAMES, "a")
    assert token == "1:a"
    assert leases.renew(store, NAMES, "b") is None
    assert leases.renew(store, NAMES, "b", "1:b") is None
    assert leases.renew(store, NAMES, "a", token) == token


def test_a_lease_expires_within_ten_seconds_and_renewing_starts_anew(store: Store) -> None:
    token = leases.renew(store, NAMES, "a")
    assert token is not None
    store.client.pexpire(NAMES.lease, 3_000)
    leases.renew(store, NAMES, "a", token)
    left_ms = int(str(store.client.pttl(NAMES.lease)))
    assert 3_000 < left_ms <= leases.LEASE_MS == 8_000


def test_every_owner_has_a_higher_fencing_number(store: Store) -> None:
    first = leases.renew(store, NAMES, "a")
    expire(store)
    second = leases.renew(store, NAMES, "b")
    expire(store)
    third = leases.renew(store, NAMES, "a", first or "")
    assert (first, second, third) == ("1:a", "2:b", "3:a")


def test_an_owner_that_lost_its_token_takes_over_from_itself_with_a_new_number(
    store: Store,
) -> None:
    assert leases.renew(store, NAMES, "a") == "1:a"
    assert leases.renew(store, NAMES, "a") == "2:a"
    assert leases.renew(store, NAMES, "a", "1:a") == "3:a"
    assert leases.renew(store, NAMES, "aa") is None


def test_a_lease_is_given_back_only_by_its_owner(store: Store) -> None:
    token = leases.renew(store, NAMES, "a")
    leases.release(store, NAMES, "1:b")
    assert leases.renew(store, NAMES, "b") is None
    leases.release(store, NAMES, token or "")
    assert leases.renew(store, NAMES, "b") == "2:b"
