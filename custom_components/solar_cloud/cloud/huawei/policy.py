"""Which of the two policies of flow control an API account has (4.2, or 6.2: the old one).

The document's default is the new one, and no answer tells. An account shows the old one by
turning a call away that the new one allows, once as many calls as the old one allows were
made within a minute.
"""

from collections import deque
from typing import Any

from . import endpoints as on

OLD = "old"
MINUTE = 60.0

# Calls a minute by the old policy; of all other interfaces ten.
BY_MINUTE = {on.PLANT_REAL.path: 30, on.DEVICE_HISTORY.path: 1}
OF_OTHERS = 10


class Policy:
    """Finds out from refusals which policy is in force, and keeps that in `memory`."""

    def __init__(self, memory: dict[str, Any]) -> None:
        """Believe in the new policy, until the account has shown the old one."""
        self._memory = memory
        self._made: dict[str, deque[float]] = {}

    @property
    def is_old(self) -> bool:
        """Return whether the account has shown the old policy."""
        return bool(self._memory.get("policy") == OLD)

    def made(self, path: str, at: float) -> None:
        """Note a call that was answered."""
        limit = BY_MINUTE.get(path, OF_OTHERS)
        self._made.setdefault(path, deque(maxlen=limit)).append(at)

    def refused(self, path: str, at: float) -> bool:
        """Learn from a refusal; returns whether another policy is in force than we thought.

        By the old policy no refusal should come before its calls of a minute are made.
        """
        made = self._made.get(path, deque())
        spent = len(made) == BY_MINUTE.get(path, OF_OTHERS) and at - made[0] < MINUTE
        if spent is self.is_old:
            return False
        if self.is_old:
            del self._memory["policy"]
        else:
            self._memory["policy"] = OLD
        return True
