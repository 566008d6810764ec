"""Sensors: every quantity that an account delivers, and what we know of it ourselves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .account import STATUSES, Account, SolarCloudConfigEntry, signal_outcome
from .cloud.control import Outcome, State
from .cloud.house import House
from .cloud.lease import FORCED_STATES
from .cloud.quantity import QUANTITIES, TODAY, Kind, Quantity, Unit, index_of, quantity
from .entity import Offer, SolarCloudEntity, async_add_when_there
from .history import signal_progress

PARALLEL_UPDATES = 0

DEVICE_CLASSES: dict[str, SensorDeviceClass] = {
    Unit.WATT: SensorDeviceClass.POWER,
    Unit.KILOWATT_HOUR: SensorDeviceClass.ENERGY,
    Unit.CELSIUS: SensorDeviceClass.TEMPERATURE,
    Unit.VOLT: SensorDeviceClass.VOLTAGE,
    Unit.AMPERE: SensorDeviceClass.CURRENT,
    Unit.HERTZ: SensorDeviceClass.FREQUENCY,
    Unit.VAR: SensorDeviceClass.REACTIVE_POWER,
    Unit.IRRADIANCE: SensorDeviceClass.IRRADIANCE,
    Unit.SPEED: SensorDeviceClass.WIND_SPEED,
    Unit.MASS: SensorDeviceClass.WEIGHT,
    Unit.SIGNAL: SensorDeviceClass.SIGNAL_STRENGTH,
}
DEVICE_CLASS_BY_KEY: dict[str, SensorDeviceClass] = {
    "battery_soc": SensorDeviceClass.BATTERY,
    "battery_capacity": SensorDeviceClass.ENERGY_STORAGE,
    "battery_remaining_energy": SensorDeviceClass.ENERGY_STORAGE,
    "power_factor": SensorDeviceClass.POWER_FACTOR,
}
DEVICE_CLASS_BY_KIND: dict[Kind, SensorDeviceClass] = {
    Kind.ENUM: SensorDeviceClass.ENUM,
    Kind.MONEY: SensorDeviceClass.MONETARY,
}
STATE_CLASSES: dict[Kind, SensorStateClass] = {
    Kind.POWER: SensorStateClass.MEASUREMENT,
    Kind.MEASUREMENT: SensorStateClass.MEASUREMENT,
    Kind.COUNTER: SensorStateClass.TOTAL_INCREASING,
    Kind.DAY_COUNTER: SensorStateClass.TOTAL_INCREASING,
    Kind.MONEY: SensorStateClass.TOTAL,
}
PRECISION: dict[str, int] = {
    Unit.WATT: 0,
    Unit.KILOWATT_HOUR: 1,
    Unit.PERCENT: 0,
    Unit.CELSIUS: 1,
    Unit.VOLT: 1,
    Unit.AMPERE: 1,
    Unit.HERTZ: 2,
    Unit.VAR: 0,
}
DIAGNOSTIC = frozenset(
    (
        "fault_code",
        "inverter_temperature",
        "boost_temperature",
        "charger_temperature",
        "processor_temperature",
        "signal_strength",
        "signal_quality",
    )
)


def _describe(row: Quantity) -> SensorEntityDescription:
    """Return the description of a row of the catalogue."""
    return SensorEntityDescription(
        key=row.key,
        translation_key=None if row.label else row.key.lower(),
        native_unit_of_measurement=row.unit or None,
        device_class=DEVICE_CLASS_BY_KIND.get(row.kind)
        or DEVICE_CLASS_BY_KEY.get(row.key)
        or DEVICE_CLASSES.get(row.unit),
        state_class=STATE_CLASSES.get(row.kind),
        suggested_display_precision=PRECISION.get(row.unit),
        options=list(row.states) or None,
        entity_category=EntityCategory.DIAGNOSTIC if row.key in DIAGNOSTIC else None,
        entity_registry_enabled_default=not row.rare,
    )


READINGS: dict[str, SensorEntityDescription] = {
    row.key: _describe(row) for row in QUANTITIES if row.kind is not Kind.FLAG
}


@dataclass(frozen=True, kw_only=True)
class AccountSensorDescription(SensorEntityDescription):
    """A sensor of a plant whose value is our own."""

    value_fn: Callable[[Account, str], Any]
    attributes_fn: Callable[[Account, str], Mapping[str, Any]] | None = None


def _outcome(account: Account, plant: str) -> StateType:
    outcome = account.outcomes.get(plant)
    return outcome.state if outcome else None


def _outcome_attributes(account: Account, plant: str) -> dict[str, Any]:
    if (outcome := account.outcomes.get(plant)) is None:
        return {}
    return {
        "control": outcome.control,
        "device": outcome.device,
        "value": outcome.value,
        "evidence": outcome.evidence,
        "code": outcome.code,
        "message": outcome.message,
        "writes_today": outcome.writes_today,
        "at": outcome.at.isoformat(),
    }


def _calls_left(account: Account, plant: str) -> StateType:
    left = account.calls_left()
    return left.polls if left else None


def _calls_attributes(account: Account, plant: str) -> dict[str, Any]:
    if (left := account.calls_left()) is None:
        return {}
    return {
        "window": left.allowance,
        "resets": left.resets.isoformat() if left.resets else None,
        "spent_by": left.spent.date().isoformat() if left.spent else None,
        "commands_left": left.commands,
    }


def _newest(account: Account, plant: str) -> Any:
    return account.house.data.newest(plant)


ACCOUNT_SENSORS: tuple[AccountSensorDescription, ...] = (
    AccountSensorDescription(
        key="data_timestamp",
        translation_key="data_timestamp",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_newest,
    ),
    AccountSensorDescription(
        key="connection_status",
        translation_key="connection_status",
        device_class=SensorDeviceClass.ENUM,
        options=list(STATUSES),
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda account, plant: account.status(plant),
    ),
    AccountSensorDescription(
        key="api_calls_remaining",
        translation_key="api_calls_remaining",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_calls_left,
        attributes_fn=_calls_attributes,
    ),
    AccountSensorDescription(
        key="history_progress",
        translation_key="history_progress",
        native_unit_of_measurement=PERCENTAGE,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda account, plant: account.history.progress(plant),
        attributes_fn=lambda account, plant: account.history.attributes(plant),
    ),
)
CONTROL_SENSORS: tuple[AccountSensorDescription, ...] = (
    AccountSensorDescription(
        key="last_command",
        translation_key="last_command",
        device_class=SensorDeviceClass.ENUM,
        options=[state.value for state in State],
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_outcome,
        attributes_fn=_outcome_attributes,
    ),
    AccountSensorDescription(
        key="forced_state",
        translation_key="forced_state",
        device_class=SensorDeviceClass.ENUM,
        options=list(FORCED_STATES),
        value_fn=lambda account, plant: account.leases.state(plant),
        attributes_fn=lambda account, plant: account.leases.attributes(plant),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SolarCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of what the account delivers."""
    async_add_when_there(entry, async_add_entities, _make)


