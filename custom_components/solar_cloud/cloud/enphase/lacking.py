"""Calls that are refused although the sign-in is good: they are left alone for a week."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from ..clock import Clock
from ..control import Reason
from .endpoints import Endpoint, Group

AGAIN_AFTER = timedelta(days=7)

# Groups that a plan has or has not as a whole; of others an owner may withhold a part.
WHOLE = frozenset((Group.DEVICE, Group.STREAMING, Group.CONFIGURATION))


class Lacking:
    """What was refused, when and why; kept as JSON under `lacking`."""

    def __init__(self, clock: Clock, memory: dict[str, Any]) -> None:
        """Take up what was stored."""
        self.clock = clock
        self._kept: dict[str, list[str]] = memory.setdefault("lacking", {})

    def add(self, endpoint: Endpoint, system: str, reason: Reason) -> None:
        """Leave a call alone from now on."""
        now = self.clock.now().isoformat()
        self._kept[_name(endpoint, system)] = [now, reason]

    def drop(self, endpoint: Endpoint, system: str) -> None:
        """Take it that a call is answered again."""
        self._kept.pop(_name(endpoint, system), None)

    def why(self, endpoint: Endpoint, system: str) -> Reason | None:
        """Return why a call is left alone, None while it is not."""
        return self._reason(_name(endpoint, system))

    def lacks(self, groups: Iterable[Group]) -> bool:
        """Return whether the plan is known to be without one of these groups."""
        return any(self._reason(group) is Reason.NOT_IN_PLAN for group in groups)

    def _reason(self, name: str) -> Reason | None:
        if (kept := self._kept.get(name)) is None:
            return None
        since, reason = kept
        if self.clock.now() - datetime.fromisoformat(since) >= AGAIN_AFTER:
            return None
        return Reason(reason)


def _name(endpoint: Endpoint, system: str) -> str:
    # What may be looked at may not always be set.
    whole = endpoint.group in WHOLE and endpoint.method == "GET"
    return str(endpoint.group) if whole else f"{endpoint.path} {system}"
