"""What the forms of the config flow are made of, and what the last one sums up."""

from collections.abc import Callable, Mapping

import voluptuous as vol

from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.helpers.translation import async_get_translations

from .cloud.control import Absent, Control
from .cloud.lease import CONTROLS
from .cloud.model import Plant, Snapshot
from .cloud.quantity import Kind, quantity
from .cloud.vendor import FieldKind, SignInField, Vendor, WayIn
from .const import DOMAIN
from .moment import stretch_of
from .sign_in import SignedIn

STEERING = ("select", "number", "switch", "button")


def without_secrets(way: WayIn, credentials: Mapping[str, str]) -> dict[str, str]:
    """Return what may be shown again of what was typed."""
    return {
        row.key: credentials[row.key]
        for row in way.fields
        if row not in way.secrets and row.key in credentials
    }


def schema(fields: tuple[SignInField, ...], *, optional: bool = False) -> vol.Schema:
    """Return the form for the fields of a way in, none of them needed if `optional`."""
    return vol.Schema(
        {
            (
                vol.Optional(row.key)
                if optional or row.optional
                else vol.Required(row.key)
            ): _field(row)
            for row in fields
        }
    )


def _field(row: SignInField) -> SelectSelector | TextSelector:
    if row.kind is FieldKind.HOST:
        return SelectSelector(
            SelectSelectorConfig(options=list(row.choices), custom_value=True)
        )
    if row.kind is FieldKind.CHOICE:
        return SelectSelector(
            SelectSelectorConfig(options=list(row.choices), translation_key=row.key)
        )
    secret = row.kind is FieldKind.SECRET
    return TextSelector(
        TextSelectorConfig(
            type=TextSelectorType.PASSWORD if secret else TextSelectorType.TEXT,
            autocomplete="current-password" if secret else "off",
        )
    )


def choose_plants(plants: Mapping[str, Plant]) -> SelectSelector:
    """Return a choice of plants."""
    return choose({plant.id: plant.name for plant in plants.values()})


def choose(names: Mapping[str, str]) -> SelectSelector:
    """Return a choice of what has these names, by its ids."""
    return SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(value=plant, label=name)
                for plant, name in names.items()
            ],
            multiple=True,
        )
    )


def summary(signed_in: SignedIn, words: Mapping[str, str]) -> dict[str, str]:
    """Return what the last form says: what was found, how fresh, what is absent."""
    vendor, snapshots = signed_in.vendor, signed_in.found.feeds.values()
    devices = {key: row for item in snapshots for key, row in item.devices.items()}
    rows = [
        (key, row)
        for item in snapshots
        for controls in item.controls.values()
        for key, row in controls.items()
    ]
    ranges = [vendor.run_range(device) for device in devices.values()]
    runs = {CONTROLS[kind] for found in ranges if found for kind in found.kinds}
    offered = runs | {key for key, row in rows if isinstance(row, Control)}
    absent = {
        key: row.reason
        for key, row in rows
        if isinstance(row, Absent) and key not in offered
    }
    return {
        "plants": ", ".join(row.name for row in signed_in.identity.plants.values()),
        "devices": str(len(devices)),
        **_freshness(signed_in),
        "controls": ", ".join(sorted(words.get(key, key) for key in offered)) or "-",
        "absent": ", ".join(
            sorted(
                f"{words.get(key, key)} ({words.get(reason, reason)})"
                for key, reason in absent.items()
            )
        )
        or "-",
    }


# What the last form tells the freshness of, and the keys that it is about.
FRESH: dict[str, Callable[[str], bool]] = {
    "minutes": lambda key: quantity(key).kind is Kind.POWER,
    "soc_minutes": lambda key: key == "battery_soc",
    "energy_minutes": lambda key: quantity(key).is_counter,
}


def _freshness(signed_in: SignedIn) -> dict[str, str]:
    """Return every how many minutes there will be something new, by kind of value."""
    vendor, found = signed_in.vendor, signed_in.found.feeds
    stretch = stretch_of(vendor, DOMAIN)
    vendor.ledger.leave(DOMAIN)
    plants = signed_in.identity.plants.values()
    uploads = max((row.uploads or 0.0 for row in plants), default=0.0)
    return {
        name: f"{max(_interval(vendor, found, fits) * stretch, uploads) / 60:.0f}"
        for name, fits in FRESH.items()
    }


def _interval(
    vendor: Vendor, found: Mapping[str, Snapshot], fits: Callable[[str], bool]
) -> float:
    """Return the interval of the feed that tells of keys; one not polled yet may do so."""
    telling = [
        feed
        for feed in vendor.feeds
        if feed.key in found
        and any(fits(key) for rows in found[feed.key].readings.values() for key in rows)
    ]
    measuring = [feed for feed in vendor.feeds if feed.measuring]
    coming = [feed for feed in measuring if feed.key not in found]
    return min(row.interval for row in telling or coming or measuring)


async def names_of_controls(hass: HomeAssistant) -> dict[str, str]:
    """Return the names of controls and of the reasons why one is absent."""
    found: dict[str, str] = {}
    for category in ("entity", "selector"):
        texts = await async_get_translations(
            hass, hass.config.language, category, {DOMAIN}
        )
        for path, text in texts.items():
            parts = path.split(".")
            platform, key = parts[3], parts[4]
            if category == "entity" and platform in STEERING and parts[5:] == ["name"]:
                found[key] = text
            elif category == "selector" and platform == "reason":
                found[parts[5]] = text
    return found
