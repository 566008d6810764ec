"""What each device does not know, remembered until its firmware is another."""

from typing import Any

PERMANENT_AFTER = 3
ANSWERED = 0


class Verdicts:
    """Counts the refusals of each device and thing; `memory` is stored."""

    def __init__(self, memory: dict[str, Any]) -> None:
        """Go on from what was stored."""
        self._known: dict[str, dict[str, Any]] = memory

    def firmware(self, sn: str, version: str) -> bool:
        """Ask for everything again once the firmware is another; returns whether it is."""
        known = self._known.get(sn)
        if not version or (known and known["firmware"] == version):
            return False
        self._known[sn] = {"firmware": version, "keys": {}}
        return known is not None

    def is_unknown(self, sn: str, thing: str) -> bool:
        """Return whether a device has proved not to know something."""
        count = self._known.get(sn, {}).get("keys", {}).get(thing, ANSWERED)
        return bool(count >= PERMANENT_AFTER)

    def refused(self, sn: str, thing: str, *, certain: bool) -> None:
        """Count a refusal; an uncertain one proves nothing once there was an answer."""
        keys = self._keys(sn)
        if certain:
            keys[thing] = PERMANENT_AFTER
        elif keys.get(thing) != ANSWERED:
            keys[thing] = keys.get(thing, ANSWERED) + 1

    def answered(self, sn: str, thing: str) -> None:
        """Remember that a device knows something."""
        self._keys(sn)[thing] = ANSWERED

    def _keys(self, sn: str) -> dict[str, int]:
        entry = self._known.setdefault(sn, {"firmware": "", "keys": {}})
        keys: dict[str, int] = entry["keys"]
        return keys
