"""Signing in: what was typed is checked, and tried at the vendor."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from yarl import URL

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .account import SolarCloudConfigEntry
from .cloud.errors import MALFORMED, CloudError, understood
from .cloud.model import Device
from .cloud.oauth import Token, Tokens
from .cloud.registry import way_in
from .cloud.vendor import Connection, FieldKind, Identity, Vendor, WayIn
from .const import CONF_PLANT_IDS, CONF_REDIRECT_URI, LOGGER
from .oauth import token_service
from .store import AccountStore, Found, SignIn, async_open_ledger, clock_of

# What a cloud's errors are called in a form, and what is wrong with a form itself.
ERRORS = frozenset(
    (
        "invalid_auth",
        "wrong_region",
        "no_permission",
        "no_plants",
        "locked",
        "quota",
        "cannot_connect",
        "unexpected_answer",
    )
)
INVALID_HOST: Final = "invalid_host"
INVALID_REDIRECT_URI: Final = "invalid_redirect_uri"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOOK_AROUND_FOR = 20.0


@dataclass(slots=True, kw_only=True)
class SignedIn:
    """What a successful sign-in found; `renamed` has our plant ids by the vendor's."""

    vendor: Vendor
    identity: Identity
    sign_in: SignIn
    found: Found
    tokens: Tokens | None = None
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def plants(self) -> list[str]:
        """Return the plants by the ids under which they were first seen."""
        return sorted(self.renamed.get(plant, plant) for plant in self.identity.plants)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a sign-in failed: errors by field, and the vendor's words."""

    errors: dict[str, str]
    message: str = "-"
    client: bool = False

    @classmethod
    def of(cls, err: CloudError) -> Self:
        """Return what an error means in a form; `client` where the app is unknown."""
        LOGGER.debug("Sign-in failed: %s", type(err).__name__)
        key = err.key if err.key in ERRORS else "unexpected_answer"
        return cls(
            errors={"base": key},
            message=err.words or "-",
            client=err.code == "invalid_client",
        )


def checked(
    way: WayIn, typed: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the credentials that were typed, and the errors of the form's fields."""
    given = {key: str(value).strip() for key, value in typed.items()}
    credentials = {key: value for key, value in given.items() if value}
    errors: dict[str, str] = {}
    for row in way.fields:
        if row.kind is not FieldKind.HOST:
            continue
        if host := normal_host(credentials.get(row.key, "")):
            credentials[row.key] = host
        else:
            errors[row.key] = INVALID_HOST
    uri = credentials.get(CONF_REDIRECT_URI)
    if uri and way.oauth and not (_is_address(uri) and way.oauth.allows(uri)):
        errors[CONF_REDIRECT_URI] = INVALID_REDIRECT_URI
    return credentials, errors


def normal_host(typed: str) -> str | None:
    """Return a host as a URL; plain HTTP is for this machine only."""
    try:
        url = URL(typed if "://" in typed else f"https://{typed}")
    except ValueError:
        return None
    if not url.host or (url.scheme != "https" and url.host not in LOOPBACK):
        return None
    if url.scheme not in ("http", "https"):
        return None
    return str(url.with_query(None).with_fragment(None)).rstrip("/")


def _is_address(typed: str) -> bool:
    try:
        url = URL(typed)
    except ValueError:
        return False
    return bool(url.host and url.scheme in ("http", "https"))


async def async_connect(
    hass: HomeAssistant,
    sign_in: SignIn,
    token: Token | None,
    heir_of: SignIn | None,
) -> SignedIn:
    """Sign in and list the plants; raises any CloudError."""
    way, credentials = sign_in.way, sign_in.credentials
    info, _ = way_in(way.step)
    tokens = None
    if way.oauth and token:
        service = token_service(hass, way.oauth, credentials)
        tokens = Tokens(service, clock_of(hass), token)
    vendor = way.connect(
        Connection(
            session=async_get_clientsession(hass),
            clock=clock_of(hass),
            ledger=await async_open_ledger(hass, info, sign_in, heir_of=heir_of),
            credentials=credentials,
            language=hass.config.language.split("-", 1)[0],
            token=tokens,
        )
    )
    with understood():
        identity = await vendor.identify()
    return SignedIn(
        vendor=vendor,
        identity=identity,
        sign_in=sign_in,
        found=Found(memory=vendor.memory),
        tokens=tokens,
    )


async def async_look_around(signed_in: SignedIn) -> None:
    """Find out, for a bounded time, what the account offers; set-up goes on from there."""
    try:
        async with asyncio.timeout(LOOK_AROUND_FOR):
            for feed in signed_in.vendor.feeds:
                await signed_in.vendor.poll(feed.key)
    except (CloudError, TimeoutError, *MALFORMED) as err:
        LOGGER.debug("Looked around until %s", type(err).__name__)
    # What was told of earlier hours is for statistics that are not there yet.
    signed_in.found.feeds = {
        key: replace(row, energy=()) for key, row in signed_in.vendor.snapshots.items()
    }


async def async_recognise(
    hass: HomeAssistant, entry: SolarCloudConfigEntry, signed_in: SignedIn
) -> bool:
    """Find the plants of an entry in an account, by their ids or by their devices.

    A cloud may call a plant differently for each way in; its devices' serials stay.
    """
    known = set(entry.data[CONF_PLANT_IDS])
    plants = set(signed_in.identity.plants)
    strange, missing = plants - known, known - plants
    if strange and missing:
        kept = await AccountStore(hass, entry).async_load()
        homes = {
            serial: device.plant
            for snapshot in kept.feeds.values()
            for serial, device in by_serial(snapshot.devices).items()
        }
        for serial, device in (await _async_devices(signed_in.vendor)).items():
            if device.plant in strange and homes.get(serial) in missing:
                signed_in.renamed[device.plant] = homes[serial]
    return bool(known & set(signed_in.plants))


async def _async_devices(vendor: Vendor) -> dict[str, Device]:
    """Return the devices of an account by their serials; raises any CloudError."""
    for feed in vendor.feeds:
        with understood():
            snapshot = await vendor.poll(feed.key)
        if snapshot.devices:
            return by_serial(snapshot.devices)
    return {}


def by_serial(devices: Mapping[str, Device]) -> dict[str, Device]:
    """Return devices by their serial numbers; those that have none are left out."""
    return {row.serial: row for row in devices.values() if row.serial}


def is_shown(
    hass: HomeAssistant, entry: SolarCloudConfigEntry, signed_in: SignedIn
) -> bool:
    """Return whether an entry shows one of the plants, under whichever id."""
    if set(entry.data[CONF_PLANT_IDS]) & set(signed_in.identity.plants):
        return True
    registry = dr.async_get(hass)
    shown = {
        row.serial_number
        for row in dr.async_entries_for_config_entry(registry, entry.entry_id)
    }
    return any(
        shown & by_serial(snapshot.devices).keys()
        for snapshot in signed_in.found.feeds.values()
    )
