"""What the devices of a plant can be forced to do, and what holds a schedule."""

from typing import TYPE_CHECKING

from .cloud.control import Control, Forced, RunRange
from .cloud.model import Device

if TYPE_CHECKING:
    from .account import Account

EXPORT_LIMIT = "export_limit"
UNKNOWN_MAX_POWER = 30000.0


class Offers:
    """What runs the plants of an account offer."""

    def __init__(self, account: Account) -> None:
        """Take the account."""
        self._account = account

    def devices(self, plant: str, kind: Forced) -> tuple[str, ...]:
        """Return the devices that can carry out a run, or the plant where it does."""
        account = self._account
        devices = account.house.data.of_plant(plant)
        if kind is Forced.LIMIT_EXPORT:
            return tuple(
                subject
                for subject in (plant, *(device.id for device in devices))
                if isinstance(account.control(subject, EXPORT_LIMIT), Control)
            )
        return tuple(device.id for device in devices if self._can(device, kind))

    def _can(self, device: Device, kind: Forced) -> bool:
        found = self._account.moment.run_range(device)
        return found is not None and kind in found.kinds

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
            powered=any(row.powered for row in ranges),
        )

    def is_powered(self, plant: str) -> bool:
        """Return whether a forced run of a plant takes a power."""
        kinds = (Forced.CHARGE, Forced.DISCHARGE)
        return any(self.range(plant, kind).powered for kind in kinds)

    def max_power(self, plant: str) -> float:
        """Return the most power, in W, that a forced run of a plant takes."""
        return self.range(plant, Forced.CHARGE).max_power or UNKNOWN_MAX_POWER

    def scheduled(self, plant: str) -> tuple[str, ...]:
        """Return what holds a schedule: devices of a plant, or the plant itself."""
        return self._account.vendor.scheduled(plant)
