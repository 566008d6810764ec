"""A month of each vendor's plant: its past is imported, and nothing of it goes missing.

Home Assistant is away for five hours and the cloud for nine, the import is killed half way,
the clocks change, the vendor corrects what it told; another integration counts beside.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, override
from zoneinfo import ZoneInfo

from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_add_external_statistics
from homeassistant.util.unit_conversion import EnergyConverter

from . import judges
from .scene import Happening, Scene

from tests.driver import House

ZONE = "Europe/Berlin"
LONGEST = 1800.0

# What another integration counts: a kWh each hour at half past, and what it had imported.
NEIGHBOUR = "sensor.neighbour_energy"
FOREIGN = "neighbour:past"
HALF_PAST = timedelta(minutes=30)
HOUR = timedelta(hours=1)

# The first statistics are there after the first full hour.
FIRST_STATISTICS = timedelta(minutes=75)
# The night in which the last days are read again; its hours are compiled.
NIGHT = timedelta(hours=5, minutes=20)

# Only what counts is recorded, and not every five seconds.
RECORDER = {
    "commit_interval": 60,
    "include": {"entity_globs": ["sensor.*_energy"]},
}
ROWS = """
    SELECT start_ts, state, sum FROM statistics
    JOIN statistics_meta ON statistics_meta.id = metadata_id
    WHERE statistic_id = ? ORDER BY start_ts