def _description(key: str) -> SensorEntityDescription | None:
    """Return the description of a reading, None for a flag."""
    row = quantity(key)
    return _describe(row) if row.label else READINGS.get(row.key)


def _make(account: Account, house: House) -> Iterable[Offer]:
    for subject, rows in house.readings.items():
        for key in rows:
            if (description := _description(key)) is not None:
                create = partial(ReadingSensor, account, subject, key, description)
                yield subject, key, create
    for plant in house.plants:
        own = ACCOUNT_SENSORS + (CONTROL_SENSORS if account.controllable else ())
        for row in own:
            yield plant, row.key, partial(AccountSensor, account, plant, row)


class ReadingSensor(SolarCloudEntity, SensorEntity):
    """A quantity of a plant or a device."""

    entity_description: SensorEntityDescription

    def __init__(
        self,
        account: Account,
        subject: str,
        key: str,
        description: SensorEntityDescription,
    ) -> None:
        """Take the key, which for strings and phases carries a number."""
        super().__init__(account, subject, key)
        self.entity_description = description
        if description.state_class and subject in account.house.data.plants:
            self._attr_entity_registry_enabled_default = True
        device = account.house.data.devices.get(subject)
        if label := quantity(key).label:
            self._attr_name = label
        elif device and key.startswith(f"{device.kind}_"):
            self._attr_translation_key = f"own_{description.translation_key}"
        if (number := index_of(key)) is not None:
            self._attr_translation_placeholders = {"number": str(number)}

    @property
    @override
    def native_value(self) -> StateType:
        """Return the value, None when it is not known now."""
        return self.house.value(self.subject, self.key)

    @property
    @override
    def native_unit_of_measurement(self) -> str | None:
        """Return the unit; no vendor names the currency, which is the owner's own."""
        if self.device_class is SensorDeviceClass.MONETARY:
            return self.hass.config.currency
        return super().native_unit_of_measurement

    @property
    @override
    def last_reset(self) -> datetime | None:
        """Return the midnight since when a day's money counts."""
        if self.state_class is not SensorStateClass.TOTAL or not self.key.endswith(
            TODAY
        ):
            return None
        return self.account.midnight(self.subject)

    @property
    @override
    def shown(self) -> object:
        """Return the value."""
        return self.native_value


class AccountSensor(SolarCloudEntity, SensorEntity):
    """What we know of a plant's account ourselves."""

    entity_description: AccountSensorDescription

    def __init__(
        self, account: Account, plant: str, description: AccountSensorDescription
    ) -> None:
        """Take the description, which knows how to find the value."""
        super().__init__(account, plant, description.key)
        self.entity_description = description

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the outcomes of commands too."""
        await super().async_added_to_hass()
        entry = self.account.entry
        for signal in (signal_outcome(entry), signal_progress(entry)):
            self.async_on_remove(
                async_dispatcher_connect(self.hass, signal, self._told)
            )

    @callback
    def _told(self, outcome: Outcome | None = None) -> None:
        self._handle_coordinator_update()

    @property
    @override
    def native_value(self) -> Any:
        """Return the value now."""
        return self.entity_description.value_fn(self.account, self.subject)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return what belongs to the value."""
        attributes_fn = self.entity_description.attributes_fn
        return attributes_fn(self.account, self.subject) if attributes_fn else None

    @property
    @override
    def shown(self) -> object:
        """Return the value and its attributes."""
        return (self.native_value, self.extra_state_attributes)
