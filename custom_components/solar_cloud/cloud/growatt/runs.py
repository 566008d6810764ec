"""Forced runs of Growatt's machines: the remote call where it may be used, else windows.

The remote call (`vppRemoteSetNew`) ends by itself. Windows repeat daily: a run's window ends
when the run ends, is taken out afterwards, and what the owner had is put back exactly.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..control import Forced, Progress, Run, RunRange
from ..daily import DAY, span
from ..errors import Busy, CloudError, NotSupported, Refused, UnexpectedAnswer
from . import endpoints as on
from .export import Export, rate_of
from .programmes import CHARGE, DISCHARGE, Programmes
from .remote import Remote
from .segments import PAIR, Held, Layout, Priority, Segment, during, restored, windows
from .settings import Look, Settings

PRIORITIES = {
    Forced.CHARGE: Priority.BATTERY,
    Forced.DISCHARGE: Priority.GRID,
    Forced.HOLD: Priority.BATTERY,
}
# A storage machine charges from the grid up to 10 to 80 %.
STORAGE_TARGETS = (10.0, 80.0)

# After which a part of a run that the machine does not show is sent again.
SOON = timedelta(minutes=1)

type Lock = Callable[[str], asyncio.Lock]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a machine holds during a part of a run, until the next part begins."""

    held: Held
    until: datetime

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {"held": self.held.as_dict(), "until": self.until.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What `prepare` found on a machine, and what it will hold during the run."""

    owner: Held
    parts: tuple[Part, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Before:
        """Return what JSON has carried."""
        return cls(
            owner=Held.from_dict(data["owner"]),
            parts=tuple(
                Part(
                    held=Held.from_dict(row["held"]),
                    until=datetime.fromisoformat(row["until"]),
                )
                for row in data["parts"]
            ),
        )

    def due(self, now: datetime) -> Part:
        """Return the part that it is time for."""
        return next((part for part in self.parts if now < part.until), self.parts[-1])

    def values(self, part: Part) -> dict[str, float]:
        """Return the values that a part changes."""
        known = self.owner.values
        return {k: v for k, v in part.held.values.items() if known.get(k) != v}

    def applied(self, part: Part, held: Held) -> Held:
        """Return what a machine has to hold for a part; the rest stays as it is."""
        slots = tuple(
            now if mine == run else run
            for mine, run, now in zip(
                self.owner.slots, part.held.slots, held.slots, strict=True
            )
        )
        return Held(slots=slots, values={**held.values, **self.values(part)})

    def freed(self, layout: Layout, held: Held) -> Held:
        """Return what a machine has to hold once the run is over."""
        slots, values = held.slots, dict(held.values)
        for part in self.parts:
            slots = restored(layout, self.owner.slots, part.held.slots, slots)
            values |= {name: self.owner.values[name] for name in self.values(part)}
        return Held(slots=slots, values=values)


class Runs:
    """Starts and ends forced runs on the machines of an account."""

    def __init__(
        self,
        settings: Settings,
        programmes: Programmes,
        export: Export,
        memory: dict[str, Any],
        *,
        lock: Lock,
    ) -> None:
        """Keep in `memory` what each machine can be forced to."""
        self._settings = settings
        self._programmes = programmes
        self._export = export
        self._remote = Remote(settings, memory)
        self._kinds: dict[str, list[str]] = memory.setdefault("forced_kinds", {})
        self._windows: dict[str, str] = memory.setdefault("run_windows", {})
        # What each machine holds, by the run that looked at it, and after which write.
        self._seen: dict[str, tuple[str, int | None, Held]] = {}
        self._lock = lock

    # --- what can be asked -------------------------------------------------------------

    async def learn(self, look: Look) -> None:
        """Learn what a machine can be forced to, from what it tells of its windows."""
        kinds: set[Forced] = set()
        if look.machine.has_battery:
            try:
                kinds |= _kinds(look, await self._programmes.read(look))
            except NotSupported:
                pass
            except Refused, Busy, UnexpectedAnswer:
                return
            if self._remote.may(look.sn):
                kinds |= {Forced.CHARGE, Forced.DISCHARGE}
        self._kinds[look.sn] = sorted(kinds)

    def range(self, sn: str) -> RunRange | None:
        """Return what a run may ask of a machine, None where it cannot be forced."""
        machine = self._settings.machine(sn)
        storage = machine.family is on.STORAGE
        # A storage machine takes a minute to tell its windows; all of them have these two.
        usual = ("charge", "discharge") if storage and machine.has_battery else ()
        if not (kinds := self._kinds.get(sn, usual)):
            return None
        low, high = STORAGE_TARGETS if storage else (0.0, 100.0)
        return RunRange(
            kinds=frozenset(map(Forced, kinds)),
            max_power=None if storage else machine.rated,
            min_soc=low,
            max_soc=high,
            powered=not storage,
        )

    def require_free(self, sn: str) -> None:
        """Raise Refused while a machine's windows are those of a run."""
        until = self._windows.get(sn)
        if until and self._settings.now() < datetime.fromisoformat(until):
            raise Refused("a forced run is under way; stop it first")

    # --- before ------------------------------------------------------------------------

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Read what the run will change, and decide what will be sent, per machine."""
        return {sn: await self._prepare(run, sn) for sn in run.devices}

    async def _prepare(self, run: Run, sn: str) -> dict[str, Any]:
        look = self._settings.look(sn)
        if run.kind is Forced.LIMIT_EXPORT:
            by, rate = await self._export.state(look)
            if by is None or rate is None:
                raise Refused("the machine does not tell its export limit")
            wanted = rate_of(look, run.share or 0.0)
            return {"by": by, "rate": rate, "limit": wanted}
        percent = _percent(look, run)
        remote = run.kind is not Forced.HOLD and self._remote.may(sn)
        found = {"remote": remote, "percent": percent, "end": run.end.isoformat()}
        try:
            async with self._lock(sn):
                owner = await self._programmes.read(look)
        except NotSupported:
            if not remote:
                raise
            return found | {"owner": None}
        offset = await self._settings.clock_offset(sn, look.purpose) or 0.0
        self._see(run, sn, owner)
        parts = self._parts(run, look, owner, offset)
        return found | {
            "owner": owner.as_dict(),
            "parts": [part.as_dict() for part in parts],
        }

    def _parts(self, run: Run, look: Look, owner: Held, offset: float) -> list[Part]:
        """Return what the machine holds during the run.

        Where it has one window only, a run over midnight has two parts.
        """
        start, end = span(run.start, run.end, look.machine.zone, offset)
        priority = PRIORITIES[run.kind]
        segments = [
            Segment(priority=priority, start=first, end=last, on=True)
            for first, last in windows(start, end)
        ]
        values = {**owner.values, **_values(run, look, owner)}
        layout = self._layout(look.sn)
        groups = [[row] for row in segments] if layout is PAIR else [segments]
        local = run.start.astimezone(look.machine.zone)
        seconds = (local.hour * 60 + local.minute) * 60 + local.second + offset
        midnight = run.start + timedelta(seconds=DAY * 60 - seconds % (DAY * 60))
        return [
            Part(
                held=Held(slots=during(layout, owner.slots, group), values=values),
                until=run.end if group is groups[-1] else midnight,
            )
            for group in groups
        ]

    def _layout(self, sn: str) -> Layout:
        return self._programmes.layout(sn) or ()

    # --- start -------------------------------------------------------------------------

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Send the run, or the part of it that is due."""
        for sn in run.devices:
            async with self._lock(sn):
                await self._start(run, sn, before[sn])

    async def _start(self, run: Run, sn: str, data: Mapping[str, Any]) -> None:
        if run.kind is Forced.LIMIT_EXPORT:
            by = data["by"] or self._export.kind(sn)
            await self._export.send(sn, by, data["limit"])
            return
        if data["remote"] and await self._remote.start(run, sn, data["percent"]):
            return
        if data["owner"] is None:
            raise Refused("the machine cannot be forced by this account")
        before, look = Before.from_dict(data), self._settings.look(sn)
        seen = self._seen.pop(sn, None)
        if seen and seen[:2] == (run.id, self._settings.writes.get(sn)):
            # Looked at just now; or only the window moves on, at midnight, without a gap.
            held = seen[2]
        else:
            held = await self._programmes.read(look)
        wanted = before.applied(before.due(self._settings.now()), held)
        self._windows[sn] = run.end.isoformat()
        await self._programmes.write(look, held, wanted)
        self._see(run, sn, wanted)

    def _see(self, run: Run, sn: str, held: Held) -> None:
        """Remember what a machine holds until somebody writes to it."""
        self._seen[sn] = (run.id, self._settings.writes.get(sn), held)

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether every machine holds the run."""
        return _together([await self._holds(run, sn, before[sn]) for sn in run.devices])

    async def _holds(self, run: Run, sn: str, data: Mapping[str, Any]) -> Progress:
        look = self._settings.look(sn)
        if run.kind is Forced.LIMIT_EXPORT:
            by, rate = await self._export.state(look)
            return Progress(done=bool(by) and rate == data["limit"])
        if self._remote.runs(run, sn):
            return Progress(done=None)
        if data["owner"] is None:
            return Progress(done=False)
        before, held = Before.from_dict(data), await self._programmes.read(look)
        self._see(run, sn, held)
        for place, part in enumerate(before.parts):
            if _same(held, before.applied(part, held)):
                if place == len(before.parts) - 1:
                    return Progress(done=True)
                later = self._settings.now() + SOON
                due = part.until > later - SOON
                return Progress(done=True, send_at=part.until if due else later)
        return Progress(done=False)

    # --- stop --------------------------------------------------------------------------

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take the run out; what somebody has changed meanwhile is kept.

        A machine that cannot be reached does not keep the others from being freed.
        """
        failure: CloudError | None = None
        for sn in run.devices:
            try:
                async with self._lock(sn):
                    await self._stop(run, sn, before[sn])
            except CloudError as err:
                failure = failure or err
        if failure:
            raise failure

    async def _stop(self, run: Run, sn: str, data: Mapping[str, Any]) -> None:
        look = self._settings.look(sn)
        if run.kind is Forced.LIMIT_EXPORT:
            if await self._export.state(look) != (data["by"], data["rate"]):
                await self._export.send(sn, data["by"], data["rate"])
            return
        if data["remote"]:
            await self._remote.stop(run, sn, datetime.fromisoformat(data["end"]))
        self._seen.pop(sn, None)
        if data["owner"] is not None:
            held = await self._programmes.read(look)
            freed = Before.from_dict(data).freed(self._layout(sn), held)
            await self._programmes.write(look, held, freed)

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether everything is as it was before the run."""
        return _together(
            [await self._is_free(run, sn, before[sn]) for sn in run.devices]
        )

    async def _is_free(self, run: Run, sn: str, data: Mapping[str, Any]) -> Progress:
        look = self._settings.look(sn)
        if run.kind is Forced.LIMIT_EXPORT:
            state = await self._export.state(look)
            return Progress(done=state == (data["by"], data["rate"]))
        if data["owner"] is not None:
            held = await self._programmes.read(look)
            if not _same(held, Before.from_dict(data).freed(self._layout(sn), held)):
                return Progress(done=False)
        self._windows.pop(sn, None)
        return self._remote.stopped(run, sn)


def _kinds(look: Look, held: Held) -> set[Forced]:
    """Return what the windows of a machine can force."""
    family = look.machine.family
    if family is on.STORAGE:
        return {Forced.CHARGE, Forced.DISCHARGE}
    charge, discharge = (("mains",), ()) if family is on.MIN else (CHARGE, DISCHARGE)
    kinds: set[Forced] = set()
    if held.values.keys() >= set(charge):
        kinds |= {Forced.CHARGE, Forced.HOLD}
    if held.values.keys() >= set(discharge):
        kinds.add(Forced.DISCHARGE)
    return kinds


def _percent(look: Look, run: Run) -> float | None:
    """Return the power of a run in % of what the machine is rated for."""
    if run.share is None or run.kind is Forced.HOLD:
        return None
    if look.machine.family is on.STORAGE:
        raise Refused("a storage machine has no setting for the power")
    if run.share <= 0:
        raise Refused("the power must be above 0")
    return max(1.0, rate_of(look, run.share))


def _values(run: Run, look: Look, owner: Held) -> dict[str, float]:
    """Return the values that the run needs; what it does not need stays the owner's."""
    found: dict[str, float] = {}
    percent, target = _percent(look, run), run.target_soc
    if run.kind is Forced.DISCHARGE:
        if percent is not None:
            found["discharge_power"] = percent
        stop = "reserve" if "reserve" in owner.values else "discharge_stop"
        if target is not None and stop in owner.values:
            floors = (owner.values[stop], owner.values.get("load_stop", 0.0))
            found[stop] = max(float(round(target)), *floors)
        return found
    if look.machine.family is not on.STORAGE:
        found["mains"] = float(run.kind is Forced.CHARGE)
    if run.kind is Forced.CHARGE:
        if percent is not None:
            found["charge_power"] = percent
        if target is not None and "charge_stop" in owner.values:
            low, high = STORAGE_TARGETS
            limits = (low, high) if look.machine.family is on.STORAGE else (0.0, 100.0)
            found["charge_stop"] = min(max(float(round(target)), limits[0]), limits[1])
    return found


def _same(held: Held, wanted: Held) -> bool:
    return held.slots == wanted.slots and dict(held.values) == dict(wanted.values)


def _together(rows: Iterable[Progress]) -> Progress:
    """Return how far several machines have come together."""
    found = list(rows)
    for done in (False, None):
        if part := [row for row in found if row.done is done]:
            times = [row.again_at for row in part if row.again_at]
            return replace(part[0], again_at=max(times, default=None))
    times = [row.send_at for row in found if row.send_at]
    return replace(found[0], send_at=min(times, default=None))
