"""Steering FoxESS devices: many settings read and written, whatever each of them knows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta, tzinfo
from typing import Any

from ..clock import Clock
from ..control import Absent, Control, Reason, Setting
from ..errors import (
    Blocked,
    Busy,
    CloudError,
    CloudUnavailable,
    DeviceGone,
    NotSupported,
    PermissionDenied,
    Refused,
    UnexpectedAnswer,
)
from ..model import Controls
from ..quota import Purpose
from .client import FoxessClient
from .errnos import UNSUPPORTED_FUNCTION, QueryFailed
from .items import BATTERY_SOC, GUARDED, PEAK_SHAVING, SCHEDULE_ENABLED
from .scheduler import Scheduler
from .settings import Found, Settings
from .verdicts import Verdicts

FRESH = timedelta(minutes=10)
TURN_ON_AGAIN_AFTER = (2.0, 5.0, 15.0)
SOON_AGAIN = 3


class InverterControls:
    """Reads and writes the settings of the devices of an account."""

    def __init__(
        self,
        client: FoxessClient,
        scheduler: Scheduler,
        clock: Clock,
        memory: dict[str, Any],
        *,
        zone: Callable[[str], tzinfo],
    ) -> None:
        """Keep in `memory` what each device does not know, and what is to be undone."""
        self._verdicts = Verdicts(memory.setdefault("unsupported", {}))
        self._settings = Settings(
            client, clock, memory.setdefault("items", {}), self._verdicts, zone=zone
        )
        self._scheduler = scheduler
        self._clock = clock
        self._owed: dict[str, bool] = memory.setdefault("scheduler_owed", {})
        self._locks: dict[str, asyncio.Lock] = {}
        self._last: dict[str, Found] = {}
        self._carried: set[tuple[str, str]] = set()
        self._gaps: dict[str, int] = memory.setdefault("gaps", {})
        self.remember: Callable[[], Awaitable[None]] | None = None

    @property
    def meters(self) -> frozenset[str]:
        """Return the devices that are meters."""
        return self._settings.meters

    @meters.setter
    def meters(self, meters: frozenset[str]) -> None:
        self._settings.meters = meters

    def lock(self, sn: str) -> asyncio.Lock:
        """Return the lock under which a device is changed."""
        return self._locks.setdefault(sn, asyncio.Lock())

    def firmware(self, sn: str, version: str) -> None:
        """Ask again for what a device did not know, once its firmware is another."""
        if self._verdicts.firmware(sn, version):
            self._scheduler.forget(sn)

    def is_unknown(self, sn: str, key: str) -> bool:
        """Return whether a device has proved not to know a setting."""
        return self._verdicts.is_unknown(sn, key)

    async def clock_offset(self, sn: str) -> float:
        """Return by how many seconds a device's clock is ahead of the plant's time."""
        return await self._settings.clock_offset(sn)

    # --- read --------------------------------------------------------------------------

    def take_over(self, controls: Controls) -> None:
        """Take over what was read before a restart."""
        for sn, found in controls.items():
            self._last.setdefault(sn, {}).update(found)
            self._carried |= {(sn, key) for key in found}

    def found(self, sn: str) -> Found:
        """Return what a device has answered so far; it grows while it is read."""
        return self._last.setdefault(sn, {})

    def last(self, sn: str, key: str) -> Control | Absent | None:
        """Return what a device last answered for a setting."""
        return self._last.get(sn, {}).get(key)

    async def read(self, sn: str, keys: Collection[str]) -> Found:
        """Read settings afresh; what gives no answer now is left out.

        Raises when nothing gave an answer. Settings that the device does not know are
        Absent.
        """
        found: Found = {}
        failure: CloudError | None = None
        for key in keys:
            if key in found:
                continue
            try:
                found |= await self._read(sn, key, Purpose.COMMAND)
            except (Refused, Busy, UnexpectedAnswer) as err:
                failure = err
        self.found(sn).update(found)
        if failure and not found:
            raise failure
        return {key: found[key] for key in keys if key in found}

    async def poll(self, sn: str, keys: Collection[str]) -> Found:
        """Read settings; those that give no answer now stay as they were.

        Raises when the device gave nothing that can be understood.
        """
        answered = False
        failure: CloudError | None = None
        known = self.found(sn)
        for key in keys:
            if self._is_carried(sn, key) or self._is_read(sn, key):
                answered = True
                continue
            if self._verdicts.is_unknown(sn, key):
                known[key] = Absent(reason=Reason.UNSUPPORTED)
                continue
            try:
                known.update(await self._read(sn, key, Purpose.POLL))
            except PermissionDenied:
                known[key] = Absent(reason=Reason.NO_PERMISSION)
            except Refused, QueryFailed:
                known.setdefault(key, Absent(reason=Reason.UNKNOWN))
            except UnexpectedAnswer as err:
                failure = err
                continue
            except Busy, DeviceGone:
                break
            answered = True
        if failure and not answered:
            raise failure
        if failure:
            self._gaps[sn] = self._gaps.get(sn, 0) + 1
        else:
            self._gaps.pop(sn, None)
        unknown = Absent(reason=Reason.UNKNOWN)
        return {key: known.get(key, unknown) for key in keys}

    def _is_carried(self, sn: str, key: str) -> bool:
        """Return once whether a setting was read just before we were started."""
        if (sn, key) not in self._carried:
            return False
        self._carried.discard((sn, key))
        return self._is_fresh(sn, key)

    def _is_read(self, sn: str, key: str) -> bool:
        """Return whether a poll that is made early, for other settings, need not ask."""
        early = sn in self._gaps or sn in self._owed
        return early and self._is_fresh(sn, key)

    def _is_fresh(self, sn: str, key: str) -> bool:
        known = self.last(sn, key)
        return isinstance(known, Control) and self._clock.now() - known.at < FRESH

    async def _read(self, sn: str, key: str, purpose: Purpose) -> Found:
        unsupported: Found = {key: Absent(reason=Reason.UNSUPPORTED)}
        if self._verdicts.is_unknown(sn, key):
            return unsupported
        try:
            found = await self._ask(sn, key, purpose)
        except NotSupported:
            self._verdicts.refused(sn, key, certain=True)
            return unsupported
        except Refused, QueryFailed:
            self._verdicts.refused(sn, key, certain=False)
            raise
        self._verdicts.answered(sn, key)
        return found

    async def _ask(self, sn: str, key: str, purpose: Purpose) -> Found:
        if key != SCHEDULE_ENABLED:
            return await self._settings.read(sn, key, purpose)
        # Not while a write has turned it off for a moment.
        async with self.lock(sn):
            held = await self._scheduler.read(sn, purpose)
        return {key: Control(value=held.enabled, at=self._clock.now())}

    # --- write -------------------------------------------------------------------------

    async def write(
        self, sn: str, changes: Mapping[str, Setting]
    ) -> dict[str, CloudError]:
        """Send settings; returns those that were refused, by key."""
        refused: dict[str, CloudError] = {}
        rest = dict(changes)
        async with self.lock(sn):
            await self._settle(sn)
            if (enabled := rest.pop(SCHEDULE_ENABLED, None)) is not None:
                try:
                    await self._scheduler.switch(sn, bool(enabled))
                except Refused as err:
                    refused[SCHEDULE_ENABLED] = err
            free = {key: rest[key] for key in rest if key not in GUARDED}
            await self._send(sn, free, refused)
            await self._send_guarded(sn, rest, refused)
        return refused

    async def send_alone(self, sn: str, key: str, value: Setting) -> None:
        """Send one setting of a device whose lock the caller holds."""
        await self._settings.write(sn, {key: value})

    async def _send_guarded(
        self, sn: str, changes: Mapping[str, Setting], refused: dict[str, CloudError]
    ) -> None:
        """Send what is refused while the scheduler is on: off, write, on."""
        guarded = {key: changes[key] for key in changes if key in GUARDED}
        blocked = {
            key: changes[key]
            for key in changes
            if isinstance(refused.get(key), Blocked)
        }
        if not (guarded or blocked):
            return
        if not await self._scheduler_is_on(sn):
            await self._send(sn, guarded, refused)
        else:
            for key in blocked:
                del refused[key]
            async with self._scheduler_off(sn):
                await self._send(sn, guarded | blocked, refused)
        for key, err in refused.items():
            if isinstance(err, Blocked) and err.code == UNSUPPORTED_FUNCTION:
                self._verdicts.refused(sn, key, certain=True)

    async def _scheduler_is_on(self, sn: str) -> bool:
        """Ask the device: what was read an hour ago may no longer be so."""
        if sn in self.meters or self._verdicts.is_unknown(sn, SCHEDULE_ENABLED):
            return False
        try:
            return await self._scheduler.flag(sn, Purpose.COMMAND)
        except Refused, QueryFailed:
            return False

    @asynccontextmanager
    async def _scheduler_off(self, sn: str) -> AsyncIterator[None]:
        """Turn the scheduler off for a moment; a crash in between is made good later."""
        await self._owe(sn, True)
        try:
            await self._scheduler.switch(sn, False)
            yield
        finally:
            await self._turn_on(sn, TURN_ON_AGAIN_AFTER)

    async def _turn_on(self, sn: str, again_after: tuple[float, ...] = ()) -> None:
        """Turn the scheduler on again."""
        pauses = iter(again_after)
        while True:
            try:
                await self._scheduler.switch(sn, True)
                break
            except Busy, CloudUnavailable:
                if (pause := next(pauses, None)) is None:
                    raise
                await self._clock.sleep(pause)
        await self._owe(sn, False)

    async def _owe(self, sn: str, owed: bool) -> None:
        if owed:
            self._owed[sn] = True
        else:
            self._owed.pop(sn, None)
        if self.remember:
            await self.remember()

    @property
    def owes(self) -> bool:
        """Return whether a scheduler is still to be turned on again."""
        return bool(self._owed)

    @property
    def has_gaps(self) -> bool:
        """Return whether what was not understood is worth asking again soon."""
        return any(count <= SOON_AGAIN for count in self._gaps.values())

    async def settle(self, sn: str) -> None:
        """Turn the scheduler on again where a crash left it off."""
        if sn in self._owed:
            async with self.lock(sn):
                await self._settle(sn)

    async def _settle(self, sn: str) -> None:
        if sn in self._owed:
            await self._turn_on(sn)

    async def _send(
        self,
        sn: str,
        changes: Mapping[str, Setting],
        refused: dict[str, CloudError],
    ) -> None:
        for keys in _groups(changes):
            part = {key: changes[key] for key in keys}
            try:
                await self._settings.write(sn, part)
            except NotSupported as err:
                if len(keys) == 1 or keys[0] not in BATTERY_SOC:
                    refused |= dict.fromkeys(keys, err)
                    continue
                await self._send_singly(sn, part, refused)
            except Refused as err:
                refused |= dict.fromkeys(keys, err)

    async def _send_singly(
        self,
        sn: str,
        part: Mapping[str, Setting],
        refused: dict[str, CloudError],
    ) -> None:
        """Send what does not go together on a device after all."""
        for key, value in part.items():
            try:
                await self._settings.write(sn, {key: value})
            except Refused as err:
                refused[key] = err


def _groups(changes: Mapping[str, Setting]) -> list[tuple[str, ...]]:
    """Return the keys in the order they are sent; what goes together in one tuple."""
    together = [
        tuple(key for key in group if key in changes)
        for group in (BATTERY_SOC, PEAK_SHAVING)
    ]
    single = [
        (key,) for key in changes if key not in BATTERY_SOC and key not in PEAK_SHAVING
    ]
    return [*single, *(keys for keys in together if keys)]
