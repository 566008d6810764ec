"""Leases: forced charge, forced discharge, hold and a temporary export limit.

Every lease has an end. It is stored before it is sent; it is ended when its time is up,
or adopted while it still runs, when Home Assistant starts; and what was there before is
put back.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from homeassistant.core import HassJob, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_point_in_utc_time

from .cloud.control import Control, Evidence, Forced, Outcome, Run, RunRange, State
from .cloud.errors import AnswerLost, CloudError, QuotaExceeded, understood
from .cloud.lease import FORCED_STATES, STATES, Lease, Phase
from .cloud.model import Device, DeviceKind
from .const import DOMAIN, LOGGER

if TYPE_CHECKING:
    from .account import Account

STOP = "stop_forced"
LEFT = "lease_left"
EXPORT_LIMIT = "export_limit"

RETRY = timedelta(minutes=1)
PROOF_WITHIN = timedelta(minutes=20)
OVERDUE_AFTER = timedelta(minutes=5)
UNKNOWN_MAX_POWER = 30000.0


class Leases:
    """The leases of an account: at most one forced run, and one export limit, a plant."""

    def __init__(self, account: Account) -> None:
        """Take over the leases that were stored."""
        self._account = account
        self._leases = {
            lease.run.id: lease
            for lease in map(Lease.from_dict, account.store.kept.leases)
        }
        self._locks: dict[str, asyncio.Lock] = {}

    # --- what is shown --------------------------------------------------------------

    @property
    def held(self) -> list[Lease]:
        """Return all leases."""
        return list(self._leases.values())

    def of(self, plant: str) -> Lease | None:
        """Return the forced run of a plant."""
        return next(
            (
                lease
                for lease in self._leases.values()
                if lease.run.plant == plant
                and lease.run.kind is not Forced.LIMIT_EXPORT
            ),
            None,
        )

    def state(self, plant: str) -> str:
        """Return what the plant's batteries are forced to do."""
        lease = self.of(plant)
        return STATES[lease.run.kind] if lease else FORCED_STATES[0]

    def attributes(self, plant: str) -> dict[str, Any]:
        """Return what belongs to the forced state."""
        if (lease := self.of(plant)) is None:
            return {}
        return {
            "power": lease.run.power,
            "target_soc": lease.run.target_soc,
            "ends_at": lease.run.end.isoformat(),
            "evidence": lease.evidence,
        }

    def devices(self, plant: str, kind: Forced) -> tuple[str, ...]:
        """Return the devices of a plant that can carry out a run."""
        account = self._account
        return tuple(
            device.id
            for device in account.house.data.of_plant(plant)
            if self._can(device, kind)
        )

    def _can(self, device: Device, kind: Forced) -> bool:
        if kind is Forced.LIMIT_EXPORT:
            found = self._account.control(device.id, EXPORT_LIMIT)
            return isinstance(found, Control)
        if device.kind is not DeviceKind.INVERTER:
            return False
        found_range = self._account.moment.run_range(device)
        return found_range is not None and kind in found_range.kinds

    def range(self, plant: str, kind: Forced) -> RunRange:
        """Return what the devices of a plant take together; power in W."""
        account = self._account
        found = [
            account.moment.run_range(account.house.data.devices[device])
            for device in self.devices(plant, kind)
        ]
        ranges = [row for row in found if row is not None]
        powers = [row.max_power for row in ranges if row.max_power]
        return RunRange(
            kinds=frozenset((kind,)),
            max_power=sum(powers) if powers else None,
            min_soc=max((row.min_soc for row in ranges), default=0.0),
            max_soc=min((row.max_soc for row in ranges), default=100.0),
        )

    def max_power(self, plant: str) -> float:
        """Return the most power, in W, that a forced run of a plant takes."""
        return self.range(plant, Forced.CHARGE).max_power or UNKNOWN_MAX_POWER

    def scheduled(self, plant: str) -> tuple[str, ...]:
        """Return the devices of a plant that hold a schedule."""
        account = self._account
        return tuple(
            device.id
            for device in account.house.data.of_plant(plant)
            if device.kind is DeviceKind.INVERTER and device.has_battery
        )

    # --- start ----------------------------------------------------------------------

    async def async_start(
        self,
        kind: Forced,
        plant: str,
        *,
        minutes: float,
        power: float | None = None,
        target_soc: float | None = None,
    ) -> Outcome:
        """Start a run; raises nothing: the outcome tells."""
        async with self._lock(plant):
            return await self._async_start(kind, plant, minutes, power, target_soc)

    def _lock(self, plant: str) -> asyncio.Lock:
        """Return the lock under which the leases of a plant are changed."""
        return self._locks.setdefault(plant, asyncio.Lock())

    async def _async_start(
        self,
        kind: Forced,
        plant: str,
        minutes: float,
        power: float | None,
        target_soc: float | None,
    ) -> Outcome:
        now = self._account.clock.now()
        run = Run(
            id=uuid4().hex,
            plant=plant,
            kind=kind,
            start=now,
            end=now + timedelta(minutes=minutes),
            devices=self.devices(plant, kind),
            power=power,
            target_soc=target_soc,
        )
        lease = Lease(run=run, before={})
        try:
            for device in run.devices:
                self._account.count_write(device)
            await self._async_replace(lease)
            with understood():
                lease.before = await self._account.vendor.prepare(run)
            self._leases[run.id] = lease
            await self._async_save()
            await self._async_send(lease)
        except CloudError as err:
            await self._async_undo(lease)
            return self._report(lease, State.REFUSED, err=err)
        return self._report(lease, lease.outcome, lease.evidence)

    async def _async_replace(self, new: Lease) -> None:
        """End what the new lease takes the place of."""
        limit = Forced.LIMIT_EXPORT
        for lease in list(self._leases.values()):
            same_kind = (lease.run.kind is limit) == (new.run.kind is limit)
            if lease.run.plant == new.run.plant and same_kind:
                self._report(lease, State.SUPERSEDED)
                await self._async_end(lease)
                if lease.run.id in self._leases:
                    raise CloudError("the run before this one could not be ended")

    async def _async_send(self, lease: Lease) -> None:
        """Send a lease, and read it back; after a lost answer never blindly again."""
        lease.sent_at = self._account.clock.now()
        with understood():
            held = await self._async_start_held(lease)
        if not held:
            raise CloudError("the device does not show what it accepted")
        self._accept(lease)
        await self._async_save()
        self._watch(lease)
        self._account.spawn(self._async_reread(lease))

    async def _async_start_held(self, lease: Lease) -> bool:
        """Send a run; returns whether its devices show it afterwards."""
        vendor, run, before = self._account.vendor, lease.run, lease.before
        try:
            await vendor.start(run, before)
            return await vendor.started(run, before)
        except AnswerLost:
            if await vendor.started(run, before):
                return True
        await vendor.start(run, before)
        return await vendor.started(run, before)

    def _accept(self, lease: Lease) -> None:
        """Take a run as started, which the device has just shown."""
        settled = lease.run.kind in (Forced.HOLD, Forced.LIMIT_EXPORT)
        lease.phase, lease.evidence = Phase.RUNNING, Evidence.READ_BACK
        lease.outcome = State.CONFIRMED if settled else State.ACCEPTED

    async def _async_reread(self, lease: Lease) -> None:
        for device in lease.run.devices:
            await self._account.async_reread(device)

    async def _async_undo(self, lease: Lease) -> None:
        """Take out what part of a failed start may have left."""
        if lease.run.id in self._leases:
            await self._async_end(lease, tell=False)
            self._account.spawn(self._async_reread(lease))

    # --- watch ----------------------------------------------------------------------

    @callback
    def _watch(self, lease: Lease) -> None:
        """End a lease at its end."""
        self._at(lease, lease.run.end, self._async_end_on_time)

    @callback
    def _at(self, lease: Lease, when: datetime, do: Callable[[Lease], Any]) -> None:
        _unwatch(lease)

        async def run(_now: datetime) -> None:
            lease.unsubscribe = None
            await do(lease)

        lease.unsubscribe = async_track_point_in_utc_time(
            self._account.hass, HassJob(run, f"{DOMAIN} lease"), when
        )

    @callback
    def async_stop_watching(self) -> None:
        """Drop the timers; the leases stay stored."""
        for lease in self._leases.values():
            _unwatch(lease)

    @callback
    def async_look(self) -> None:
        """Look at the telemetry: for the proof, and for the target."""
        house = self._account.house.data
        for lease in list(self._leases.values()):
            if lease.phase is not Phase.RUNNING:
                continue
            reached = lease.reached(house)
            if lease.outcome is State.ACCEPTED:
                self._prove(lease, reached=reached)
            if reached and lease.run.target_soc is not None:
                self._account.spawn(self._async_end_on_time(lease))

    def _prove(self, lease: Lease, *, reached: bool) -> None:
        now = self._account.clock.now()
        if reached or lease.seen(self._account.house.data):
            lease.outcome, lease.evidence = State.CONFIRMED, Evidence.TELEMETRY
        elif lease.sent_at and now - lease.sent_at > PROOF_WITHIN:
            lease.outcome = State.UNCONFIRMED
        else:
            return
        self._report(lease, lease.outcome, lease.evidence)
        self._account.spawn(self._async_save())

    # --- end ------------------------------------------------------------------------

    async def async_stop(self, plant: str) -> Outcome:
        """End all leases of a plant; without one there is nothing to do."""
        async with self._lock(plant):
            held = [row for row in self._leases.values() if row.run.plant == plant]
            outcomes = [await self._async_end(lease) for lease in held]
        if not outcomes:
            return Outcome(
                plant=plant,
                device=plant,
                control=STOP,
                value=None,
                state=State.CONFIRMED,
                at=self._account.clock.now(),
            )
        waiting = (row for row in outcomes if row.state is not State.CONFIRMED)
        return next(waiting, outcomes[-1])

    async def async_end_all(self) -> None:
        """End all leases, once; those that could not be ended stay held."""
        for lease in self.held:
            await self._async_end(lease, tell=False)
        self.async_stop_watching()

    async def _async_end_on_time(self, lease: Lease) -> None:
        """End a lease whose time is up, unless somebody did meanwhile."""
        async with self._lock(lease.run.plant):
            if lease.run.id in self._leases:
                await self._async_end(lease)

    async def _async_end(self, lease: Lease, *, tell: bool = True) -> Outcome:
        """Take a lease out and put back what was there; tried again until it is done."""
        vendor, now = self._account.vendor, self._account.clock.now()
        if lease.phase is not Phase.ENDING:
            lease.phase = Phase.ENDING
            lease.run = replace(lease.run, end=min(lease.run.end, now))
            await self._async_save()
        retry_at = now + RETRY
        try:
            with understood():
                await vendor.stop(lease.run, lease.before)
                done = await vendor.stopped(lease.run, lease.before)
        except CloudError as err:
            LOGGER.debug("A lease could not be ended yet: %s", type(err).__name__)
            failure: CloudError | None = err
            if isinstance(err, QuotaExceeded) and err.retry_at:
                retry_at = err.retry_at
            done = False
        else:
            failure = None
        if not done:
            self._at(lease, retry_at, self._async_end_on_time)
            self._raise_issue(lease)
            return self._report(lease, State.QUEUED, err=failure, control=STOP)
        await self._async_forget(lease)
        outcome = self._told(lease, State.CONFIRMED, Evidence.READ_BACK, control=STOP)
        if tell:
            self._account.spawn(self._async_reread(lease))
            self._account.report(outcome)
        return outcome

    async def _async_forget(self, lease: Lease) -> None:
        _unwatch(lease)
        self._leases.pop(lease.run.id, None)
        ir.async_delete_issue(self._account.hass, DOMAIN, f"lease_{lease.run.id}")
        await self._async_save()

    @callback
    def _raise_issue(self, lease: Lease) -> None:
        """Tell the owner of a lease that outlives its end."""
        if self._account.clock.now() - lease.run.end >= OVERDUE_AFTER:
            async_tell_left(
                self._account.hass, lease, self._account.name(lease.run.plant)
            )

    # --- after a restart ------------------------------------------------------------

    async def async_resume(self) -> None:
        """Adopt the leases that still run, and end those whose time is up."""
        for lease in list(self._leases.values()):
            await self._async_resume_one(lease)

    async def _async_resume_one(self, lease: Lease) -> None:
        async with self._lock(lease.run.plant):
            if lease.run.id in self._leases:
                await self._async_resume(lease)

    async def _async_resume(self, lease: Lease) -> None:
        now = self._account.clock.now()
        if lease.phase is Phase.ENDING or lease.run.end <= now:
            await self._async_end(lease)
            return
        try:
            with understood():
                held = await self._account.vendor.started(lease.run, lease.before)
            if held:
                lease.sent_at = lease.sent_at or now
                if lease.phase is Phase.STORED:
                    self._accept(lease)
                    self._report(lease, lease.outcome, lease.evidence)
                self._watch(lease)
                await self._async_save()
            elif lease.phase is Phase.STORED:
                await self._async_send(lease)
                self._report(lease, lease.outcome, lease.evidence)
            else:
                await self._async_end(lease)
        except CloudError as err:
            LOGGER.debug("A lease could not be adopted yet: %s", type(err).__name__)
            when = min(now + RETRY, lease.run.end)
            self._at(lease, when, self._async_resume_one)

    # --- tell -----------------------------------------------------------------------

    def _told(
        self,
        lease: Lease,
        state: State,
        evidence: Evidence | None = None,
        err: CloudError | None = None,
        control: str | None = None,
    ) -> Outcome:
        devices, account = lease.run.devices, self._account
        writes = account.dispatcher.writes
        return Outcome(
            plant=lease.run.plant,
            device=devices[0] if len(devices) == 1 else lease.run.plant,
            control=control or lease.control,
            value=lease.run.power,
            state=state,
            at=self._account.clock.now(),
            evidence=evidence,
            code=err.code if err else None,
            message=(err.words or err.key) if err else None,
            writes_today=max(
                (writes.today(device, account.today()) for device in devices), default=0
            ),
        )

    def _report(
        self,
        lease: Lease,
        state: State,
        evidence: Evidence | None = None,
        err: CloudError | None = None,
        control: str | None = None,
    ) -> Outcome:
        outcome = self._told(lease, state, evidence, err, control)
        self._account.report(outcome)
        return outcome

    async def _async_save(self) -> None:
        store = self._account.store
        store.kept.leases = [lease.as_dict() for lease in self._leases.values()]
        await store.async_save()


@callback
def _unwatch(lease: Lease) -> None:
    if lease.unsubscribe:
        lease.unsubscribe()
        lease.unsubscribe = None


@callback
def async_tell_left(
    hass: HomeAssistant, lease: Lease, plant: str, key: str = "lease_overdue"
) -> None:
    """Raise a repair issue about a lease that is still in a device."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"lease_{lease.run.id}",
        is_fixable=False,
        is_persistent=key == LEFT,
        severity=ir.IssueSeverity.ERROR,
        translation_key=key,
        translation_placeholders={
            "plant": plant,
            "ended": lease.run.end.isoformat(timespec="minutes"),
        },
    )
