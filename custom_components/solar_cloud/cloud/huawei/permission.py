"""Whether an account may steer: asked without writing, by a task that is none."""

from typing import Any

from ..clock import Clock
from ..control import Reason
from ..errors import NotSupported, PermissionDenied, Refused
from ..quota import Purpose
from . import endpoints as on
from .client import HuaweiClient

# The id of a task that nobody gave; 16 characters, as the interface wants.
NOBODYS_TASK = "0" * 16
ASKED = (on.BATTERY_STATUS, on.POWER_STATUS)
AGAIN_AFTER = 24 * 3600.0
ACCOUNT_WIDE = ("401", "402")
NOT_THERE = "404"


class Permission:
    """What the account may steer; `memory` is stored."""

    def __init__(
        self,
        client: HuaweiClient,
        clock: Clock,
        memory: dict[str, Any],
        *,
        rationed: bool,
    ) -> None:
        """Go on with what was found before, by the same way in."""
        self._client = client
        self._clock = clock
        found: dict[str, Any] = memory.setdefault("permission", {})
        self._found = found.setdefault("consent" if rationed else "account", {})
        self._plants: dict[str, float] = memory.setdefault("no_permission", {})

    def missing(self, plant: str) -> Reason | None:
        """Return why a plant cannot be steered, None when it can be."""
        if not self._found:
            return Reason.UNKNOWN
        reason = self._found["reason"] and Reason(self._found["reason"])
        if reason is None and plant in self._plants:
            return Reason.NO_PERMISSION
        return reason

    @property
    def is_granted(self) -> bool:
        """Return whether the account may steer as a whole."""
        return bool(self._found) and self._found["reason"] is None

    @property
    def is_due(self) -> bool:
        """Return whether it is time to ask."""
        if not self._found:
            return True
        old = self._now - self._found["at"] >= AGAIN_AFTER
        return old and not self.is_granted

    @property
    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def find_out(self) -> None:
        """Ask about a task that nobody gave (20620: allowed; 401: not)."""
        if not self.is_due:
            return
        reason: Reason | None = Reason.UNSUPPORTED
        for endpoint in ASKED:
            try:
                await self._client.call(
                    endpoint, {"taskId": NOBODYS_TASK}, purpose=Purpose.POLL
                )
            except PermissionDenied:
                reason = Reason.NO_PERMISSION
            except NotSupported as err:
                if err.code == NOT_THERE:
                    continue
                reason = None
            except Refused:
                reason = None
            else:
                reason = None
            break
        self._keep(reason)

    def learn(self, plant: str, err: PermissionDenied) -> None:
        """Take over that a task was turned down: of the account's, or of a plant."""
        if err.code in ACCOUNT_WIDE:
            self._keep(Reason.NO_PERMISSION)
        else:
            self._plants[plant] = self._now

    def works(self, plant: str) -> None:
        """Take over that a task was taken on."""
        self._plants.pop(plant, None)

    def forgive(self) -> None:
        """Try plants again that were turned down a day ago."""
        for plant, at in list(self._plants.items()):
            if self._now - at >= AGAIN_AFTER:
                del self._plants[plant]

    def _keep(self, reason: Reason | None) -> None:
        self._found.update(reason=reason, at=self._now)
