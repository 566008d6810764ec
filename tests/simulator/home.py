"""A home that lives on: it integrates its flows lazily and remembers them.

Time goes in steps of at most a minute in which every power is constant, so the
truth at any instant is exact, whenever it is asked for.
"""

from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from heapq import heappop, heappush
from itertools import count, zip_longest
from math import floor
from typing import NamedTuple

from .physics import ENERGIES, Flows, HomeSpec, Orders, energies, flows, stored_after
from .weather import household, midnight, sunlight, utc_offset

STEP = 60.0
HOUR = 3600.0
KEPT = 10 * 86_400.0
WARM_UP = 2 * HOUR

type Controller = Callable[[float], Orders]
type Totals = tuple[float, ...]


class _Step(NamedTuple):
    """A stretch of constant powers, with the stores at its beginning (Wh)."""

    at: float
    flow: Flows
    stored: float
    totals: Totals
    orders: Orders


class State(NamedTuple):
    """A home at an instant: W, %, lifetime counters in kWh."""

    at: float
    flow: Flows
    soc: float
    totals: dict[str, float]
    orders: Orders


class _Past(NamedTuple):
    """Counters (Wh) and stored energy at each full hour since the plant began."""

    first_hour: int
    totals: tuple[Totals, ...]
    stored: tuple[float, ...]


def _offered(spec: HomeSpec, at: float) -> tuple[float, float]:
    """Return what the sun offers and what the house uses, in W."""
    sun = sunlight(spec.latitude, spec.longitude, spec.seed, at) * spec.peak
    load = household(spec.habits, spec.seed, at, utc_offset(spec.zone, at))
    return sun, load


def _plus(totals: Totals, flow: Flows, hours: float) -> Totals:
    """Return the counters after some hours of a flow."""
    return tuple(
        [
            total + power * hours
            for total, power in zip(totals, energies(flow), strict=True)
        ]
    )


