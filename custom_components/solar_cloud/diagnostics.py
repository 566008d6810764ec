"""Diagnostics: all that helps to find a fault, and nothing that names the owner."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .account import Account, SolarCloudConfigEntry
from .cloud.control import Absent, Control
from .cloud.vendor import FieldKind
from .const import CONF_CREDENTIALS, CONF_HOST, CONF_TOKEN, CONF_WAY
from .devices import subject_of

PRIVATE = frozenset(("name", "latitude", "longitude", "serial"))


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: SolarCloudConfigEntry
) -> dict[str, Any]:
    """Return what is known of an account."""
    account = entry.runtime_data
    return _anonymous(account, _account(account))


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: SolarCloudConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return what is known of a plant or a device."""
    account = entry.runtime_data
    subject = subject_of(device.identifiers)
    house = account.house.data
    found = {
        "subject": subject,
        "device": asdict(house.devices[subject]) if subject in house.devices else None,
        "readings": _readings(account, subject),
        "controls": _controls(account, subject),
        "absent_controls": _absent(account).get(subject, {}),
        "raw": {key: row for key, row in account.vendor.raw.items() if subject in key},
    }
    return _anonymous(account, found)


def _account(account: Account) -> dict[str, Any]:
    house = account.house.data
    left = account.calls_left()
    return {
        "vendor": account.info.slug,
        "way": account.entry.data[CONF_WAY],
        "host": account.entry.data[CONF_CREDENTIALS].get(CONF_HOST),
        "options": dict(account.entry.options),
        "status": {plant: account.status(plant) for plant in house.plants},
        "plants": {key: asdict(row) for key, row in house.plants.items()},
        "devices": {key: asdict(row) for key, row in house.devices.items()},
        "readings": {
            subject: _readings(account, subject) for subject in house.readings
        },
        "controls": {device: _controls(account, device) for device in house.controls},
        "absent_controls": _absent(account),
        "absent_readings": {
            subject: {key: str(reason) for key, reason in rows.items()}
            for snapshot in account.snapshots().values()
            for subject, rows in snapshot.absent_readings.items()
        },
        "forced": {plant: account.leases.attributes(plant) for plant in house.plants},
        "feeds": {
            key: {
                "at": feed.data.at.isoformat() if feed.data else None,
                "success": feed.last_update_success,
                "error": str(feed.error) if feed.error else None,
                "interval": feed.update_interval and feed.update_interval.seconds,
            }
            for key, feed in account.feeds.items()
        },
        "quota": {
            "left": asdict(left) if left else None,
            "stretch": account.stretch(),
            "made": dict(account.vendor.ledger.made),
            "refused": dict(account.vendor.ledger.refused),
        },
        "history": {
            plant: account.history.attributes(plant)
            | {"progress": account.history.progress(plant)}
            for plant in house.plants
        },
        "memory": account.vendor.memory,
        "raw": dict(account.vendor.raw),
    }


def _readings(account: Account, subject: str) -> dict[str, Any]:
    rows = account.house.data.readings.get(subject, {})
    return {
        key: {"value": row.value, "at": row.at.isoformat()} for key, row in rows.items()
    }


def _controls(account: Account, device: str) -> dict[str, Any]:
    rows = account.house.data.controls.get(device, {})
    return {key: asdict(row) for key, row in rows.items() if isinstance(row, Control)}


def _absent(account: Account) -> dict[str, dict[str, str]]:
    """Return for each device the controls that it does not offer, and why."""
    return {
        device: {
            key: str(row.reason) for key, row in rows.items() if isinstance(row, Absent)
        }
        for device, rows in account.house.data.controls.items()
    }


def _anonymous(account: Account, found: dict[str, Any]) -> dict[str, Any]:
    """Return what was found without secrets and names; ids become aliases."""
    private = PRIVATE | account.info.private_fields
    redacted: dict[str, Any] = async_redact_data(found, private)
    return {key: _aliased(row, _aliases(account)) for key, row in redacted.items()}


def _aliases(account: Account) -> dict[str, str]:
    """Return what stands for each secret, serial number, id and name; longest first."""
    snapshots = account.snapshots().values()
    plants = {key: row for item in snapshots for key, row in item.plants.items()}
    devices = {key: row for item in snapshots for key, row in item.devices.items()}
    aliases = dict.fromkeys(_secrets(account), REDACTED)
    for number, plant in enumerate(plants.values(), start=1):
        aliases |= {plant.id: f"plant_{number}", plant.name: f"Plant {number}"}
    for number, device in enumerate(devices.values(), start=1):
        aliases[device.id] = aliases[device.serial or device.id] = (
            f"{device.kind}_{number}"
        )
    absent = {key for item in snapshots for key in item.absent_readings}
    for number, subject in enumerate(sorted(absent - aliases.keys()), start=1):
        aliases[subject] = f"absent_{number}"
    return dict(sorted(aliases.items(), key=lambda row: -len(row[0])))


def _secrets(account: Account) -> Iterator[str]:
    """Yield what was typed to sign in, and the tokens that were got for it."""
    credentials = account.entry.data[CONF_CREDENTIALS]
    way = account.info.way(account.entry.data[CONF_WAY])
    for row in way.fields:
        if row.kind in (FieldKind.SECRET, FieldKind.TEXT) and row.key in credentials:
            yield credentials[row.key]
    kept = account.store.kept.tokens
    for token in (account.entry.data.get(CONF_TOKEN), kept.get("token")):
        if token:
            yield token["access_token"]
            yield token["refresh_token"] or token["access_token"]


def _aliased(value: Any, aliases: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            _aliased(str(key), aliases): _aliased(row, aliases)
            for key, row in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_aliased(row, aliases) for row in value]
    if isinstance(value, int) and str(value) in aliases:
        # Some vendors send ids as numbers.
        return aliases[str(value)]
    if not isinstance(value, str):
        return value
    for secret, alias in aliases.items():
        value = value.replace(secret, alias)
    return value
