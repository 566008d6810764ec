"""The energy of days and hours, from reports (5.1.4) and the meter's history (5.1.2.3)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ..clock import Clock
from ..errors import CloudError, DeviceGone, PermissionDenied, Refused, UnexpectedAnswer
from ..model import EnergyRow, Reading, Snapshot
from ..quantity import TODAY
from ..quota import Call, Purpose
from ..values import number, text
from . import endpoints as on, types as of
from .client import HuaweiClient
from .inventory import Inventory
from .limits import PER_CALL
from .listing import Listing
from .readings import items, read
from .samples import METERED, PARTIAL, Samples

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SAMPLE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
HISTORY_DEVICES = 10

# What a meter or a report does not tell at all; what it tells later is waited for.
LACKING = (Refused, DeviceGone, PermissionDenied, UnexpectedAnswer)

type Reports = dict[str, list[EnergyRow]]

# Data items of a plant's reports (5.1.4.1 to 5.1.4.4) in kWh; what an hour's does not have
# is absent there. `inverter_power`, by the document's own word, is inaccurate.
REPORT_ROWS: dict[str, str] = {
    "PVYield": "pv_energy",
    "inverterYield": "inverter_energy",
    "ongrid_power": "grid_export_energy",
    "buyPower": "grid_import_energy",
    "use_power": "load_energy",
    "chargeCap": "battery_charge_energy",
    "dischargeCap": "battery_discharge_energy",
}
# What no device and no real-time answer of every server tells, so that reports have to.
OF_TODAY = ("grid_import_energy", "grid_export_energy", "load_energy")
# What no hour's report has.
BY_THE_DAY = ("grid_import_energy", "load_energy")


class Totals:
    """Fetches the energies of today, and of the hours of any day."""

    def __init__(
        self,
        client: HuaweiClient,
        clock: Clock,
        inventory: Inventory,
        listing: Listing,
        samples: Samples,
    ) -> None:
        """Take the plants and their meters from the inventory, what they tell from `samples`."""
        self._samples = samples
        self._months: dict[str, dict[str, dict[datetime, Any]]] = {}
        self._told: tuple[tuple[str, ...], date, Reports] | None = None
        self._client = client
        self._clock = clock
        self._inventory = inventory
        self._listing = listing

    def calls(self) -> tuple[Call, ...]:
        """Return the calls of one poll."""
        batches = len(list(self._inventory.batches(self._listing.closed)))
        return tuple(Call(endpoint=on.PLANT_DAY.path) for _ in range(batches))

    async def poll(self) -> Snapshot:
        """Fetch today's energies of all plants ("Daily Plant Data")."""
        now = self._clock.now()
        readings: dict[str, dict[str, Reading]] = {}
        failure: CloudError | None = None
        for batch in self._inventory.batches(self._listing.closed):
            try:
                rows = await self._client.plant_report(on.PLANT_DAY, batch, now)
            except PARTIAL as err:
                failure = failure or err
                continue
            for row in rows:
                plant = text(row.get("stationCode"))
                begun = _instant(row)
                if plant and begun and begun <= now < begun + DAY:
                    readings[plant] = self._today(plant, begun, row, now)
        if failure and not readings:
            raise failure
        return Snapshot(at=now, readings=readings)

    def _today(
        self, plant: str, begun: datetime, row: Mapping[str, Any], now: datetime
    ) -> dict[str, Reading]:
        """Return the energies of a daily report's row that no meter counts."""
        data = items(row)
        today = {
            key: kwh
            for item, key in REPORT_ROWS.items()
            if key in OF_TODAY and (kwh := number(data.get(item))) is not None
        }
        lifetimes = {
            key: kwh for key, (kwh, _) in self._samples.lifetimes(plant).items()
        }
        self._samples.today.report(plant, begun, today, lifetimes)
        if lifetimes:
            # The meter counts, and what the house used follows from that.
            return {}
        return {
            f"{key}{TODAY}": Reading(value=kwh, at=now) for key, kwh in today.items()
        }

    async def energy(
        self, plants: Sequence[str], day: date, purpose: Purpose
    ) -> tuple[EnergyRow, ...]:
        """Return the energy of each hour of a day of plants ("Hourly Plant Data").

        What the grid gave is in no hourly report: it comes from the meters' samples.
        """
        # A report whose meters had to wait is not asked for again.
        if self._told is None or self._told[:2] != (tuple(plants), day):
            self._told = tuple(plants), day, await self._hourly(plants, day, purpose)
        reports = self._told[2]
        found: list[EnergyRow] = []
        for plant in plants:
            if rows := reports.get(plant):
                found += await self._with_meter(plant, rows, purpose)
        self._told = None
        return tuple(found)

    async def _hourly(
        self, plants: Sequence[str], day: date, purpose: Purpose
    ) -> Reports:
        """Return what the reports of a day tell of each plant."""
        zone = self._inventory.zones.get(plants[0], UTC)
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
        reports: Reports = {}
        for row in await self._client.plant_report(
            on.PLANT_HOUR, plants, noon, purpose
        ):
            plant = text(row.get("stationCode")) or ""
            reports.setdefault(plant, []).extend(_hour(plant, row))
        return reports

    async def _with_meter(
        self, plant: str, rows: Sequence[EnergyRow], purpose: Purpose
    ) -> list[EnergyRow]:
        """Return a day's rows of a plant, with what its meters counted, else the day's."""
        begun = min(row.start for row in rows)
        metered = await self._metered(plant, begun, purpose)
        if not metered:
            return [*rows, *await self._whole_day(plant, begun, purpose)]
        told = [row for row in rows if row.key not in METERED]
        return [*told, *metered, *_load(plant, told, metered)]

    async def _whole_day(
        self, plant: str, begun: datetime, purpose: Purpose
    ) -> list[EnergyRow]:
        """Return what only the report of a day that is over tells ("Daily Plant Data")."""
        if begun + DAY > self._clock.now():
            return []
        noon = begun + DAY / 2
        zone = self._inventory.zones.get(plant, UTC)
        month = noon.astimezone(zone).strftime("%Y-%m")
        if month not in self._months or begun not in self._months[month].get(plant, {}):
            batch = [name for name in self._inventory.chosen if name != plant]
            try:
                rows = await self._client.plant_report(
                    on.PLANT_DAY, [plant, *batch[: PER_CALL - 1]], noon, purpose
                )
            except LACKING:
                return []
            days = self._months.setdefault(month, {})
            for row in rows:
                if start := _instant(row):
                    days.setdefault(text(row.get("stationCode")) or "", {})[start] = row
        data = items(self._months[month].get(plant, {}).get(begun))
        return [
            EnergyRow(subject=plant, key=key, start=begun, kwh=kwh, span=DAY)
            for item, key in REPORT_ROWS.items()
            if key in BY_THE_DAY and (kwh := number(data.get(item))) is not None
        ]

    async def _metered(
        self, plant: str, begun: datetime, purpose: Purpose
    ) -> list[EnergyRow]:
        """Return what the meters of a plant counted in each hour of a day."""
        kind, meters = next(
            (
                (kind, found)
                for kind in (of.GRID_METER, of.POWER_SENSOR)
                if (found := self._inventory.of_type(kind, plant))
            ),
            (0, []),
        )
        if not meters or self._inventory.of_type(of.EMMA, plant):
            return []
        ids = [self._inventory.id_of(row.id) for row in meters[:HISTORY_DEVICES]]
        try:
            reply = await self._client.device_history(
                kind, ids, begun - SAMPLE, begun + DAY, purpose
            )
        except LACKING:
            return []
        samples: dict[str, list[tuple[datetime, Mapping[str, Any]]]] = {}
        for row in reply.data if isinstance(reply.data, list) else []:
            if (at := _instant(row)) and (data := items(row)):
                device = text(row.get("devId")) or ""
                samples.setdefault(device, []).append((at, read(kind, data)))
        sums: dict[tuple[str, datetime], float] = {}
        for rows in samples.values():
            for key in METERED:
                for start, kwh in _by_hour(rows, key, begun).items():
                    sums[key, start] = sums.get((key, start), 0.0) + kwh
        return [
            EnergyRow(subject=plant, key=key, start=start, kwh=round(kwh, 3))
            for (key, start), kwh in sorted(sums.items())
        ]


