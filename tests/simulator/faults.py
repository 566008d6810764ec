"""Faults that are switched on while the simulator runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

# What each kind does, and the arguments it takes. Kinds marked * are standing:
# they last until they are cleared or `seconds` have passed, whatever is asked.
KINDS: dict[str, str] = {
    "timeout": "accepts and never answers, until the client leaves or `seconds` (300)",
    "delay": "answers after `seconds` of real time",
    "drop_before": "closes the connection before anything is carried out",
    "drop_after": "carries out, then closes the connection: the lost answer",
    "status": "answers HTTP `status` with `body`; `retry_after` sets the header",
    "html": "answers a web page with HTTP 200, carries nothing out",
    "empty": "carries out, answers an empty body",
    "null_result": "carries out, answers a null result",
    "no_result": "carries out, answers without a result",
    "garbage": "carries out, answers something that is no JSON",
    "strings": "numbers as strings, some of them in scientific notation",
    "errno": "answers the vendor's error `errno` with `msg`, carries nothing out",
    "refused_token": "refuses the sign-in: `errno` (the vendor's own code)",
    "accepted_not_done": "says ok to a write and does not carry it out",
    "done_late": "says ok to a write and carries it out after `seconds`",
    "task_fails": "a task is accepted, and fails after `seconds` with `message`",
    "task_hangs": "a task is accepted, and goes on for ever without an effect",
    "task_refused": "a delivery turns down a plant or a device with `message`",
    "value": "replaces what `variable` says by `value`, or adds it",
    "missing": "leaves `variable` out",
    "dip_counters": "lifetime counters fall to `factor` (0) of themselves",
    "logger_offline": "* the data logger does not upload",
    "late_midnight": "* today's values stay yesterday's until `minutes` after midnight",
    "frozen": "* new time stamps, old values",
    "device_gone": "* a device is not in the account any more",
    "device_fault": "* a device reports the fault `code` with `message`",
    "vendor_correction": "* the vendor changes `variable` by `delta` for good, in reports at `hour`",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault; whatever is None fits everything."""

    id: int
    kind: str
    vendor: str
    since: float
    account: str | None = None
    endpoint: str | None = None
    device: str | None = None
    count: int | None = None
    skip: int = 0
    until: float | None = None
    args: dict[str, Any] = field(default_factory=dict)

    def active(self, at: float) -> bool:
        """Say whether the fault is on at an instant."""
        return self.since <= at and (self.until is None or at < self.until)

    def fits(
        self, account: str | None, endpoint: str | None, device: str | None
    ) -> bool:
        """Say whether the fault concerns an account, an endpoint and a device."""
        pairs = ((self.account, account), (self.device, device))
        if any(mine is not None and mine != theirs for mine, theirs in pairs):
            return False
        return self.endpoint is None or (
            endpoint is not None and fnmatchcase(endpoint, self.endpoint)
        )


class FaultBoard:
    """All faults, those of the past included."""

    def __init__(self) -> None:
        """Start without any."""
        self._faults: list[Fault] = []
        self._ids = count(1)

    def add(self, at: float, *, vendor: str, kind: str, **given: Any) -> Fault:
        """Switch a fault on; unknown arguments belong to the kind."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind of fault: {kind}")
        known = {
            key: given.pop(key)
            for key in ("account", "endpoint", "device", "count", "skip")
            if key in given
        }
        args = {**given.pop("args", {}), **given}
        until = None
        if KINDS[kind].startswith("*") and "seconds" in args:
            until = at + float(args["seconds"])
        fault = Fault(
            id=next(self._ids),
            kind=kind,
            vendor=vendor,
            since=at,
            until=until,
            args=args,
            **known,
        )
        self._faults.append(fault)
        return fault

    def clear(self, at: float, **which: Any) -> int:
        """Switch faults off: all, or those whose attributes are as given."""
        cleared = 0
        for fault in self._faults:
            if fault.active(at) and all(
                getattr(fault, k) == v for k, v in which.items()
            ):
                fault.until = at
                cleared += 1
        return cleared

    def standing(self, kind: str, vendor: str) -> Iterator[Fault]:
        """Yield the faults of a kind, those that are over included."""
        return (f for f in self._faults if f.kind == kind and f.vendor == vendor)

    def find(
        self,
        kind: str,
        at: float,
        vendor: str,
        account: str | None = None,
        device: str | None = None,
    ) -> Fault | None:
        """Return a fault that is on, without using it up."""
        for fault in self.standing(kind, vendor):
            if fault.active(at) and fault.fits(account, fault.endpoint, device):
                return fault
        return None

    def take(
        self,
        kind: str,
        at: float,
        vendor: str,
        account: str | None,
        endpoint: str,
        device: str | None = None,
    ) -> Fault | None:
        """Return a fault that concerns a request, and count it."""
        for fault in self.standing(kind, vendor):
            concerned = fault.device if device is None else device
            if not fault.active(at) or not fault.fits(account, endpoint, concerned):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    fault.until = at
            return fault
        return None
