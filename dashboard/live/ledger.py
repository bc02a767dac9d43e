"""A table that remembers when each entry changed, so that a reader asks for what is new to it.

Every change gets the next version. A browser says the version it has and receives what changed
since, however long it was slow; nothing is queued for anybody.
"""

from collections.abc import Mapping
from typing import Any

_MAX_REMOVALS = 5_000


class Ledger:
    """Entries by key with the version of their last change. Not thread-safe."""

    def __init__(self) -> None:
        self.version = 0
        self._entries: dict[str, tuple[int, Any]] = {}
        self._removals: dict[str, int] = {}
        self._complete_from = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: str, entry: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write an entry; writing the same again changes nothing."""
        known = self._entries.get(key)
        if known is not None and known[1] == entry:
            return
        self.version += 1
        # Moving the key to the end keeps the dict in order of version.
        self._entries.pop(key, None)
        self._entries[key] = (self.version, entry)
        self._removals.pop(key, None)

    def remove(self, key: str) -> None:
        """Forget an entry and remember that it went."""
        if self._entries.pop(key, None) is None:
            return
        self.version += 1
        self._removals[key] = self.version
        if len(self._removals) > _MAX_REMOVALS:
            oldest = next(iter(self._removals))
            self._complete_from = self._removals.pop(oldest)

    def replace(self, entries: Mapping[str, Any]) -> None:
        """Make the table hold exactly these entries."""
        for key in [key for key in self._entries if key not in entries]:
            self.remove(key)
        for key, entry in entries.items():
            self.put(key, entry)

    def since(self, version: int) -> dict[str, Any]:
        """Return what changed after a version; everything for 0 or a version too far back."""
        full = version == 0 or version < self._complete_from or version > self.version
        changed: list[Any] = []
        for changed_at, entry in reversed(self._entries.values()):
            if not full and changed_at <= version:
                break
            changed.append(entry)
        changed.reverse()
        removed = [] if full else [k for k, at in self._removals.items() if at > version]
        return {"version": self.version, "full": full, "put": changed, "removed": removed}
