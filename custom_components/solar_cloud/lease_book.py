"""The leases that there are: stored, shown, and told."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .cloud.control import Evidence, Forced, Outcome, Progress, State
from .cloud.errors import CloudError
from .cloud.lease import FORCED_STATES, STATES, Lease, Phase
from .const import DOMAIN
from .offers import Offers

if TYPE_CHECKING:
    from .account import Account

STOP = "stop_forced"
LEFT = "lease_left"


class LeaseBook(Offers):
    """The leases of an account: at most one forced run, and one export limit, a plant."""

    def __init__(self, account: Account) -> None:
        """Take over the leases that were stored."""
        super().__init__(account)
        self._leases = {
            lease.run.id: lease
            for lease in map(Lease.from_dict, account.store.kept.leases)
        }

    # --- what is shown --------------------------------------------------------------

    @property
    def held(self) -> list[Lease]:
        """Return all leases."""
        return list(self._leases.values())

    def of(self, plant: str) -> Lease | None:
        """Return the forced run of a plant; the newer one while the older one ends."""
        found = [
            lease
            for lease in self._leases.values()
            if lease.run.plant == plant and lease.run.kind is not Forced.LIMIT_EXPORT
        ]
        running = (lease for lease in found if lease.phase is not Phase.STORED)
        return next(reversed([*found[:1], *running]), None)

    @property
    def is_watching(self) -> bool:
        """Return whether a run waits for its proof, or for its state of charge."""
        return any(
            lease.phase is Phase.RUNNING
            and (lease.outcome is State.ACCEPTED or lease.run.target_soc is not None)
            for lease in self._leases.values()
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

    def _not_ended(self, lease: Lease, progress: Progress) -> Outcome:
        """Tell, when it is new, how far the end of a run has come."""
        state = State.ACCEPTED if progress.done is None else State.QUEUED
        outcome = self._told(lease, state, err=progress.error, control=STOP)
        if lease.told is not State.ACCEPTED or state is not State.ACCEPTED:
            self._account.report(outcome)
        lease.told = state
        return outcome

    @callback
    def _raise_issue(self, lease: Lease, after: timedelta) -> None:
        """Tell the owner of a lease that outlives its end."""
        if self._account.clock.now() - lease.run.end >= after:
            async_tell_left(
                self._account.hass, lease, self._account.name(lease.run.plant)
            )


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
