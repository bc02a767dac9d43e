"""The plan in force, compiled once per version."""

import threading
from weakref import WeakKeyDictionary

from puente.plan import Plan
from puente.store.connection import Store
from puente.store.plans import load_plan, plan_version

_plans: "WeakKeyDictionary[Store, Plan]" = WeakKeyDictionary()
_lock = threading.Lock()


def current_plan(store: Store) -> Plan:
    """Return the newest plan; compiling thousands of shipments is paid once per version."""
    version = plan_version(store)
    with _lock:
        held = _plans.get(store)
    if held is not None and held.version == version:
        return held
    plan = load_plan(store)
    with _lock:
        _plans[store] = plan
    return plan
