"""The export limit (`backflow_setting`): off, by meter or by CT, and % of the rated power."""

from collections.abc import Mapping
from typing import Any

from ..control import Absent, Control, Reason, Setting
from ..errors import Refused
from .items import BACKFLOW, EXPORT_ENABLED, EXPORT_LIMIT
from .settings import Look, Settings

OFF, METER = 0, 1


class Export:
    """Reads and writes the export limit of the machines of an account."""

    def __init__(self, settings: Settings, memory: dict[str, Any]) -> None:
        """Keep in `memory` by what each machine limited its export last."""
        self._settings = settings
        self._by: dict[str, int] = memory.setdefault("backflow", {})

    async def state(self, look: Look) -> tuple[int | None, float | None]:
        """Return by what the export is limited (0: not at all), and to which %."""
        by, rate = (
            await look.told("exportlimit"),
            await look.told("exportlimitpowerrate"),
        )
        if by is None:
            shown = await look.numbers(BACKFLOW)
            by = float(shown[0]) if shown else None
            rate = float(shown[1]) if len(shown) > 1 else rate
        if by:
            self._by[look.sn] = int(by)
        return None if by is None else int(by), rate

    async def read(self, look: Look, key: str) -> Control | Absent:
        """Return the limit in W, or whether it is on; absent where nothing measures it."""
        by, rate = await self.state(look)
        if look.machine.has_meter is False and not by:
            return Absent(reason=Reason.NO_METER)
        now, rated = self._settings.now(), look.machine.rated
        if by is not None and key == EXPORT_ENABLED:
            return Control(value=by != OFF, at=now)
        if by is None or rate is None or not rated:
            return Absent(reason=Reason.UNKNOWN)
        watts = round(rate * rated / 100, 1)
        return Control(value=watts, at=now, minimum=0, maximum=rated, step=rated / 100)

    async def write(self, look: Look, part: Mapping[str, Setting]) -> None:
        """Send the limit in W, or whether it is on; what is not named stays."""
        by, rate = await self.state(look)
        wanted_by, wanted_rate = by, rate
        if EXPORT_ENABLED in part:
            wanted_by = self.kind(look.sn) if part[EXPORT_ENABLED] else OFF
        if EXPORT_LIMIT in part:
            wanted_rate = rate_of(look, float(part[EXPORT_LIMIT]))
        if wanted_by is None or wanted_rate is None:
            raise Refused("the machine does not tell its export limit")
        if (wanted_by, wanted_rate) != (by, rate):
            await self.send(look.sn, wanted_by, wanted_rate)

    def kind(self, sn: str) -> int:
        """Return by what the export is limited when it is: as last, else by a meter."""
        return self._by.get(sn, METER)

    async def send(self, sn: str, by: int, rate: float) -> None:
        """Send both parts of the setting."""
        await self._settings.send(sn, BACKFLOW, str(by), f"{rate:g}")


def rate_of(look: Look, watts: float) -> float:
    """Return W as whole % of the rated power."""
    if not (rated := look.machine.rated):
        raise Refused("the machine's rated power is not known")
    return float(min(100, max(0, round(watts * 100 / rated))))
