"""A simulated plant: what its Solar-Log has sent, and what is true of it."""

from bisect import bisect_right
from datetime import date, datetime, timedelta
import re
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ..base import Truth, World
from ..home import Home
from ..weather import draw, elevation
from .channels import Channel
from .parts import Component, Part, Sample, Tracker

SLOT = 300
UPLOAD_EVERY = 900
LAG = (60.0, 60.0)
KEPT_SAMPLES = 4000
KEPT_DAYS = 40

# Our keys of what is worked out from two channels.
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """Return a channel's name in snake case."""
    return _CAPITAL.sub("_", name).lower()


class Slot(NamedTuple):
    """Five minutes of a day by the wall clock, which may not exist."""

    stamp: str
    at: float
    there: bool


class SolarPlant:
    """A plant with its components, in the epochs that its configuration went through."""

    def __init__(
        self,
        *,
        plant_id: str,
        datasource: str,
        name: str,
        home: Home,
        world: World,
        account: str,
        seed: int,
    ) -> None:
        """Begin without components."""
        self.id = plant_id
        self.datasource = datasource
        self.name = name
        self.home = home
        self.world = world
        self.account = account
        self.seed = seed
        self.part = Part(
            seed=seed, efficiency=home.spec.efficiency, peak=home.spec.peak
        )
        self.components: list[Component] = []
        # The instants at which epochs began.
        self.epochs: list[float] = [0.0]
        self.advanced = True
        self.step = 1
        self.phase = int(draw(seed, 3) * UPLOAD_EVERY)
        self.details: dict[str, Any] = {}
        self._zone = ZoneInfo(home.spec.zone)
        self._samples: dict[float, Sample] = {}
        self._slots: dict[date, list[Slot]] = {}
        self.told: dict[tuple[int, str, float], float] = {}

    # Time

    def local(self, at: float) -> datetime:
        """Return the plant's local time."""
        return datetime.fromtimestamp(at, self._zone)

    def midnight(self, day: date) -> float:
        """Return the Unix time at which a day begins."""
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp()

    @property
    def first_day(self) -> date:
        """Return the first day with values; the day before, the plant was set up."""
        first = self.local(self.home.created)
        return first.date() + timedelta(days=0 if first.hour == 0 else 1)

    def slots(self, day: date) -> list[Slot]:
        """Return the 288 slots of a day by the wall clock.

        The spring day has the hour that does not exist, at winter's offset; the autumn
        day has the repeated hour once, as it comes the second time.
        """
        if day in self._slots:
            return self._slots[day]
        start = datetime(day.year, day.month, day.day)
        found: list[Slot] = []
        for n in range(288):
            wall = start + timedelta(seconds=n * SLOT)
            first, second = (
                wall.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1)
            )
            before, after = first.utcoffset(), second.utcoffset()
            assert before is not None
            assert after is not None
            slot = first if before < after else second
            found.append(Slot(slot.isoformat(), slot.timestamp(), before >= after))
        if len(self._slots) > KEPT_DAYS:
            self._slots.clear()
        self._slots[day] = found
        return found

    # What it has sent

    def _lag(self, upload: int) -> float:
        """Return the seconds until the cloud shows an upload."""
        least, more = LAG
        return least + more * draw(self.seed + 5, upload)

    def _sent(self, upload: int) -> bool:
        """Say whether the logger had a connection at an upload."""
        at = float(upload * UPLOAD_EVERY + self.phase)
        return not any(
            fault.active(at) and fault.fits(self.account, fault.endpoint, self.id)
            for fault in self.world.faults.standing("logger_offline", "solarlog")
            if fault.device in (None, self.id)
        )

    def transferred(self, at: float) -> float:
        """Return the instant of the newest upload that the cloud shows."""
        upload = int((at - self.phase) // UPLOAD_EVERY)
        while not (
            upload * UPLOAD_EVERY + self.phase + self._lag(upload) <= at
            and self._sent(upload)
        ):
            upload -= 1
        return float(upload * UPLOAD_EVERY + self.phase)

    def published(self, at: float) -> float:
        """Return the newest slot that the cloud shows; an upload brings all before it."""
        slot = float(int(self.transferred(at) // SLOT) * SLOT)
        while self.local(slot).fold == 0 and self._comes_again(slot):
            slot -= SLOT
        return slot

    def _comes_again(self, at: float) -> bool:
        """Say whether the wall clock shows this time once more, an hour later."""
        return self.local(at).replace(fold=1).utcoffset() != self.local(at).utcoffset()

    def sample(self, at: float) -> Sample:
        """Return the home at an instant, with the energies since local midnight."""
        found = self._samples.get(at)
        if found is None:
            if len(self._samples) > KEPT_SAMPLES:
                self._samples.clear()
            state = self.home.state(at)
            start = self.home.totals(self.home.midnight(at))
            spec = self.home.spec
            found = Sample(
                at=at,
                flow=state.flow,
                soc=state.soc,
                today={key: item - start[key] for key, item in state.totals.items()},
                spec=spec,
                height=max(0.0, elevation(spec.latitude, spec.longitude, at)),
            )
            self._samples[at] = found
        return found

    def energies(self, start: float, end: float) -> dict[str, float]:
        """Return the energies in kWh between two instants."""
        first, last = self.home.totals(start), self.home.totals(end)
        return {key: item - first[key] for key, item in last.items()}

    # Epochs

    def epoch(self, at: float) -> int:
        """Return the number of the epoch at an instant."""
        return bisect_right(self.epochs, at) - 1

    def reconfigure(self, at: float) -> None:
        """Begin a new epoch: new ids for components and trackers."""
        self.epochs.append(at)

    def present(self, at: float) -> list[Component]:
        """Return the components of an epoch, without those that are gone."""
        epoch, board = self.epoch(at), self.world.faults
        now = self.world.clock.seconds()
        return [
            component
            for component in self.components
            if component.lives_in(epoch)
            and not any(
                fault.active(now) and fault.device == component.cross_id
                for fault in board.standing("device_gone", "solarlog")
            )
        ]

    def fault(self, at: float) -> Any:
        """Return the fault that the plant reports, if any."""
        return self.world.faults.find(
            "device_fault", at, "solarlog", self.account, self.id
        )

    # The truth

    def listed(self) -> list[dict[str, str]]:
        """Return id and kind of each device."""
        if not self.advanced:
            return []
        now = self.world.clock.seconds()
        return [
            {"id": row.cross_id, "kind": row.kind, "model": row.type}
            for row in self.present(now)
            if row.kind != "logger"
        ]

    def truth(self, at: float) -> Truth:
        """Return the true values per component, and of the plant under ""."""
        sample = self.sample(at)
        truth: Truth = {"": self._plant_truth(sample)}
        if not self.advanced:
            return truth
        for component in self.present(at):
            if component.kind == "logger":
                continue
            values = self._values(component, sample)
            for tracker in component.trackers:
                values |= self._values(tracker, sample)
            truth[component.cross_id] = values
        return truth

    def _plant_truth(self, sample: Sample) -> dict[str, Any]:
        """Return the true values of the plant."""
        values = self._values(self.part, sample, advanced=self.advanced)
        totals = self.home.totals(sample.at)
        made = totals["pv_energy"] * self.home.spec.efficiency
        values |= {
            "pv_energy": made,
            "load_energy": totals["load_energy"],
            "grid_export_energy": totals["grid_export_energy"],
            "grid_import_energy": totals["grid_import_energy"],
            "grid_import_energy_today": sample.today["grid_import_energy"],
        }
        if not self.home.spec.packs:
            values["grid_power"] = sample.flow.grid
        return values | {
            "plant_health": "faulty" if self.fault(sample.at) else "healthy",
            "problem": self.fault(sample.at) is not None,
            "online": sample.at - self.published(sample.at) < 2 * UPLOAD_EVERY + 600,
            "data_timestamp": self.local(self.published(sample.at)).isoformat(),
        }

    def _values(
        self, part: Part, sample: Sample, *, advanced: bool = True
    ) -> dict[str, Any]:
        """Return the true values of a part's channels in our keys and units."""
        return {
            _key(channel, part): self._true(channel, part, sample)
            for channel in part.channels.values()
            if advanced or not channel.advanced
        }

    def _true(self, channel: Channel, part: Part, sample: Sample) -> float:
        """Return a true value in our units: kWh for Wh, W for kW."""
        value = channel.value(part, sample)
        return value / 1000 if channel.unit.startswith("Wh") else value

    def energy(self, start: float, end: float) -> dict[str, list[tuple[float, float]]]:
        """Return each counter's growth in kWh for every clock hour; of sun, behind it."""
        found = self.home.energy(start, end)
        efficiency = self.home.spec.efficiency
        made = [(hour, kwh * efficiency) for hour, kwh in found["pv_energy"]]
        return {**found, "pv_energy": made}

    def schedule(self) -> dict[str, Any]:
        """Return the settings that can be steered: none."""
        return {}


def _key(channel: Channel, part: Part) -> str:
    """Return the key of a channel's value."""
    key = channel.key or snake(channel.name)
    return key.replace("{n}", str(part.index)) if isinstance(part, Tracker) else key
