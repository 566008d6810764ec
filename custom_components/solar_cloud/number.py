"""Numbers: limits that a device holds, and the inputs for the next forced run."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
    RestoreNumber,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, SolarCloudConfigEntry
from .cloud.control import CONTROLS, ControlKey, Forced, Platform
from .cloud.house import House
from .cloud.quantity import Unit
from .const import DEFAULT_DISCHARGE_TARGET, DEFAULT_MINUTES, LONGEST_RUN
from .entity import (
    ControlEntity,
    Offer,
    SolarCloudEntity,
    async_add_when_there,
    described,
    invalid,
    offered,
)

# The dispatcher sends one write at a time to a device, and together what goes together.
PARALLEL_UPDATES = 0


DEVICE_CLASSES: dict[Unit, NumberDeviceClass] = {
    Unit.WATT: NumberDeviceClass.POWER,
    Unit.AMPERE: NumberDeviceClass.CURRENT,
}


def _describe(row: ControlKey) -> NumberEntityDescription:
    return NumberEntityDescription(
        key=row.key,
        translation_key=row.key,
        native_unit_of_measurement=row.unit,
        device_class=DEVICE_CLASSES.get(row.unit),
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=not row.rare,
    )


LIMITS = described(
    _describe(row) for row in CONTROLS.values() if row.platform is Platform.NUMBER
)


@dataclass(frozen=True, kw_only=True)
class InputDescription(NumberEntityDescription):
    """An input for the next forced run, of the kinds that use it."""

    kinds: frozenset[Forced]
    default: float | None


FORCED_POWER = "forced_power"
ANY_RUN = frozenset((Forced.CHARGE, Forced.DISCHARGE, Forced.HOLD))
INPUTS: tuple[InputDescription, ...] = (
    InputDescription(
        key=FORCED_POWER,
        translation_key="forced_power",
        native_unit_of_measurement=Unit.WATT,
        device_class=NumberDeviceClass.POWER,
        native_min_value=0,
        native_step=10,
        kinds=frozenset((Forced.CHARGE, Forced.DISCHARGE)),
        default=None,
    ),
    InputDescription(
        key="forced_duration",
        translation_key="forced_duration",
        native_unit_of_measurement=Unit.MINUTE,
        device_class=NumberDeviceClass.DURATION,
        native_min_value=1,
        native_max_value=LONGEST_RUN,
        native_step=1,
        kinds=ANY_RUN,
        default=DEFAULT_MINUTES,
    ),
    InputDescription(
        key="forced_charge_target_soc",
        translation_key="forced_charge_target_soc",
        native_unit_of_measurement=Unit.PERCENT,
        native_min_value=0,
        native_max_value=100,
        native_step=1,
        kinds=frozenset((Forced.CHARGE,)),
        default=100,
    ),
    InputDescription(
        key="forced_discharge_target_soc",
        translation_key="forced_discharge_target_soc",
        native_unit_of_measurement=Unit.PERCENT,
        native_min_value=0,
        native_max_value=100,
        native_step=1,
        kinds=frozenset((Forced.DISCHARGE,)),
        default=DEFAULT_DISCHARGE_TARGET,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SolarCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the limits of the devices, and the inputs of plants that can be forced."""
    async_add_when_there(entry, async_add_entities, _make)


def _make(account: Account, house: House) -> Iterable[Offer]:
    for device, key in offered(account, house, LIMITS):
        yield device, key, partial(LimitNumber, account, device, LIMITS[key])
    for plant in house.plants if account.controllable else ():
        for row in INPUTS:
            powered = row.key != FORCED_POWER or account.leases.is_powered(plant)
            if powered and any(
                account.leases.devices(plant, kind) for kind in row.kinds
            ):
                yield plant, row.key, partial(RunInput, account, plant, row)


class LimitNumber(ControlEntity, NumberEntity):
    """A limit that a device holds."""

    _attr_mode = NumberMode.BOX

    def __init__(
        self, account: Account, device: str, description: NumberEntityDescription
    ) -> None:
        """Take the description; the range is the device's."""
        super().__init__(account, device, description.key)
        self.entity_description = description

    @property
    @override
    def native_min_value(self) -> float:
        """Return the least that the device takes."""
        low = self.control.minimum if self.control else None
        return 0.0 if low is None else low

    @property
    @override
    def native_max_value(self) -> float:
        """Return the most that the device takes."""
        high = self.control.maximum if self.control else None
        return 100.0 if high is None else high

    @property
    @override
    def native_step(self) -> float | None:
        """Return the device's resolution."""
        return (self.control.step if self.control else None) or 1.0

    @property
    @override
    def native_value(self) -> float | None:
        """Return the limit."""
        value = self.control.value if self.control else None
        return float(value) if isinstance(value, (int, float)) else None

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Set the limit."""
        await self.async_set_control(value)


class RunInput(SolarCloudEntity, RestoreNumber):
    """An input for the next forced run of a plant; it changes nothing by itself."""

    entity_description: InputDescription
    _attr_mode = NumberMode.BOX

    def __init__(
        self, account: Account, plant: str, description: InputDescription
    ) -> None:
        """Take the description."""
        super().__init__(account, plant, description.key)
        self.entity_description = description

    @property
    @override
    def native_max_value(self) -> float:
        """Return the most that all devices together take."""
        if self.entity_description.native_max_value is not None:
            return self.entity_description.native_max_value
        return self.account.leases.max_power(self.subject)

    @property
    @override
    def native_value(self) -> float | None:
        """Return the input, as far as it is within the range now."""
        inputs = self.account.inputs.get(self.subject, {})
        default = self.entity_description.default
        value = inputs.get(
            self.key, self.native_max_value if default is None else default
        )
        return min(max(value, self.native_min_value), self.native_max_value)

    @property
    @override
    def shown(self) -> object:
        """Return the input and its range."""
        return (self.native_value, self.native_max_value)

    @override
    async def async_added_to_hass(self) -> None:
        """Take over the input from before the restart."""
        await super().async_added_to_hass()
        last = await self.async_get_last_number_data()
        if last and last.native_value is not None:
            self._keep(last.native_value)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Keep the input."""
        if value <= 0 and self.key == FORCED_POWER:
            raise invalid("power_zero")
        self._keep(value)
        self.async_write_ha_state()

    def _keep(self, value: float) -> None:
        self.account.inputs.setdefault(self.subject, {})[self.key] = value
