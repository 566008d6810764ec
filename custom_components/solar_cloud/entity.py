"""The base of all entities, and how they come up when something new is there."""

from collections.abc import Callable, Iterable, Mapping
from typing import override

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import BaseCoordinatorEntity

from .account import Account, SolarCloudConfigEntry, failed
from .cloud.control import Control, Outcome, Setting
from .cloud.dispatch import WritesSpent
from .cloud.house import House
from .const import DOMAIN
from .coordinator import HouseCoordinator

# The subject, the key, and what makes the entity once it is new.
type Offer = tuple[str, str, Callable[[], SolarCloudEntity]]
type Make = Callable[[Account, House], Iterable[Offer]]


class SolarCloudEntity(BaseCoordinatorEntity[HouseCoordinator]):
    """An entity of a plant or of one of its devices."""

    _attr_has_entity_name = True

    def __init__(self, account: Account, subject: str, key: str) -> None:
        """Name the entity after the vendor, the subject and the key of the contract."""
        super().__init__(account.house)
        self.account = account
        self.subject = subject
        self.key = key
        self._attr_unique_id = f"{account.info.slug}_{subject}_{key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, subject)})
        self._shown: object = None

    @property
    def house(self) -> House:
        """Return the house as it is now."""
        return self.coordinator.data

    @property
    @override
    def available(self) -> bool:
        """Return whether the account still has the plant or device."""
        return self.house.has(self.subject)

    @property
    def shown(self) -> object:
        """Return all that the state is made of, to see whether it has changed."""
        return None

    @override
    async def async_added_to_hass(self) -> None:
        """Show the state as it is now."""
        await super().async_added_to_hass()
        self._shown = (self.available, self.shown)

    @override
    @callback
    def _handle_coordinator_update(self) -> None:
        """Write the state when it has changed."""
        shown = (self.available, self.shown)
        if shown != self._shown:
            self._shown = shown
            self.async_write_ha_state()

    @override
    async def async_update(self) -> None:
        """Poll all feeds, as far as the quota allows it."""
        await self.account.async_refresh()


class ControlEntity(SolarCloudEntity):
    """An entity that shows and sets a control of a device."""

    @property
    def control(self) -> Control | None:
        """Return the control as the device last answered, None when it is absent."""
        found = self.account.control(self.subject, self.key)
        return found if isinstance(found, Control) else None

    @property
    @override
    def available(self) -> bool:
        """Return whether the device offers the control."""
        return super().available and self.control is not None

    @property
    @override
    def assumed_state(self) -> bool:
        """Return whether the device cannot be asked."""
        return self.control is not None and self.control.assumed

    @property
    @override
    def shown(self) -> object:
        """Return the control without the instant at which it was read."""
        if (control := self.control) is None:
            return None
        limits = (control.minimum, control.maximum, control.options)
        return (control.value, control.assumed, limits)

    async def async_set_control(self, value: Setting) -> None:
        """Carry out the setting; raises what the vendor refused."""
        raise_failed(await self.account.async_set(self.subject, self.key, value))


def raise_failed(outcome: Outcome) -> None:
    """Raise a translated error for a command that was not carried out."""
    if failed(outcome):
        spent = outcome.message == WritesSpent.key
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=WritesSpent.key if spent else f"command_{outcome.state}",
            translation_placeholders={
                "control": outcome.control,
                "code": outcome.code or "-",
                "message": outcome.message or "-",
            },
        )


def invalid(key: str, **words: object) -> ServiceValidationError:
    """Return a translated error for input that cannot be carried out."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={name: str(word) for name, word in words.items()},
    )


@callback
def async_add_when_there(
    entry: SolarCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Make,
) -> None:
    """Add entities now, and whenever the house has something that is new."""
    account = entry.runtime_data
    known: set[tuple[str, str]] = set()

    @callback
    def add() -> None:
        new: list[SolarCloudEntity] = []
        for subject, key, create in make(account, account.house.data):
            if (subject, key) not in known:
                known.add((subject, key))
                new.append(create())
        if new:
            async_add_entities(new)

    add()
    entry.async_on_unload(account.house.async_add_listener(add))


def offered(
    account: Account, house: House, keys: Iterable[str]
) -> Iterable[tuple[str, str]]:
    """Return the controls that devices offer, nothing where the user reads only."""
    wanted = frozenset(keys)
    for device, rows in house.controls.items() if account.controllable else ():
        for key, row in rows.items():
            if key in wanted and isinstance(row, Control):
                yield device, key


def described[_D: EntityDescription](rows: Iterable[_D]) -> Mapping[str, _D]:
    """Return descriptions by their key."""
    return {row.key: row for row in rows}
