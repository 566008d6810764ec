"""What a simulated day is judged by: the simulator's record, and the recorder's rows."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
import sqlite3
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.core import State

from tests.driver import House

HOUR = 3600.0
SILENT_AFTER = 900.0

# Lifetime counters of a plant; a plant without a battery or a meter has fewer.
ENERGIES = (
    "pv_energy",
    "inverter_energy",
    "grid_import_energy",
    "grid_export_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
    "load_energy",
)
STATISTICS = """
    SELECT start_ts, sum FROM statistics
    JOIN statistics_meta ON statistics_meta.id = metadata_id
    WHERE statistic_id = ? AND start_ts >= ? AND start_ts < ? ORDER BY start_ts
"""
STATES = """
    SELECT last_updated_ts, state FROM states
    JOIN states_meta ON states_meta.metadata_id = states.metadata_id
    WHERE states_meta.entity_id = ? ORDER BY last_updated_ts
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """The energy of a plant's counter over a span, as recorded and as it was.

    `step` is what it counts at most between two polls at either end.
    """

    key: str
    recorded: float
    truth: float
    hours: int
    step: float
    # What had flowed at the end, more than at the start, since the cloud's newest sample.
    unseen: float = 0.0

    @property
    def error(self) -> float:
        """Return how far the record is off, in kWh."""
        return abs(self.recorded - self.truth)


def rows(database: Path, query: str, *given: object) -> list[Any]:
    """Return what a database answers."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query, given).fetchall()


def energies(
    world: House, plant: Any, database: Path, start: float, end: float, gap: float = 0.0
) -> Iterator[Energy]:
    """Yield the energy of a plant's counters between two full hours.

    `gap` are the seconds between two polls of a rationed account.
    """
    before, after = plant.truth(start)[""], plant.truth(end)[""]
    earlier, late = plant.truth(start - gap)[""], plant.truth(end - gap)[""]
    first_told = plant.truth(plant.published(start))[""]
    told = plant.truth(plant.published(end))[""]
    for key in ENERGIES:
        if (entity := world.entity_id(plant.id, key)) is None or key not in after:
            continue
        found = dict(rows(database, STATISTICS, entity, start - HOUR, end))
        first, last = found.get(start - HOUR, 0.0), found.get(end - HOUR)
        yield Energy(
            key=key,
            recorded=-1.0 if last is None else last - first,
            truth=after[key] - before[key],
            hours=len(found) - 1,
            step=max(before[key] - earlier[key], after[key] - late[key]),
            unseen=abs((after[key] - told[key]) - (before[key] - first_told[key])),
        )


def falls(world: House, database: Path) -> Iterator[str]:
    """Yield where a counter fell: a lifetime one ever, today's but for midnight."""
    for plant in world.sim.plants.values():
        zone = ZoneInfo(plant.home.spec.zone)
        subjects = [row["id"] for row in plant.listed()] + [plant.id]
        subjects += [row["alias"] for row in plant.listed() if "alias" in row]
        for key, entity in world.entities(subjects):
            if "_energy" in key and not key.startswith("battery_remaining"):
                yield from _falls(database, entity, zone, daily=key.endswith("_today"))


def _falls(
    database: Path, entity: str, zone: ZoneInfo, *, daily: bool
) -> Iterator[str]:
    last: tuple[float, float] | None = None
    found = rows(database, STATES, entity)
    if not found:
        yield f"{entity} was never recorded"
    for at, state in found:
        try:
            value = float(state)
        except ValueError:
            continue
        midnight = daily and last and _day(last[0], zone) != _day(at, zone)
        if last and value < last[1] and not midnight:
            when = datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")
            yield f"{entity} fell from {last[1]} to {value} at {when}"
        last = (at, value)


def _day(at: float, zone: ZoneInfo) -> object:
    return datetime.fromtimestamp(at, zone).date()


@dataclass(slots=True)
class Ages:
    """How old power data was, and how old it had to be, over a simulated day."""

    world: House
    shown: dict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    away: list[tuple[float, float]] = field(default_factory=list)

    def listen(self) -> None:
        """Follow the time stamps that Home Assistant shows."""
        self.world.heard.append(self._heard)

    def _heard(self, state: State) -> None:
        if not state.entity_id.endswith("_data_timestamp"):
            return
        if state.state not in ("unknown", "unavailable"):
            at = datetime.fromisoformat(state.state).timestamp()
            self.shown[state.entity_id].append((self.world.now.timestamp(), at))

    def mean(self, plant: Any, start: float, end: float) -> tuple[float, float]:
        """Return the mean age (s) of what was shown, and the least there could be."""
        entity = self.world.entity_id(plant.id, "data_timestamp")
        changes = self.shown[entity or ""]
        times = [at for at, _ in changes]
        moments = (start, (start + end) / 2)
        if not any("data_timestamp" in plant.truth(at)[""] for at in moments):
            # Where the cloud does not tell it, what was told is as old as it was there.
            changes = [(at, plant.published(told)) for at, told in changes]
        ages, least = 0.0, 0.0
        at, count = start, 0
        while at < end:
            best = at - plant.published(at)
            index = bisect_right(times, at) - 1
            if not self._away(at) and best < SILENT_AFTER and index >= 0:
                ages += at - changes[index][1]
                least += best
                count += 1
            at += 5.0
        return ages / max(1, count), least / max(1, count)

    def _away(self, at: float) -> bool:
        return any(first <= at < last for first, last in self.away)


def calls(world: House, start: float, end: float) -> dict[str, int]:
    """Return the calls of each account between two instants."""
    found: dict[str, int] = defaultdict(int)
    for call in world.sim.calls:
        if start <= call.at < end:
            found[call.account] += 1
    return dict(found)


def refused(world: House) -> list[str]:
    """Return the calls that the clouds refused by their limits."""
    return [
        f"{datetime.fromtimestamp(call.at).astimezone().isoformat()} "
        f"{call.account} {call.endpoint} {call.code}"
        for call in world.sim.calls
        if call.refused
    ]


def told(
    plant: Any, start: datetime, end: datetime, fits: Callable[[Any], bool]
) -> timedelta:
    """Return for how long a battery was told what fits."""
    stretches: Iterable[tuple[float, float, Any]] = plant.home.told(
        start.timestamp(), end.timestamp()
    )
    return timedelta(
        seconds=sum(last - first for first, last, orders in stretches if fits(orders))
    )
