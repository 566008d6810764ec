"""What survives a restart: the books of the ledger, and what an account knows.

Both are written at once and as a whole, so that a killed process finds them as they were
before its last call or command.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers.json import json_bytes, json_fragment
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from .cloud.clock import Clock
from .cloud.model import Snapshot
from .cloud.quota import Ledger
from .cloud.vendor import VendorInfo, WayIn
from .const import DOMAIN

VERSION = 1

CLOCK: HassKey[Clock] = HassKey(f"{DOMAIN}_clock")
_LEDGERS: HassKey[dict[str, Ledger]] = HassKey(f"{DOMAIN}_ledgers")
_FOUND: HassKey[dict[str, Found]] = HassKey(f"{DOMAIN}_found")


def clock_of(hass: HomeAssistant) -> Clock:
    """Return the clock that everything runs on."""
    return hass.data.setdefault(CLOCK, Clock())


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Who signs in, and how; `owner` is the account into which an application was let."""

    way: WayIn
    credentials: Mapping[str, str]
    owner: str = ""


def ledger_id(info: VendorInfo, sign_in: SignIn) -> str:
    """Return under which name the books of an account are kept; it tells no secret.

    A vendor counts an application's calls for each owner, unless its budget says else.
    """
    way, credentials = sign_in.way, sign_in.credentials
    parts = [credentials.get(key, "") for key in sorted(way.budget or credentials)]
    if way.oauth and not way.budget:
        parts.append(sign_in.owner)
    return sha256("|".join((info.slug, *parts)).encode()).hexdigest()[:16]


async def async_open_ledger(
    hass: HomeAssistant,
    info: VendorInfo,
    sign_in: SignIn,
    *,
    heir_of: SignIn | None = None,
) -> Ledger:
    """Return the books of an account, which the config flow and its entries share.

    A new secret of the same account takes over what was spent with the old one.
    """
    name = ledger_id(info, sign_in)
    ledgers = hass.data.setdefault(_LEDGERS, {})
    if name not in ledgers:
        store = Store[dict[str, Any]](
            hass,
            VERSION,
            f"{DOMAIN}.ledger.{name}",
            serialize_in_event_loop=False,
        )
        stored = await store.async_load()
        ledgers.setdefault(
            name,
            Ledger(
                info.allowances, clock_of(hass), stored=stored, save=store.async_save
            ),
        )
        _flush_at_stop(hass, ledgers[name])
        if heir_of and ledger_id(info, heir_of) != name:
            ledgers[name].adopt(await async_open_ledger(hass, info, heir_of))
    return ledgers[name]


async def async_hand_over_ledger(
    hass: HomeAssistant, info: VendorInfo, sign_in: SignIn
) -> None:
    """Give the books of a sign-in to the owner who turned out to be behind it."""
    unnamed = await async_open_ledger(hass, info, replace(sign_in, owner=""))
    named = await async_open_ledger(hass, info, sign_in)
    if named is not unnamed:
        named.adopt(unnamed)
        unnamed.clear()
        await named.flush()
        await unnamed.flush()


def _flush_at_stop(hass: HomeAssistant, ledger: Ledger) -> None:
    """Store the books without outstanding calls when Home Assistant stops."""

    async def flush(_: Event) -> None:
        await ledger.flush()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, flush)


@dataclass(slots=True)
class Found:
    """What the config flow found, so that set-up need not ask again."""

    memory: dict[str, Any] = field(default_factory=dict)
    feeds: Mapping[str, Snapshot] = field(default_factory=dict)


def hand_over(hass: HomeAssistant, unique_id: str, found: Found) -> None:
    """Leave what the config flow found for the entry that it creates."""
    hass.data.setdefault(_FOUND, {})[unique_id] = found


@dataclass(slots=True)
class Kept:
    """What an account keeps: snapshots by feed, memory, counters, leases, history.

    `tokens` are those of OAuth, beside the ones that they came from.
    """

    feeds: dict[str, Snapshot] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    counters: dict[str, Any] = field(default_factory=dict)
    leases: list[dict[str, Any]] = field(default_factory=list)
    history: dict[str, Any] = field(default_factory=dict)
    writes: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)


def _as_now(part: Any) -> Any:
    """Return a part as it is now, in the form that goes to the file."""
    return json_fragment(json_bytes(part))


class AccountStore:
    """The file of one config entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Name the file after the entry."""
        self._hass = hass
        self._unique_id = entry.unique_id or entry.entry_id
        self._store = Store[dict[str, Any]](
            hass,
            VERSION,
            f"{DOMAIN}.{entry.entry_id}",
            private=True,
            serialize_in_event_loop=False,
        )
        self.kept = Kept()
        self.writes = 0

    async def async_load(self) -> Kept:
        """Read the file; a new account has what the config flow found."""
        found = self._hass.data.get(_FOUND, {}).pop(self._unique_id, None)
        if stored := await self._store.async_load():
            feeds = {
                key: Snapshot.from_dict(row) for key, row in stored["feeds"].items()
            }
            self.kept = Kept(**{**stored, "feeds": feeds})
        elif found:
            self.kept = Kept(memory=found.memory, feeds=dict(found.feeds))
        return self.kept

    async def async_save(self) -> None:
        """Write the file now; what does not change any more is encoded off the loop."""
        self.writes += 1
        await self._store.async_save(
            {
                "feeds": dict(self.kept.feeds),
                "memory": _as_now(self.kept.memory),
                "counters": self.kept.counters,
                "leases": _as_now(self.kept.leases),
                "history": _as_now(self.kept.history),
                "writes": _as_now(self.kept.writes),
                "tokens": self.kept.tokens,
            }
        )

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()
