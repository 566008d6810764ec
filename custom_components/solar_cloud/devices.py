"""The device registry: plants, their devices below them, and what is gone."""

from collections.abc import Iterable
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType

from .cloud.house import House
from .cloud.model import Device, DeviceKind, Plant
from .const import DOMAIN

GONE_AFTER = 2


class Devices:
    """Keeps the device registry as the account is."""

    def __init__(self, hass: HomeAssistant, entry_id: str, manufacturer: str) -> None:
        """Start without having seen anything."""
        self._registry = dr.async_get(hass)
        self._entry_id = entry_id
        self._manufacturer = manufacturer
        self._registered: tuple[object, object] = ({}, {})
        self._missed: dict[str, int] = {}

    @callback
    def async_register(self, house: House) -> None:
        """Register plants first, then their devices below them."""
        now = (house.plants, house.devices)
        if now == self._registered:
            return
        self._registered = now
        ids = {plant.id: self._plant(plant) for plant in house.plants.values()}
        below = sorted(house.devices.values(), key=lambda row: row.parent is not None)
        for device in below:
            ids[device.id] = self._device(
                device, ids.get(device.parent or device.plant), house
            )

    def _plant(self, plant: Plant) -> str:
        return self._registry.async_get_or_create(
            config_entry_id=self._entry_id,
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, plant.id)},
            manufacturer=self._manufacturer,
            name=plant.name,
        ).id

    def _device(self, device: Device, parent: str | None, house: House) -> str:
        return self._registry.async_get_or_create(
            config_entry_id=self._entry_id,
            identifiers={(DOMAIN, device.id)},
            manufacturer=self._manufacturer,
            via_device_id=parent,
            **_details(device, house),
        ).id

    @callback
    def async_remove_gone(self, house: House) -> None:
        """Remove devices that the account has not listed twice in a row."""
        for entry in dr.async_entries_for_config_entry(self._registry, self._entry_id):
            subject = subject_of(entry.identifiers)
            if house.has(subject):
                self._missed.pop(subject, None)
                continue
            self._missed[subject] = self._missed.get(subject, 0) + 1
            if self._missed[subject] >= GONE_AFTER:
                del self._missed[subject]
                self._registry.async_update_device(
                    entry.id, remove_config_entry_id=self._entry_id
                )


def subject_of(identifiers: Iterable[tuple[str, str]]) -> str:
    """Return the plant or device id that a registry entry is about."""
    return next(
        (identifier for domain, identifier in identifiers if domain == DOMAIN), ""
    )


def _details(device: Device, house: House) -> dict[str, Any]:
    """Return what the registry shows of a device; most names come from translations."""
    parent = house.devices.get(device.parent or "")
    plant = house.plants[device.plant].name
    details: dict[str, Any] = {
        "model": device.model,
        "serial_number": device.serial,
        "sw_version": device.software,
        "hw_version": device.hardware,
    }
    if device.name:
        known = plant in device.name
        return details | {"name": device.name if known else f"{plant} {device.name}"}
    if device.kind is DeviceKind.INVERTER and device.model:
        return details | {"name": device.model}
    number = _number(device, house)
    return details | {
        "translation_key": f"{device.kind}_number" if number else str(device.kind),
        "translation_placeholders": {
            "plant": plant,
            "inverter": (parent and parent.model) or plant,
            "number": str(number),
        },
    }


def _number(device: Device, house: House) -> int | None:
    """Return what tells a device from others of its kind, None where there are none."""
    siblings = [
        row.id
        for row in house.of_plant(device.plant)
        if row.kind is device.kind and row.parent == device.parent and not row.name
    ]
    if len(siblings) < 2:
        return None
    return device.number or sorted(siblings).index(device.id) + 1
