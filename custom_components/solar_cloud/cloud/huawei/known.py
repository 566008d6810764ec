"""What is known of the settings of plants: what servers tell, else what was last done."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..control import Setting
from .items import EXACT, LIMIT, LIMITED, MODE, TOU
from .windows import Wire

LONG_AGO = 0.0


class Known:
    """The settings of an account's plants; `memory` is stored."""

    def __init__(self, memory: dict[str, Any]) -> None:
        """Go on with what was known before."""
        self._rows: dict[str, dict[str, list[Any]]] = memory.setdefault("settings", {})
        self._windows: dict[str, list[Wire]] = memory.setdefault("windows", {})

    def value(self, plant: str, key: str) -> Setting | None:
        """Return the value of a setting, None when it is not known."""
        found: Setting | None = self._row(plant, key)[0]
        return found

    def at(self, plant: str, key: str) -> datetime:
        """Return when a setting was told or done."""
        return datetime.fromtimestamp(self._row(plant, key)[1], UTC)

    def is_told(self, plant: str, key: str) -> bool:
        """Return whether the server told the value, and nothing was done since."""
        return bool(self._row(plant, key)[2])

    def _row(self, plant: str, key: str) -> list[Any]:
        return self._rows.get(plant, {}).get(key, [None, LONG_AGO, False])

    def windows(self, plant: str) -> list[Wire]:
        """Return the windows of time of use, none when they are not known."""
        return self._windows.get(plant, [])

    def tell(
        self, plant: str, told: Mapping[str, Setting | None], at: datetime
    ) -> None:
        """Take over what the server tells."""
        self._set(plant, told, at, told=True)

    def done(self, plant: str, changes: Mapping[str, Setting], at: datetime) -> None:
        """Take over what a task has done."""
        more: dict[str, Setting] = {}
        if LIMIT in changes:
            more[LIMITED] = True
        if {LIMIT, LIMITED} & changes.keys():
            more[EXACT] = True
        self._set(plant, {**more, **changes}, at, told=False)

    def forget(self, plant: str, keys: Iterable[str]) -> None:
        """Know no more what may have been set."""
        rows = self._rows.get(plant, {})
        for key in keys:
            rows.pop(key, None)

    def recall(self, plant: str, key: str, value: Setting) -> None:
        """Show again what a setting was before, which is not in force now."""
        self._rows[plant][key][0] = value

    def keep_windows(self, plant: str, windows: list[Wire]) -> None:
        """Take over the windows of time of use."""
        self._windows[plant] = windows

    def _set(
        self,
        plant: str,
        values: Mapping[str, Setting | None],
        at: datetime,
        *,
        told: bool,
    ) -> None:
        rows = self._rows.setdefault(plant, {})
        rows.update({key: [row, at.timestamp(), told] for key, row in values.items()})

    def is_scheduled(self, plant: str) -> bool:
        """Return whether the plant follows its windows."""
        return self.value(plant, MODE) == TOU