@lru_cache(maxsize=64)
def _past(spec: HomeSpec, until_hour: int) -> _Past:
    """Live through the years before the simulation, an hour at a time."""
    began = midnight(spec.zone, until_hour * HOUR - spec.history_days * 86_400)
    first_hour = int(began // HOUR)
    orders = Orders(floor=spec.floor)
    stored = spec.usable * spec.first_soc / 100
    totals: Totals = (0.0,) * len(ENERGIES)
    all_totals, all_stored = [totals], [stored]
    for hour in range(first_hour, until_hour):
        sun, load = _offered(spec, hour * HOUR + HOUR / 2)
        flow = flows(spec, orders, sun, load, stored, 1.0)
        totals = _plus(totals, flow, 1.0)
        stored = stored_after(spec, stored, flow.battery, 1.0)
        all_totals.append(totals)
        all_stored.append(stored)
    return _Past(first_hour, tuple(all_totals), tuple(all_stored))


class Home:
    """One physical home."""

    def __init__(self, spec: HomeSpec, now: float, soc: float | None = None) -> None:
        """Begin at an instant, with the years before it already lived."""
        begin_hour = int((now - WARM_UP) // HOUR)
        past = _past(spec, begin_hour)
        self.spec = spec
        self.controller: Controller = lambda at: Orders(floor=spec.floor)
        # How far the clock that the orders follow is ahead, so that steps end with it.
        self.phase = 0.0
        self._first_hour = past.first_hour
        self._hour_totals = list(past.totals)
        self._hour_stored = list(past.stored)
        self._steps: list[_Step] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        stored = past.stored[-1] if soc is None else spec.usable * soc / 100
        self._open(begin_hour * HOUR, stored, past.totals[-1])
        self.advance(now)

    @property
    def created(self) -> float:
        """Return the Unix time at which the plant began."""
        return self._first_hour * HOUR

    @property
    def last(self) -> float:
        """Return the beginning of the step that is being lived."""
        return self._steps[-1].at

    def _open(self, at: float, stored: float, totals: Totals) -> None:
        """Begin a step."""
        minute = (floor((at + self.phase) / STEP) + 1) * STEP - self.phase
        self._end = min(minute, (floor(at / HOUR) + 1) * HOUR)
        orders = self.controller(at)
        sun, load = _offered(self.spec, at)
        hours = (self._end - at) / HOUR
        flow = flows(self.spec, orders, sun, load, stored, hours)
        self._steps.append(_Step(at, flow, stored, totals, orders))

    def _close(self, at: float) -> tuple[float, Totals]:
        """Return the stores in Wh at an instant of the open step."""
        step = self._steps[-1]
        hours = (at - step.at) / HOUR
        stored = stored_after(self.spec, step.stored, step.flow.battery, hours)
        return stored, _plus(step.totals, step.flow, hours)

    def _run(self, to: float) -> None:
        """Live through whole steps."""
        while self._end <= to:
            at = self._end
            stored, totals = self._close(at)
            if at % HOUR == 0:
                self._hour_totals.append(totals)
                self._hour_stored.append(stored)
            self._open(at, stored, totals)
        if self._steps[0].at < to - KEPT - 86_400:
            del self._steps[: bisect_right(self._steps, to - KEPT, key=lambda s: s.at)]

    def _interrupt(self, at: float) -> None:
        """Begin a new step at once, under new orders."""
        at = max(at, self.last)
        stored, totals = self._close(at)
        if at == self.last:
            self._steps.pop()
        self._open(at, stored, totals)

    def advance(self, to: float) -> None:
        """Live until an instant; the past is never lived twice."""
        while self._agenda and self._agenda[0][0] <= to:
            due, _, action = heappop(self._agenda)
            self._run(due)
            action()
            self._interrupt(due)
        self._run(to)

    def change(self, at: float, action: Callable[[], None]) -> None:
        """Carry out a command at an instant."""
        self.advance(at)
        action()
        self._interrupt(at)

    def later(self, due: float, action: Callable[[], None]) -> None:
        """Carry out a command at an instant that is still to come."""
        heappush(self._agenda, (due, next(self._order), action))

    def state(self, at: float) -> State:
        """Return the home at an instant, which may lie in any past since it began."""
        self.advance(at)
        if at < self._steps[0].at:
            return self._past_state(at)
        step = self._steps[bisect_right(self._steps, at, key=lambda s: s.at) - 1]
        hours = (at - step.at) / HOUR
        stored = stored_after(self.spec, step.stored, step.flow.battery, hours)
        totals = _plus(step.totals, step.flow, hours)
        return State(at, step.flow, self._soc(stored), _named(totals), step.orders)

    def told(self, start: float, end: float) -> list[tuple[float, float, Orders]]:
        """Return what the devices were told between two instants, without gaps."""
        self.advance(end)
        stretches: list[tuple[float, float, Orders]] = []
        for step, after in zip_longest(self._steps, self._steps[1:]):
            first, last = max(start, step.at), min(end, after.at if after else end)
            if first >= last:
                continue
            if stretches and stretches[-1][2] == step.orders:
                first = stretches.pop()[0]
            stretches.append((first, last, step.orders))
        return stretches

    def totals(self, at: float) -> dict[str, float]:
        """Return the lifetime counters in kWh at an instant."""
        return self.state(at).totals

    def _soc(self, stored: float) -> float:
        """Return a state of charge in %."""
        return 100 * stored / self.spec.usable if self.spec.packs else 0.0

    def _past_state(self, at: float) -> State:
        """Return the home at an instant of which only hourly sums are kept."""
        index = max(
            0, min(int(at // HOUR) - self._first_hour, len(self._hour_totals) - 2)
        )
        share = max(0.0, min(1.0, at / HOUR - self._first_hour - index))
        before, after = self._hour_totals[index], self._hour_totals[index + 1]
        rate = [b - a for a, b in zip(before, after, strict=True)]
        totals = tuple(a + r * share for a, r in zip(before, rate, strict=True))
        low, high = self._hour_stored[index], self._hour_stored[index + 1]
        pv, _, imported, exported, charged, discharged, load = rate
        grid = imported - exported
        flow = Flows(pv, load, discharged - charged, load - grid, grid)
        soc = self._soc(low + (high - low) * share)
        return State(at, flow, soc, _named(totals), Orders(floor=self.spec.floor))

    def midnight(self, at: float) -> float:
        """Return the Unix time of the plant's local midnight before an instant."""
        return midnight(self.spec.zone, at)

    def today(self, at: float) -> dict[str, float]:
        """Return each counter's growth in kWh since the plant's local midnight."""
        now, then = self.totals(at), self.totals(self.midnight(at))
        return {key: now[key] - then[key] for key in ENERGIES}

    def energy(self, start: float, end: float) -> dict[str, list[tuple[float, float]]]:
        """Return each counter's growth in kWh for every clock hour between two instants."""
        first, last = int(start // HOUR), int(-(-end // HOUR))
        edges = [max(start, min(end, hour * HOUR)) for hour in range(first, last + 1)]
        totals = [self.totals(edge) for edge in edges]
        return {
            key: [
                (edge, after[key] - before[key])
                for edge, before, after in zip(edges, totals, totals[1:], strict=False)
            ]
            for key in ENERGIES
        }


def _named(totals: Totals) -> dict[str, float]:
    """Return counters in kWh by name."""
    return {key: total / 1000 for key, total in zip(ENERGIES, totals, strict=True)}