def _hour(plant: str, row: Mapping[str, Any]) -> list[EnergyRow]:
    """Return the energies of an hour of a plant."""
    if (start := _instant(row)) is None:
        return []
    return [
        EnergyRow(subject=plant, key=REPORT_ROWS[item], start=start, kwh=kwh)
        for item, sent in items(row).items()
        if item in REPORT_ROWS and (kwh := number(sent)) is not None
    ]


def _instant(row: Mapping[str, Any]) -> datetime | None:
    """Return when a row of a report begins."""
    told = number(row.get("collectTime"))
    return datetime.fromtimestamp(told / 1000, UTC) if told else None


def _by_hour(
    rows: Sequence[tuple[datetime, Mapping[str, Any]]], key: str, begun: datetime
) -> dict[datetime, float]:
    """Return by how much a counter grew in each hour of a day; a fall is no energy."""
    found: dict[datetime, float] = {}
    known: float | None = None
    for at, values in sorted(rows, key=lambda row: row[0]):
        if not isinstance(value := values.get(key), float):
            continue
        if known is not None and at > begun:
            # What was counted up to a sample belongs to the time before it.
            start = begun + (at - SECOND - begun) // HOUR * HOUR
            found[start] = found.get(start, 0.0) + max(0.0, value - known)
        known = value if known is None else max(known, value)
    return found


def _load(
    plant: str, told: Sequence[EnergyRow], metered: Sequence[EnergyRow]
) -> list[EnergyRow]:
    """Return what the house used in each hour, where meter and inverters tell it."""
    hours: dict[datetime, dict[str, float]] = {}
    for row in (*told, *metered):
        hours.setdefault(row.start, {})[row.key] = row.kwh
    return [
        EnergyRow(
            subject=plant,
            key="load_energy",
            start=start,
            kwh=max(
                0.0,
                round(
                    known["inverter_energy"]
                    + known["grid_import_energy"]
                    - known.get("grid_export_energy", 0.0),
                    3,
                ),
            ),
        )
        for start, known in sorted(hours.items())
        if known.keys() >= {"inverter_energy", "grid_import_energy"}
    ]
