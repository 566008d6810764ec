"""The remote call for a forced charge or discharge (`vppRemoteSetNew`), which ends by itself.

MIN, SPH and SPA know it; whether an account may use it is found out when it first does.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from ..control import Evidence, Forced, Progress, Run
from ..errors import AnswerLost, DeviceGone, PermissionDenied, Refused
from . import endpoints as on
from .settings import Settings

FAMILIES = (on.MIN, on.SPH, on.SPA)
LONGEST = 1440
MINUTE = timedelta(minutes=1)
NOT_ALLOWED = (PermissionDenied, DeviceGone, Refused)
# "Set failed", which may also mean that the machine does not know the call.
SET_FAILED = "500"
FAILED_FOR_GOOD = 2


class Remote:
    """Starts and ends what the remote call forces."""

    def __init__(self, settings: Settings, memory: dict[str, Any]) -> None:
        """Keep in `memory` what was sent, and how often it failed."""
        self._settings = settings
        self._sent: dict[str, dict[str, Any]] = memory.setdefault("remote", {})
        self._failures: dict[str, int] = memory.setdefault("remote_failures", {})

    def may(self, sn: str) -> bool:
        """Return whether a machine may know the call, and the account may make it."""
        known = self._settings.machine(sn).family in FAMILIES
        return known and not self._settings.is_unknown(sn, on.VPP_SET.path)

    def runs(self, run: Run, sn: str) -> bool:
        """Return whether the service has accepted the call for a run."""
        sent = self._sent.get(sn)
        return sent is not None and sent["run"] == run.id and sent["sure"]

    async def start(self, run: Run, sn: str, percent: float | None) -> bool:
        """Make the call for the rest of a run; returns whether the account may."""
        if not self.may(sn):
            return False
        now = self._settings.now()
        minutes = min(LONGEST, max(1, ceil((run.end - now) / MINUTE)))
        power = round(100 if percent is None else percent)
        signed = power if run.kind is Forced.CHARGE else -power
        self._note(run, sn, now + minutes * MINUTE)
        try:
            await self._send(sn, minutes, signed)
        except AnswerLost as err:
            if not self._has_failed(sn, err):
                raise
        except NOT_ALLOWED:
            pass
        else:
            self._failures.pop(sn, None)
            self._sent[sn]["sure"] = True
            return True
        self._settings.refused(sn, on.VPP_SET.path)
        self._sent.pop(sn)
        return False

    def _has_failed(self, sn: str, err: AnswerLost) -> bool:
        """Count a failure; returns whether it is for good."""
        if err.code != SET_FAILED:
            return False
        self._failures[sn] = self._failures.get(sn, 0) + 1
        return self._failures[sn] >= FAILED_FOR_GOOD

    async def stop(self, run: Run, sn: str, end: datetime) -> None:
        """End what the call forces, unless it ends within a minute anyway.

        A call that may have been made unnoticed is ended as well. No time at all may mean
        for ever, so it ends with a minute in which nothing is forced.
        """
        sent = self._sent.get(sn)
        until = end + MINUTE
        if sent and sent["run"] == run.id:
            until = datetime.fromisoformat(sent["until"])
        now = self._settings.now()
        if until - now <= MINUTE or not self.may(sn):
            return
        try:
            await self._send(sn, 1, 0)
        except NOT_ALLOWED:
            if self.runs(run, sn):
                raise
            self._settings.refused(sn, on.VPP_SET.path)
            self._sent.pop(sn, None)
            return
        self._note(run, sn, self._settings.now() + MINUTE)

    def stopped(self, run: Run, sn: str) -> Progress:
        """Return whether the machine's own end has passed."""
        sent = self._sent.get(sn)
        if sent is None or sent["run"] != run.id:
            return Progress(done=True)
        until = datetime.fromisoformat(sent["until"])
        if self._settings.now() < until:
            return Progress(done=None, again_at=until)
        self._sent.pop(sn)
        return Progress(done=True, evidence=Evidence.TASK)

    def _note(self, run: Run, sn: str, until: datetime) -> None:
        self._sent[sn] = {"run": run.id, "until": until.isoformat(), "sure": False}

    async def _send(self, sn: str, minutes: int, percent: int) -> None:
        form = {"vppSn": sn, "time": str(minutes), "percentage": str(percent)}
        await self._settings.deliver(sn, on.VPP_SET, form)