"""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return an instant of the month by the clocks of the home."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


class Month(Scene):
    """A month over the spring's change of the clocks, and three weeks before it."""

    zone = ZONE
    begin = at(8, 20, 2)
    first = at(9, 0)
    last = at(31, 0) + timedelta(days=8)
    # How long it goes on, until what is judged has been told.
    night: ClassVar[timedelta] = NIGHT
    recorder: ClassVar[dict[str, Any]] = RECORDER
    # Days of the past that the vendor knows when the account is added.
    history: ClassVar[int] = 21
    # Effects that the import has before it is killed.
    killed_after: ClassVar[int] = 12
    # An hour's share of its energy, and the vendor's resolution in it (kWh).
    share = 0.01
    step = 0.01
    # What is made of several numbers, each of which is told in steps.
    steps: ClassVar[Mapping[str, float]] = {}
    # The same of the month.
    month_share: ClassVar[float] = 0.001
    month_step: ClassVar[float] = 0.1
    # Whether hours can be held against the home's, or only whole days.
    hourly: ClassVar[bool] = True

    def __init__(self, world: House) -> None:
        """Begin with an empty house."""
        super().__init__(world)
        # What the vendor has added to an hour, by plant, key and the hour's beginning.
        self.added: dict[tuple[str, str, float], float] = {}
        self.counted = 0

    @override
    @classmethod
    def house(cls, folder: Path) -> House:
        """Return the home, with its past."""
        return House(
            start=cls.begin,
            zone=cls.zone,
            folder=folder,
            recorder=cls.recorder,
            vendors=(cls.vendor,),
            history_days=cls.history,
        )

    def correct(self) -> None:
        """Have the vendor correct something it told of a day or two ago."""

    @override
    def happenings(self) -> tuple[Happening, ...]:
        """Return the outages, restarts, and the vendor's corrections."""
        return (
            (at(11, 9, 40), self._away),
            (at(14, 0, 2), self.restart),
            (at(17, 8, 20), self.cloud_down),
            (at(17, 17, 20), self.cloud_up),
            (at(20, 13, 59), self.kill),
            (at(24, 12), self._correct),
            (at(29, 1, 30), self.restart),
        )

    async def _away(self) -> None:
        """Have Home Assistant switched off for five hours."""
        await self.world.stop()
        await self._pass(self.world.now + timedelta(hours=5))
        await self.world.start()

    async def _correct(self) -> None:
        self.correct()

    @override
    async def live(self) -> None:
        """Live through the month, and the night in which its last days are read again."""
        for account in self.accounts:
            await self.world.setup(account)
        self._foreign()
        await self._pass(self.world.now + FIRST_STATISTICS)
        await self._import()
        for moment, happen in self.happenings():
            await self._pass(moment)
            await happen()
        await self._pass(self.last + self.night)

    async def _pass(self, until: datetime) -> None:
        """Let time pass, while another integration counts."""
        while (now := self.world.now) < until:
            half = now.replace(minute=0, second=0, microsecond=0) + HALF_PAST
            half += HOUR if half <= now else timedelta()
            await self.world.run(until=min(half, until))
            if half <= until:
                self._count()

    async def _import(self) -> None:
        """Import the past; Home Assistant is killed half way."""
        for plant, history in self._histories():
            await self.world.do(history.async_import([plant.id]))
        with self.world.killing_after(self.killed_after) as process:
            await self.world.run(hours=12, stop=lambda: process.dead)
        if not process.dead:
            self.fail("the import was over before it was killed")
            return
        await self.world.kill()
        await self.world.run(minutes=3)
        await self.world.start()

    def _histories(self) -> Iterator[tuple[Any, Any]]:
        for name in self.accounts:
            for plant in self.world.sim.account(name).plants:
                yield plant, self.world.account(name).history

    # --- what others count ------------------------------------------------------------

    def _foreign(self) -> None:
        """Have another integration import a past of its own."""
        async_add_external_statistics(
            self.world.hass,
            StatisticMetaData(
                mean_type=StatisticMeanType.NONE,
                has_sum=True,
                name="Neighbour",
                source=FOREIGN.partition(":")[0],
                statistic_id=FOREIGN,
                unit_class=EnergyConverter.UNIT_CLASS,
                unit_of_measurement="kWh",
            ),
            [
                StatisticData(start=start, state=float(n), sum=float(n))
                for n, start in enumerate(self._hours_before())
            ],
        )

    def _hours_before(self) -> Iterator[datetime]:
        start = self.begin.replace(minute=0, second=0, microsecond=0)
        return (start - HOUR * n for n in range(24 * 30, 0, -1))

    def _count(self) -> None:
        """Have another integration count, where Home Assistant runs."""
        self.counted += 1
        if self.world.running:
            self.world.hass.states.async_set(
                NEIGHBOUR,
                str(self.counted),
                {
                    "device_class": "energy",
                    "state_class": "total_increasing",
                    "unit_of_measurement": "kWh",
                },
            )

    # --- the judges ---------------------------------------------------------------------

    @override
    def judge(self) -> list[str]:
        """Return the figures of the hours and of the month; what is wrong is taken down."""
        self.failures += judges.refused(self.world)
        self._judge_others()
        lines = ["energy, kWh:              recorded     truth    off  hours   worst"]
        for plant, history in self._histories():
            if (progress := history.progress(plant.id)) != 100:
                self.fail(f"{plant.name}: {progress} % of the past is imported")
            for key in judges.ENERGIES:
                if entity := self.world.entity_id(plant.id, key):
                    lines += self._judge(plant, key, entity)
        return [*lines, *self._counts()]

    def _rows(self, statistic: str) -> list[tuple[float, float, float]]:
        database = self.world.place.database
        assert database
        return judges.rows(database, ROWS, statistic)

    def told(self, entity: str) -> dict[float, float]:
        """Return what the Energy dashboard shows of each hour (kWh)."""
        return dict(_changes(self._rows(entity)))

    def _judge(self, plant: Any, key: str, entity: str) -> Iterator[str]:
        """Hold each hour, or each day, and the month of a counter against the home's."""
        told = self.told(entity)
        since = max(plant.home.created, min(told, default=0.0))
        spans = list(self._spans(since))
        if key not in self.counters(plant, spans[0][0]):
            return
        wrong, worst = [], 0.0
        for start, end in spans:
            hours = [hour * 1.0 for hour in range(int(start), int(end), 3600)]
            missing = [hour for hour in hours if hour not in told]
            found = sum(told.get(hour, 0.0) for hour in hours)
            kwh = self._truth(plant, key, start, end)
            off = abs(found - kwh)
            worst = max(worst, off)
            step = self.steps.get(key, self.step)
            if missing or off > max(self.share * kwh, step) + 1e-6:
                lacks = f" lacks {len(missing)} h" if missing else ""
                wrong.append(f"{_moment(start)} {found:.3f}/{kwh:.3f}{lacks}")
        if wrong:
            self.fail(f"{plant.name} {key}: {len(wrong)} wrong: {', '.join(wrong[:8])}")
        negative = [
            f"{_moment(hour)} {kwh:.3f}" for hour, kwh in told.items() if kwh < -1e-6
        ]
        if negative:
            self.fail(f"{plant.name} {key}: below zero: {', '.join(negative[:8])}")
        start, end = self.first.timestamp(), self.last.timestamp()
        month = sum(kwh for hour, kwh in told.items() if start <= hour < end)
        truth = self._truth(plant, key, start, end)
        figures = f"{month:9.2f} {truth:9.2f} {abs(month - truth):6.3f}"
        if abs(month - truth) > max(self.month_share * truth, self.month_step):
            self.fail(f"{plant.name} {key}: the month is {figures}")
        yield f"  {plant.name:12} {key:25} {figures} {len(spans):6} {worst:7.3f}"

    def _spans(self, since: float) -> Iterator[tuple[float, float]]:
        """Yield the hours, or the days, from the plant's first whole one on."""
        step = HOUR if self.hourly else timedelta(days=1)
        zone = ZoneInfo(self.zone)
        begin = self.first.astimezone(zone) - timedelta(days=self.history)
        edges = []
        moment = begin
        while moment.astimezone(UTC) <= self.last:
            edges.append(moment.astimezone(UTC).timestamp())
            moment = (
                (moment.astimezone(UTC) + step).astimezone(zone)
                if self.hourly
                else moment + step
            )
        return ((a, b) for a, b in pairwise(edges) if a >= since)

    def counters(self, plant: Any, at: float) -> Mapping[str, Any]:
        """Return what a plant had counted at an instant (kWh), told or not."""
        found: Mapping[str, Any] = plant.truth(at)[""]
        return found

    def _truth(self, plant: Any, key: str, start: float, end: float) -> float:
        """Return what flowed in a span, with what the vendor has added to it."""
        kwh = self.counters(plant, end)[key] - self.counters(plant, start)[key]
        return float(kwh) + sum(
            delta
            for (subject, name, hour), delta in self.added.items()
            if (subject, name) == (plant.id, key) and start <= hour < end
        )

    def _judge_others(self) -> None:
        """Check that what other integrations counted is what it was."""
        past = self._rows(FOREIGN)
        wanted = [
            (start.timestamp(), float(n), float(n))
            for n, start in enumerate(self._hours_before())
        ]
        if past != wanted:
            self.fail("another integration's imported past has changed")
        found = self._rows(NEIGHBOUR)
        steps = {
            round(after[1] - before[1] - (after[2] - before[2]), 6)
            for before, after in pairwise(found)
        }
        if not found or steps != {0.0} or found[-1][1] != self.counted - self._open():
            self.fail(f"another integration counted {found[-1:]} {steps}")

    def _open(self) -> int:
        """Return how often was counted in the hour that is not over."""
        return int(self.world.now.minute >= HALF_PAST.seconds // 60)


def _changes(rows: list[tuple[float, float, float]]) -> Iterator[tuple[float, float]]:
    """Yield each hour's energy, as the Energy dashboard shows it."""
    before = 0.0
    for start, _, total in rows:
        yield start, total - before
        before = total


def _moment(stamp: float) -> str:
    return f"{datetime.fromtimestamp(stamp, ZoneInfo(ZONE)):%d %b %H:%M}"
