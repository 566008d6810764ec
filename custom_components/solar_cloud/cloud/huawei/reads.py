"""Settings read from servers that are newer than the document, and when it is time to."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from ..clock import Clock
from ..errors import PermissionDenied, Refused
from ..quota import Call, Purpose
from . import endpoints as on
from .client import HuaweiClient
from .endpoints import Endpoint
from .items import mode_told, power_told
from .known import Known
from .tasks import Kind
from .windows import from_wire

READS: dict[Kind, Endpoint] = {Kind.MODE: on.MODE_READ, Kind.POWER: on.POWER_READ}

EVERY = 3 * 3600.0
# Seconds that a plant's settings take of what the account may ask, so that all have a turn.
EACH, EACH_RATIONED = 300.0, 7200.0
# How long a server that does not know an interface is not asked again.
NOT_OFFERED_FOR = 7 * 24 * 3600.0
# And one that does not allow it for a plant.
NOT_ALLOWED_FOR = 24 * 3600.0


class Reads:
    """Asks for the settings of plants; `memory` is stored."""

    def __init__(
        self,
        client: HuaweiClient,
        clock: Clock,
        known: Known,
        memory: dict[str, Any],
        *,
        rationed: bool,
    ) -> None:
        """Go on with what each plant's server was found to offer."""
        self._client = client
        self._clock = clock
        self._known = known
        self._each = EACH_RATIONED if rationed else EACH
        self._asked: dict[str, dict[str, list[Any]]] = memory.setdefault("reads", {})

    @property
    def _now(self) -> float:
        return self._clock.now().timestamp()

    def is_offered(self, plant: str, kind: Kind) -> bool:
        """Return whether the settings of a kind can be asked for, as far as is known."""
        if kind not in READS:
            return False
        at, offered = self._asked.get(plant, {}).get(kind, (0.0, True))
        return bool(offered) or self._now - at >= NOT_OFFERED_FOR

    def next(self, plants: Collection[str]) -> dict[tuple[str, Kind], float]:
        """Return when (s since 1970) each plant's settings are to be asked for next."""
        every = max(EVERY, self._each * len(plants))
        found: dict[tuple[str, Kind], float] = {}
        for plant in plants:
            for kind in READS:
                at, offered = self._asked.get(plant, {}).get(kind, (0.0, True))
                found[plant, kind] = at + (every if offered else NOT_OFFERED_FOR)
        return found

    def calls(self) -> tuple[Call, ...]:
        """Return the calls that reading a plant makes."""
        return tuple(Call(endpoint=row.path) for row in READS.values())

    async def read(self, plant: str, kind: Kind, purpose: Purpose) -> bool:
        """Ask for the settings of a kind; returns whether the server told them.

        Raises what keeps it from answering now.
        """
        if not self.is_offered(plant, kind):
            return False
        try:
            reply = await self._client.call(
                READS[kind], {"plantCode": plant}, purpose=purpose, subject=plant
            )
        except PermissionDenied:
            self._note(plant, kind, offered=False, again_after=NOT_ALLOWED_FOR)
            return False
        except Refused:
            self._note(plant, kind, offered=False)
            return False
        if not isinstance(reply.data, Mapping):
            self._note(plant, kind, offered=False)
            return False
        self._take(plant, kind, reply.data)
        self._note(plant, kind, offered=True)
        return True

    def _note(
        self,
        plant: str,
        kind: Kind,
        *,
        offered: bool,
        again_after: float = NOT_OFFERED_FOR,
    ) -> None:
        at = self._now - (NOT_OFFERED_FOR - again_after)
        self._asked.setdefault(plant, {})[kind] = [at, offered]

    def _take(self, plant: str, kind: Kind, data: Mapping[str, Any]) -> None:
        at = datetime.fromtimestamp(self._now, UTC)
        if kind is Kind.POWER:
            self._known.tell(plant, power_told(data), at)
            return
        self._known.tell(plant, mode_told(data), at)
        detail = data.get("touOperationModeParamDetail")
        if isinstance(detail, Mapping):
            windows = from_wire(detail.get("chargingAndDischargingTimeWindow"))
            if windows:
                self._known.keep_windows(plant, windows)
