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

from homeassistant.core import HassJob, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_point_in_utc_time

from .cloud.control import Evidence, Forced, Outcome, Progress, Run, State
from .cloud.errors import (
    AnswerLost,
    CloudError,
    Deferred,
    PartlyDone,
    Refused,
    understood,
)
from .cloud.lease import Lease, Phase
from .const import DOMAIN, LOGGER
from .lease_book import STOP, LeaseBook

if TYPE_CHECKING:
    from .account import Account


NOT_SHOWN = "the device does not show what it accepted"

RETRY = timedelta(minutes=1)
# What opens just now is not asked again in the same instant.
SHORTLY = timedelta(seconds=1)
# Time for the proof, at least; where a plant uploads slowly, for two uploads that come late.
PROOF_WITHIN = timedelta(minutes=20)
UPLOAD_LATE = timedelta(minutes=5)
OVERDUE_AFTER = timedelta(minutes=5)
# A vendor that is still at it is given longer.
SLOW_AFTER = timedelta(minutes=15)


class Leases(LeaseBook):
    """Starts, watches and ends the leases of an account."""

    def __init__(self, account: Account) -> None:
        """Take over the leases that were stored."""
        super().__init__(account)
        self._locks: dict[str, asyncio.Lock] = {}

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
        """Start a run, or queue it; raises nothing: the outcome tells."""
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
        lease = Lease(run=run, before=None)
        try:
            for device in run.devices:
                self._account.count_write(device)
        except CloudError as err:
            return self._report(lease, State.REFUSED, err=err)
        return await self._async_try(lease)

    async def _async_try(self, lease: Lease) -> Outcome:
        """Start a lease as far as it goes: it may have to wait for its turn."""
        try:
            await self._async_begin(lease)
        except Deferred as err:
            return await self._async_queue(lease, err)
        except CloudError as err:
            await self._async_undo(lease)
            part = isinstance(err, PartlyDone)
            return self._report(lease, State.FAILED if part else State.REFUSED, err=err)
        return self._report(lease, lease.outcome, lease.evidence)

    async def _async_queue(self, lease: Lease, err: Deferred) -> Outcome:
        """Keep a lease until the vendor lets it through, but not beyond its end."""
        now = self._account.clock.now()
        when = err.retry_at or now + RETRY
        if when >= lease.run.end:
            await self._async_undo(lease)
            return self._report(lease, State.FAILED, err=err)
        self._leases[lease.run.id] = lease
        await self._async_save()
        self._at(lease, max(when, now + SHORTLY), self._async_resume_one)
        outcome = self._told(lease, State.QUEUED, err=err)
        if lease.told is not State.QUEUED:
            self._account.report(outcome)
        lease.told = State.QUEUED
        return outcome

    async def _async_begin(self, lease: Lease) -> None:
        """Make room for a lease, store it, and send it."""
        await self._async_replace(lease)
        with understood():
            lease.before = await self._account.vendor.prepare(lease.run)
        self._leases[lease.run.id] = lease
        await self._async_save()
        await self._async_send(lease, lease.before)

    async def _async_replace(self, new: Lease) -> None:
        """End what the new lease takes the place of."""
        limit = Forced.LIMIT_EXPORT
        for lease in list(self._leases.values()):
            same_kind = (lease.run.kind is limit) == (new.run.kind is limit)
            if lease is new or lease.run.plant != new.run.plant or not same_kind:
                continue
            if lease.phase is not Phase.ENDING:
                self._report(lease, State.SUPERSEDED)
            stopped, retry_at = await self._async_end_once(lease)
            if lease.run.id not in self._leases:
                continue
            if stopped.state is State.ACCEPTED:
                # It is on its way out, and is followed there.
                continue
            if retry_at:
                raise Deferred(stopped.message or "", retry_at=retry_at)
            raise CloudError("the run before this one could not be ended")

    async def _async_send(self, lease: Lease, before: dict[str, Any]) -> None:
        """Send a lease, and read it back; after a lost answer never blindly again."""
        lease.sent_at = self._account.clock.now()
        with understood():
            progress = await self._async_start_held(lease.run, before)
        if progress.done is False:
            raise progress.error or CloudError(NOT_SHOWN)
        self._accept(lease, progress)
        self._learn(lease, progress)
        await self._async_save()
        self._watch(lease, progress)
        self._account.spawn(self._async_reread(lease))

    async def _async_start_held(self, run: Run, before: dict[str, Any]) -> Progress:
        """Send a run; returns what its devices show afterwards."""
        vendor = self._account.vendor
        try:
            await vendor.start(run, before)
            return await vendor.started(run, before)
        except AnswerLost:
            progress = await vendor.started(run, before)
            if progress.done is not False:
                return progress
        await vendor.start(run, before)
        return await vendor.started(run, before)

    def _accept(self, lease: Lease, progress: Progress) -> None:
        """Take a run as started: the device shows it, or the vendor is at it."""
        lease.phase = Phase.RUNNING
        lease.outcome = State.ACCEPTED
        lease.following = progress.done is None
        if progress:
            settled = lease.run.kind in (Forced.HOLD, Forced.LIMIT_EXPORT)
            lease.evidence = progress.evidence
            if settled or progress.ended:
                lease.outcome = State.CONFIRMED
        if self.is_watching:
            for feed in self._account.feeds.values():
                if feed.feed.measuring:
                    feed.async_look_sooner()

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
    def _watch(self, lease: Lease, progress: Progress | None = None) -> None:
        """End a lease at its end; ask before about a start that is being followed."""
        when, do = lease.run.end, self._async_end_on_time
        again_at = progress.again_at if progress is not None else None
        if lease.following and again_at and again_at < when:
            when, do = again_at, self._async_follow
        send_at = progress.send_at if progress is not None else None
        if send_at and send_at < when:
            when = max(send_at, self._account.clock.now())
            do = self._async_send_on
        self._at(lease, when, do)

    async def _async_send_on(self, lease: Lease) -> None:
        """Send the next part of a run whose device holds one part at a time."""
        async with self._lock(lease.run.plant):
            gone = lease.run.id not in self._leases
            if gone or lease.phase is not Phase.RUNNING or lease.before is None:
                return
            try:
                with understood():
                    progress = await self._async_start_held(lease.run, lease.before)
            except CloudError as err:
                again_at = _retry_at(err) or self._account.clock.now() + RETRY
                self._watch(lease, Progress(done=True, send_at=again_at))
                return
            if progress.done is False:
                self._report(lease, State.FAILED, err=progress.error)
                await self._async_end(lease)
                return
            self._watch(lease, progress)

    async def _async_follow(self, lease: Lease) -> None:
        """Ask how far the start of a run has come, unless the telemetry has told."""
        async with self._lock(lease.run.plant):
            if lease.run.id not in self._leases or lease.phase is not Phase.RUNNING:
                return
            if lease.outcome is State.CONFIRMED or lease.before is None:
                self._watch(lease)
                return
            try:
                with understood():
                    vendor = self._account.vendor
                    progress = await vendor.started(lease.run, lease.before)
            except CloudError as err:
                again_at = _retry_at(err) or self._account.clock.now() + RETRY
                self._watch(lease, Progress(done=None, again_at=again_at))
                return
            await self._async_followed(lease, progress)

    async def _async_followed(self, lease: Lease, progress: Progress) -> None:
        """Take over how far the start of a run has come."""
        self._learn(lease, progress)
        if progress.done is False:
            self._report(lease, State.FAILED, err=progress.error)
            await self._async_end(lease)
            return
        if progress:
            self._accept(lease, progress)
            self._report(lease, lease.outcome, lease.evidence)
            self._account.spawn(self._async_reread(lease))
            await self._async_save()
        if progress.ended:
            await self._async_end(lease)
        else:
            self._watch(lease, progress)

    def _learn(self, lease: Lease, progress: Progress) -> None:
        """Show the settings that a run has changed."""
        if progress.found:
            self._account.learned(lease.run.plant, progress.found)

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
        elif lease.sent_at and now - lease.sent_at > self._patience(lease):
            lease.outcome = State.UNCONFIRMED
        else:
            return
        self._report(lease, lease.outcome, lease.evidence)
        self._account.spawn(self._async_save())

    def _patience(self, lease: Lease) -> timedelta:
        """Return how long to wait for the telemetry to show a run."""
        plant = self._account.house.data.plants.get(lease.run.plant)
        uploads = timedelta(seconds=(plant.uploads if plant else None) or 0)
        return max(PROOF_WITHIN, 2 * uploads + UPLOAD_LATE)

    # --- end ------------------------------------------------------------------------

    async def async_stop(self, plant: str) -> Outcome:
        """End all leases of a plant; without one there is nothing to do."""
        async with self._lock(plant):
            held = [row for row in self._leases.values() if row.run.plant == plant]
            for lease in held:
                if lease.phase is Phase.STORED:
                    self._report(lease, State.SUPERSEDED)
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
            outcome = await self._async_end(lease, tell=False)
            if outcome.state is State.ACCEPTED:
                # The vendor has taken on to end it.
                _unwatch(self._leases.pop(lease.run.id))
        self.async_stop_watching()

    async def _async_end_on_time(self, lease: Lease) -> None:
        """End a lease whose time is up, unless somebody did meanwhile."""
        async with self._lock(lease.run.plant):
            if lease.run.id in self._leases:
                await self._async_end(lease)

    async def _async_end(self, lease: Lease, *, tell: bool = True) -> Outcome:
        """Take a lease out and put back what was there; tried again until it is done."""
        outcome, _ = await self._async_end_once(lease, tell=tell)
        return outcome

    async def _async_end_once(
        self, lease: Lease, *, tell: bool = True
    ) -> tuple[Outcome, datetime | None]:
        """Return the outcome of one try, and until when the vendor defers the next."""
        now = self._account.clock.now()
        if lease.phase is not Phase.ENDING:
            lease.phase, lease.told = Phase.ENDING, None
            lease.run = replace(lease.run, end=min(lease.run.end, now))
            await self._async_save()
        progress = await self._async_stopped(lease)
        if not progress:
            when = max(progress.again_at or now + RETRY, now + SHORTLY)
            self._at(lease, when, self._async_end_on_time)
            slow = progress.done is None
            self._raise_issue(lease, SLOW_AFTER if slow else OVERDUE_AFTER)
            return self._not_ended(lease, progress), progress.again_at
        await self._async_forget(lease)
        self._learn(lease, progress)
        outcome = self._told(lease, State.CONFIRMED, progress.evidence, control=STOP)
        if tell:
            self._account.spawn(self._async_reread(lease))
            self._account.report(outcome)
        return outcome, None

    async def _async_stopped(self, lease: Lease) -> Progress:
        """Take a run out; returns how far that has come."""
        if lease.before is None:
            return Progress(done=True)
        vendor = self._account.vendor
        try:
            with understood():
                await vendor.stop(lease.run, lease.before)
                return await vendor.stopped(lease.run, lease.before)
        except CloudError as err:
            LOGGER.debug("A lease could not be ended yet: %s", type(err).__name__)
            return Progress(done=False, error=err, again_at=_retry_at(err))

    async def _async_forget(self, lease: Lease) -> None:
        _unwatch(lease)
        self._leases.pop(lease.run.id, None)
        ir.async_delete_issue(self._account.hass, DOMAIN, f"lease_{lease.run.id}")
        await self._async_save()

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
            if lease.phase is Phase.STORED:
                self._report(lease, State.UNCONFIRMED)
            await self._async_end(lease)
            return
        if lease.before is None:
            await self._async_try(lease)
            return
        try:
            with understood():
                progress = await self._account.vendor.started(lease.run, lease.before)
            await self._async_adopt(lease, lease.before, progress)
        except CloudError as err:
            await self._async_not_resumed(lease, err)

    async def _async_not_resumed(self, lease: Lease, err: CloudError) -> None:
        """Try again later, unless it was refused for good."""
        now = self._account.clock.now()
        if lease.phase is Phase.STORED and isinstance(err, Refused | PartlyDone):
            await self._async_undo(lease)
            part = isinstance(err, PartlyDone)
            self._report(lease, State.FAILED if part else State.REFUSED, err=err)
        elif lease.phase is Phase.STORED and isinstance(err, Deferred):
            await self._async_queue(lease, err)
        else:
            LOGGER.debug("A lease could not be adopted yet: %s", type(err).__name__)
            when = min(_retry_at(err) or now + RETRY, lease.run.end)
            self._at(lease, max(when, now + SHORTLY), self._async_resume_one)

    async def _async_adopt(
        self, lease: Lease, before: dict[str, Any], progress: Progress
    ) -> None:
        """Go on with a lease that runs; send one that never arrived; end the rest."""
        if progress.done is not False and not progress.ended:
            lease.sent_at = lease.sent_at or self._account.clock.now()
            if lease.phase is Phase.STORED:
                self._accept(lease, progress)
                self._report(lease, lease.outcome, lease.evidence)
            lease.following = progress.done is None
            self._watch(lease, progress)
            await self._async_save()
        elif lease.phase is Phase.STORED and not progress.ended:
            await self._async_send(lease, before)
            self._report(lease, lease.outcome, lease.evidence)
        else:
            await self._async_end(lease)


def _retry_at(err: CloudError) -> datetime | None:
    """Return from when on another try is worth it, where the vendor says so."""
    return err.retry_at if isinstance(err, Deferred) else None


@callback
def _unwatch(lease: Lease) -> None:
    if lease.unsubscribe:
        lease.unsubscribe()
        lease.unsubscribe = None
