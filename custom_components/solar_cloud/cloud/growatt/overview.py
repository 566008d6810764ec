"""What a plant says of itself: for plants whose inverters we cannot read, all there is."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clock import Clock
from ..model import Reading, Snapshot, Value
from ..quota import Call, Purpose
from ..values import number
from . import endpoints as on
from .client import GrowattClient
from .inventory import Inventory
from .stamps import Stamps, naive
from .tolerant import Gathering, mapping

WATTS_PER_KW = 1000.0
KG_PER_TON = 1000.0
# kg a kWh: far above any grid's when tons were meant, far below when kg were.
LEAST_KG = 0.02
NEW = timedelta(minutes=10)
UTC_ZONE = {"timezone_id": "UTC"}
STEP = timedelta(minutes=5)


class Overview:
    """Fetches the overview of each plant (4.2.5), and its power of the day (4.2.7)."""

    def __init__(
        self,
        client: GrowattClient,
        clock: Clock,
        memory: dict[str, Any],
        inventory: Inventory,
    ) -> None:
        """Keep in `memory` by which clock each plant's stamps are written."""
        self._client = client
        self._clock = clock
        self._inventory = inventory
        self._stamps = Stamps(memory)

    def calls(self) -> tuple[Call, ...]:
        """Return the calls of one poll, for planning."""
        return tuple(
            self._client.planned(on.PLANT_DATA, {"plant_id": plant})
            for plant in self._inventory.plants
        )

    async def poll(self, previous: Mapping[str, Mapping[str, Reading]]) -> Snapshot:
        """Fetch the overviews; what did not come stays as it was."""
        readings = dict(previous)
        gathering = Gathering()
        for plant in self._inventory.plants:
            if (found := await gathering.add(self._plant(plant))) is not None:
                readings[plant] = found
        gathering.require()
        return Snapshot(at=self._clock.now(), readings=readings)

    async def _plant(self, plant: str) -> dict[str, Reading]:
        data = mapping(await self._client.ask(on.PLANT_DATA, {"plant_id": plant}))
        now = self._clock.now()
        at = self._stamps.instant(
            plant,
            data.get("last_update_time"),
            self._inventory.zone(plant),
            now,
            fresh=True,
        )
        values: dict[str, Value] = {}
        if (saved := _carbon(data)) is not None:
            values["co2_saved"] = saved
        if not self._inventory.inverters(plant):
            values |= _production(data)
            if (power := await self._newest_power(plant)) is not None:
                values["pv_power"] = power
        return {
            key: Reading(value=value, at=at or now) for key, value in values.items()
        }

    async def _newest_power(self, plant: str) -> float | None:
        """Return W: the overview may tell 0 while the plant produces."""
        now = self._clock.now()
        found = await self.powers(plant, now, Purpose.POLL)
        newest = max(found, default=None)
        if newest is None or now - newest > NEW:
            return None
        return found[newest]

    async def powers(
        self, plant: str, day: datetime, purpose: Purpose
    ) -> dict[datetime, float]:
        """Return the W of a day of UTC, which is asked for and is the default, too."""
        params = {"plant_id": plant, "date": day.astimezone(UTC).date().isoformat()}
        if purpose is Purpose.POLL:
            data = await self._client.ask(on.PLANT_POWER, params | UTC_ZONE)
        else:
            data = await self._client.call(on.PLANT_POWER, params | UTC_ZONE, purpose)
        rows = mapping(data).get("powers")
        found: dict[datetime, float] = {}
        for row in rows if isinstance(rows, list) else ():
            told = mapping(row)
            written, power = naive(told.get("time")), number(told.get("power"))
            if written is not None and power is not None:
                found[written.replace(tzinfo=UTC)] = max(0.0, round(power, 1))
        return found


def _production(data: Mapping[str, Any]) -> dict[str, Value]:
    """Return kWh and W: the power is sent in kW here, and in W in the list of plants."""
    values: dict[str, Value] = {}
    for key, name in (
        ("pv_energy", "total_energy"),
        ("pv_energy_today", "today_energy"),
    ):
        if (kwh := number(data.get(name))) is not None:
            values[key] = max(0.0, kwh)
    if (power := number(data.get("current_power"))) is not None:
        values["pv_power"] = max(0.0, round(power * WATTS_PER_KW, 1))
    return values


def _carbon(data: Mapping[str, Any]) -> float | None:
    """Return kg; the document says tons, its examples are kg."""
    saved, made = number(data.get("carbon_offset")), number(data.get("total_energy"))
    if saved is None or not made:
        return saved
    return round(saved if saved / made > LEAST_KG else saved * KG_PER_TON, 3)
