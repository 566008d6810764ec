"""Binary sensors: the flags that an account delivers."""

from collections.abc import Iterable
from functools import partial
from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, SolarCloudConfigEntry
from .alarms import alarms_of, described as told, worst
from .cloud.house import House
from .entity import Offer, SolarCloudEntity, async_add_when_there, described

PARALLEL_UPDATES = 0

PROBLEM = "problem"
FLAGS = described(
    (
        BinarySensorEntityDescription(
            key="battery_charging",
            device_class=BinarySensorDeviceClass.BATTERY_CHARGING,
        ),
        BinarySensorEntityDescription(
            key=PROBLEM,
            device_class=BinarySensorDeviceClass.PROBLEM,
            entity_category=EntityCategory.DIAGNOSTIC,
        ),
        BinarySensorEntityDescription(
            key="online",
            device_class=BinarySensorDeviceClass.CONNECTIVITY,
            entity_category=EntityCategory.DIAGNOSTIC,
        ),
        BinarySensorEntityDescription(
            key="grid_connected",
            translation_key="grid_connected",
            device_class=BinarySensorDeviceClass.CONNECTIVITY,
        ),
    )
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SolarCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the flags of what the account delivers."""
    async_add_when_there(entry, async_add_entities, _make)


def _make(account: Account, house: House) -> Iterable[Offer]:
    for subject, rows in house.readings.items():
        for key in rows:
            if description := FLAGS.get(key):
                kind = ProblemFlag if key == PROBLEM else Flag
                yield subject, key, partial(kind, account, subject, description)


class Flag(SolarCloudEntity, BinarySensorEntity):
    """A flag of a plant or a device."""

    def __init__(
        self,
        account: Account,
        subject: str,
        description: BinarySensorEntityDescription,
    ) -> None:
        """Take the description."""
        super().__init__(account, subject, description.key)
        self.entity_description = description

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the flag, None when it is not known now."""
        value = self.house.value(self.subject, self.key)
        return value if isinstance(value, bool) else None

    @property
    @override
    def shown(self) -> object:
        """Return the flag."""
        return self.is_on


class ProblemFlag(Flag):
    """Whether something is wrong with a plant or a device, and which alarms tell so."""

    _unrecorded_attributes = frozenset(("alarms",))

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return the worst severity, and the alarms with what the vendor advises."""
        alarms = alarms_of(self.account, self.subject)
        if alarms is None:
            return None
        return {
            "severity": worst(alarms.values()),
            "alarms": [told(row) for row in alarms.values()],
        }

    @property
    @override
    def shown(self) -> object:
        """Return the flag and its alarms."""
        return (self.is_on, self.extra_state_attributes)
