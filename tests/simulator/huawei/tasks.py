"""Tasks: delivered, running for a while, done or failed; what each does to a plant."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor
from typing import TYPE_CHECKING, Any

from ..base import Command, Exchange
from ..faults import Fault
from ..names import Names
from .plant import Device, HuaweiPlant, Run

if TYPE_CHECKING:
    from .accounts import HuaweiAccount
    from .server import Server

CHARGE, MODE, LIMITS, POWER = "charge", "mode", "limits", "power"
RUNNING, SUCCESS, FAIL = "RUNNING", "SUCCESS", "FAIL"
UPDATED_EVERY = 180.0
LONGEST = 86_400.0
SWITCHED = (6.0, 28.0)
CHANGED = "The charge and discharge information of the battery has changed."
TIMED_OUT = "TIMEOUT"


@dataclass(slots=True, kw_only=True)
class Part:
    """What a task does to one plant, or to one inverter of it."""

    plant: HuaweiPlant
    device: Device | None = None
    status: str = RUNNING
    message: str | None = None
    echo: dict[str, Any] = field(default_factory=dict)
    ident: str = ""
    switch: int = 0
    power: float = 0.0
    target: float | None = None
    seconds: float | None = None
    began: float | None = None
    before: dict[str, float] = field(default_factory=dict)
    moved: float | None = None
    ended: float | None = None

    def end(self, at: float, status: str, message: str | None = None) -> None:
        """End, once."""
        if self.ended is None:
            self.ended, self.status, self.message = at, status, message


@dataclass(slots=True, kw_only=True)
class Task:
    """A task that was accepted."""

    id: str
    kind: str
    account: str
    received: float
    parts: list[Part]

    @property
    def ended(self) -> float | None:
        """Return when the last part ended."""
        ends = [part.ended for part in self.parts]
        return None if None in ends else max(e for e in ends if e is not None)

    def updated(self, now: float) -> float:
        """Return the instant whose state a query shows: all are brought up to date seldom."""
        if self.kind != CHARGE:
            return now
        return max(self.received, floor(now / UPDATED_EVERY) * UPDATED_EVERY)


class Tasks:
    """All tasks of the cloud."""

    def __init__(self, server: Server) -> None:
        """Begin without any."""
        self._server = server
        self._names = Names(server.world.seed, "huawei/tasks")
        self.tasks: dict[str, Task] = {}

    def draw(self) -> str:
        """Draw an id of sixteen digits."""
        return self._names.serial("1###############")

    def find(self, account: str, ident: Any, kind: str) -> Task | None:
        """Return a task of an account."""
        task = self.tasks.get(str(ident))
        fits = task and task.account == account and task.kind == kind
        return task if fits else None

    def running(
        self,
        plant: HuaweiPlant,
        kind: str,
        device: Device | None = None,
        switch: int | None = None,
    ) -> bool:
        """Say whether a task of a kind still runs on a plant, or on an inverter."""
        return any(
            part.plant is plant
            and part.ended is None
            and (device is None or part.device is device)
            and (switch is None or part.switch == switch)
            for task in self.tasks.values()
            if task.kind == kind
            for part in task.parts
        )

    # Settings

    def deliver(
        self,
        exchange: Exchange,
        kind: str,
        parts: list[Part],
        apply: Callable[[Part, float], None],
    ) -> Task:
        """Accept a task that changes settings; it is carried out after a while."""
        task = self._accepted(exchange, kind, parts)
        account: HuaweiAccount = exchange.account
        low, high = account.task_seconds
        for part in parts:
            if part.ended is not None:
                continue
            seconds = low + (high - low) * self._names.number(0, 1000) / 1000
            fault = self._fault(exchange, part)
            if fault is not None and fault.kind == "task_hangs":
                continue
            if fault is not None:
                seconds = float(fault.args.get("seconds", seconds))
            due = exchange.at + seconds
            action = self._setter(part, fault, apply, due)
            part.plant.home.later(due, action)
        return task

    def _accepted(self, exchange: Exchange, kind: str, parts: list[Part]) -> Task:
        """Keep a task."""
        task = Task(
            id=self.draw(),
            kind=kind,
            account=exchange.account.name,
            received=exchange.at,
            parts=parts,
        )
        self.tasks[task.id] = task
        return task

    def _setter(
        self,
        part: Part,
        fault: Fault | None,
        apply: Callable[[Part, float], None],
        due: float,
    ) -> Callable[[], None]:
        """Return what happens when a settings task comes to its end."""

        def end() -> None:
            if fault is not None and fault.kind == "task_fails":
                part.end(due, FAIL, str(fault.args.get("message", "FAILURE")))
            elif not part.plant.reachable(due):
                part.end(due, FAIL, TIMED_OUT)
            else:
                if fault is None or fault.kind != "accepted_not_done":
                    apply(part, due)
                    part.plant.changed()
                part.end(due, SUCCESS)

        return end

    def _fault(self, exchange: Exchange, part: Part) -> Fault | None:
        """Return the fault that concerns a part of a task."""
        subjects = [part.plant.id, part.device.sn if part.device else None]
        for kind in ("task_fails", "task_hangs", "accepted_not_done", "done_late"):
            for subject in subjects:
                fault = subject and self._server.take(kind, exchange.call, subject)
                if fault:
                    return fault
        return None

    def record(self, part: Part, at: float, what: str, value: Any) -> None:
        """Record what a plant carried out."""
        self._server.world.commands.append(
            Command(
                at=at,
                vendor=self._server.name,
                account=part.plant.account,
                plant=part.plant.id,
                device=part.device.subject if part.device else part.plant.id,
                what=what,
                value=value,
            )
        )

    # Charging and discharging

    def dispatch(self, exchange: Exchange, parts: list[Part]) -> Task:
        """Accept a task that charges, discharges, or stops either."""
        task = self._accepted(exchange, CHARGE, parts)
        low, high = SWITCHED
        delay = low + (high - low) * self._names.number(0, 1000) / 1000
        for part in parts:
            if part.ended is not None:
                continue
            fault = self._fault(exchange, part)
            kind = fault.kind if fault else None
            home = part.plant.home
            if kind in ("task_hangs", "accepted_not_done"):
                due = exchange.at + LONGEST
                home.later(due, self._ender(part, due, FAIL, TIMED_OUT))
                continue
            start = exchange.at + delay
            if fault and kind == "done_late":
                start = exchange.at + float(fault.args.get("seconds", 60))
            if fault and kind == "task_fails":
                due = exchange.at + float(fault.args.get("seconds", 30))
                words = str(fault.args.get("message", "FAILURE"))
                home.later(due, self._ender(part, due, FAIL, words))
                if due <= start:
                    continue
            home.later(start, self._beginner(part, start))
        return task

    def _beginner(self, part: Part, at: float) -> Callable[[], None]:
        """Return what happens when an inverter takes a task up."""

        def begin() -> None:
            plant, device = part.plant, part.device
            if part.ended is not None or device is None:
                return
            if not plant.reachable(at):
                part.end(at, FAIL, TIMED_OUT)
                return
            self._leave(plant, device, at, but=part)
            part.began, part.before = at, dict(plant.state(at).totals)
            if part.switch == 0:
                self.record(part, at, "stop forced", None)
                part.end(at, SUCCESS)
            else:
                plant.runs[device.subject] = Run(power=part.power, target=part.target)
                words = "forced charge" if part.switch == 1 else "forced discharge"
                self.record(part, at, words, {"power": part.power, **part.echo})
                self._plan_end(part, at)
            plant.changed()

        return begin

    def _leave(self, plant: HuaweiPlant, device: Device, at: float, but: Part) -> None:
        """End what runs on an inverter, because something else begins."""
        for task in self.tasks.values():
            for part in task.parts:
                mine = part.plant is plant and part.device is device
                if mine and part is not but and part.began and part.ended is None:
                    self._finish(part, at, SUCCESS, CHANGED)

    def _plan_end(self, part: Part, at: float) -> None:
        """See to it that a run ends by itself: with its time, or at its target."""
        home = part.plant.home
        if part.seconds is not None:
            due = at + part.seconds
            home.later(due, self._ender(part, due, SUCCESS))
        else:
            home.later(at + LONGEST, self._ender(part, at + LONGEST, FAIL, TIMED_OUT))
            home.later(at + 60, self._watcher(part, at + 60))

    def _watcher(self, part: Part, at: float) -> Callable[[], None]:
        """Return what looks whether the target is reached."""

        def look() -> None:
            if part.ended is not None or part.target is None:
                return
            soc = part.plant.home.state(at).soc
            up = part.switch == 1
            if soc >= part.target - 0.05 if up else soc <= part.target + 0.05:
                self._finish(part, at, SUCCESS)
                part.plant.changed()
            else:
                part.plant.home.later(at + 60, self._watcher(part, at + 60))

        return look

    def _ender(
        self, part: Part, at: float, status: str, message: str | None = None
    ) -> Callable[[], None]:
        """Return what happens when a run is over."""

        def end() -> None:
            self._finish(part, at, status, message)
            part.plant.changed()

        return end

    def _finish(
        self, part: Part, at: float, status: str, message: str | None = None
    ) -> None:
        """End a run, and count what it moved."""
        if part.ended is not None:
            return
        part.end(at, status, message)
        plant, device = part.plant, part.device
        if device is None or part.began is None:
            return
        part.moved = self.moved(part, at)
        plant.runs.pop(device.subject, None)
        self.record(part, at, "forced end", {"status": status, "message": message})

    def moved(self, part: Part, at: float) -> float:
        """Return the energy in kWh that a run has moved until an instant."""
        if part.began is None or part.device is None:
            return 0.0
        way = "charge" if part.switch == 1 else "discharge"
        key = f"battery_{way}_energy"
        whole = part.plant.state(at).totals[key] - part.before[key]
        return whole * part.device.share
