"""What the tests of the integration share: one clock, a home, and what they look at."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
import json
from pathlib import Path
import string
from typing import Any

from freezegun import api
from freezegun.api import FrozenDateTimeFactory
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.solar_cloud.account import Account
from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.const import DOMAIN, EVENT_COMMAND
from homeassistant.const import ATTR_ENTITY_ID, STATE_UNAVAILABLE
from homeassistant.core import Event, HomeAssistant, ServiceResponse, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er

from tests.simulator import Simulator

START = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)
LATITUDE, LONGITUDE, ZONE = 51.5, -0.1, "Europe/London"
COMPONENT = Path(__file__).parents[1] / "custom_components" / DOMAIN
ENTRY_ID = "01SOLARCLOUD"


class Time:
    """One time for Home Assistant, the integration and the simulator.

    Waiting on the integration's own clock costs nothing and moves the time; what Home
    Assistant has scheduled happens while `Home.pass_time` runs, never during a request.
    """

    def __init__(
        self, frozen: FrozenDateTimeFactory, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Take over the loop's time."""
        self._frozen = frozen
        self._loop = loop
        self._base = loop.time()
        self._started = self.now()
        self._warp = 0.0
        loop.slow_callback_duration = 1e9
        loop.time = lambda: api.real_monotonic() + self._warp  # type: ignore[method-assign]
        self.sync()
        self.asleep: asyncio.Event | None = None

    @property
    def clock(self) -> Clock:
        """Return the clock of the integration."""
        return Clock(now=self.now, monotonic=self._monotonic, sleep=self._sleep)

    def now(self) -> datetime:
        """Return the present."""
        return datetime.now(UTC)

    def _monotonic(self) -> float:
        return (self.now() - self._started).total_seconds()

    async def _sleep(self, seconds: float) -> None:
        if self.asleep:
            await self.asleep.wait()
        self._frozen.tick(seconds)
        await asyncio.sleep(0)

    def sync(self) -> None:
        """Let the loop catch up with what the integration slept."""
        self._warp = self._base + self._monotonic() - api.real_monotonic()

    def tick(self, seconds: float) -> None:
        """Move the time, and the loop with it."""
        self._frozen.tick(seconds)
        self.sync()

    def next_timer(self) -> float:
        """Return the seconds until the loop has something to do."""
        handles = self._loop._scheduled  # type: ignore[attr-defined]  # noqa: SLF001
        whens = [row.when() for row in handles if not row.cancelled()]
        return max(min(whens, default=0.0) - self._loop.time(), 0.5)


class Home:
    """A Home Assistant beside a simulated cloud."""

    def __init__(self, hass: HomeAssistant, sim: Simulator, time: Time) -> None:
        """Collect what is told about commands."""
        self.hass = hass
        self.sim = sim
        self.time = time
        self.entry: MockConfigEntry
        self.told: list[dict[str, Any]] = []
        hass.bus.async_listen(EVENT_COMMAND, self._tell)

    async def _tell(self, event: Event) -> None:
        self.told.append(dict(event.data))

    # --- set-up ---------------------------------------------------------------------

    def add_entry(
        self,
        name: str = "kh",
        *,
        control: bool = True,
        entry_id: str = ENTRY_ID,
        **options: Any,
    ) -> MockConfigEntry:
        """Add the entry of an account, not set up."""
        account = self.sim.account(name)
        plants = sorted(plant.id for plant in account.plants)
        self.entry = MockConfigEntry(
            domain=DOMAIN,
            entry_id=entry_id,
            unique_id=plants[0],
            title=account.plants[0].name,
            data={
                "vendor": account.vendor,
                "way": account.step,
                "credentials": dict(account.fields),
                "plant_ids": plants,
                **self._consented(account),
            },
            options={"plants": plants, "control": control} | options,
        )
        self.entry.add_to_hass(self.hass)
        return self.entry

    def _consented(self, account: Any) -> dict[str, Any]:
        """Return what an entry keeps of the owner's consent, where it needs one."""
        oauth = getattr(self.sim.vendors[account.vendor], "oauth", None)
        if oauth is None or "client_id" not in account.fields:
            return {}
        client, at = (
            oauth.clients[account.fields["client_id"]],
            self.sim.clock.seconds(),
        )
        scopes = client.scopes or oauth.rules.scopes
        answer = oauth.sign_in(client.id, scopes, at)
        token = {key: answer.pop(key) for key in ("access_token", "refresh_token")}
        expires_at = at + answer.pop("expires_in") - 60
        return {"token": {**token, "expires_at": expires_at, "granted": answer}}

    async def set_up(self, name: str = "kh", **options: Any) -> Account:
        """Set an account up and poll everything once."""
        self.add_entry(name, **options)
        return await self.load()

    async def load(self) -> Account:
        """Set the entry up."""
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()
        return self.account

    async def unload(self) -> None:
        """Unload the entry."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        await self.settle()

    @property
    def account(self) -> Account:
        """Return what the entry runs."""
        account: Account = self.entry.runtime_data
        return account

    @property
    def vendor(self) -> str:
        """Return the vendor of the entry."""
        vendor: str = self.entry.data["vendor"]
        return vendor

    # --- time -----------------------------------------------------------------------

    async def settle(self) -> None:
        """Let everything finish that goes on now."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def pass_time(
        self,
        seconds: float = 0,
        *,
        until: Callable[[], bool] | None = None,
        **span: Any,
    ) -> None:
        """Let time pass, timer by timer, until its end or until something is so."""
        target = self.time.now() + timedelta(seconds=seconds, **span)
        await self.settle()
        self.time.sync()
        while (left := (target - self.time.now()).total_seconds()) > 0:
            if until and until():
                return
            self.time.tick(min(left, self.time.next_timer()))
            await self.settle()
        assert not until or until(), "it did not become so"

    async def skip(self, **span: Any) -> Account:
        """Stop Home Assistant's account, and start it again some time later."""
        await self.unload()
        self.time.tick(timedelta(**span).total_seconds())
        return await self.load()

    # --- what is shown --------------------------------------------------------------

    def entity_id(self, subject: str, key: str) -> str:
        """Return the entity of a key of a plant or device."""
        registry = er.async_get(self.hass)
        unique_id = f"{self.vendor}_{subject}_{key}"
        found = [
            row.entity_id
            for row in er.async_entries_for_config_entry(registry, self.entry.entry_id)
            if row.unique_id == unique_id
        ]
        assert found, f"no entity {unique_id}"
        return found[0]

    def keys(self, subject: str) -> set[str]:
        """Return the keys of a subject's entities."""
        registry = er.async_get(self.hass)
        prefix = f"{self.vendor}_{subject}_"
        return {
            row.unique_id.removeprefix(prefix)
            for row in er.async_entries_for_config_entry(registry, self.entry.entry_id)
            if row.unique_id.startswith(prefix)
        }

    def state(self, subject: str, key: str) -> State:
        """Return the state of a key of a plant or device."""
        state = self.hass.states.get(self.entity_id(subject, key))
        assert state, f"{key} has no state"
        return state

    def value(self, subject: str, key: str) -> str:
        """Return the state of a key as text."""
        return self.state(subject, key).state

    def device_id(self, subject: str) -> str:
        """Return the registry's id of a plant or device."""
        device = self.device(subject)
        assert device
        return device.id

    def device(self, subject: str) -> dr.DeviceEntry | None:
        """Return the registry's entry of a plant or device."""
        rows = dr.async_entries_for_config_entry(
            dr.async_get(self.hass), self.entry.entry_id
        )
        return next((row for row in rows if (DOMAIN, subject) in row.identifiers), None)

    def shown(self) -> list[State]:
        """Return the states of all entities of the entry."""
        registry = er.async_get(self.hass)
        ids = {
            row.entity_id
            for row in er.async_entries_for_config_entry(registry, self.entry.entry_id)
        }
        return [row for row in self.hass.states.async_all() if row.entity_id in ids]

    def states(self) -> dict[str, str]:
        """Return the states of all entities of the entry by their ids."""
        return {row.entity_id: row.state for row in self.shown()}

    def unavailable(self) -> list[str]:
        """Return the entities that are unavailable."""
        return [row.entity_id for row in self.shown() if row.state == STATE_UNAVAILABLE]

    # --- what is done ---------------------------------------------------------------

    async def do(
        self, domain: str, service: str, subject: str, key: str, **data: Any
    ) -> None:
        """Call an action of an entity."""
        await self.hass.services.async_call(
            domain,
            service,
            {ATTR_ENTITY_ID: self.entity_id(subject, key)} | data,
            blocking=True,
        )

    async def press(self, subject: str, key: str) -> None:
        """Press a button."""
        await self.do("button", "press", subject, key)

    async def set_number(self, subject: str, key: str, value: float) -> None:
        """Set a number."""
        await self.do("number", "set_value", subject, key, value=value)

    async def act(
        self, action: str, subject: str | list[str], *, answer: bool = True, **data: Any
    ) -> ServiceResponse:
        """Call one of our own actions for plants or devices."""
        subjects = [subject] if isinstance(subject, str) else subject
        ids = [self.device_id(row) for row in subjects]
        return await self.hass.services.async_call(
            DOMAIN,
            action,
            {"device_id": ids} | data,
            blocking=True,
            return_response=answer,
        )

    def outcomes(self, control: str) -> list[tuple[str, str | None]]:
        """Return what was told of a control: outcomes with their evidence."""
        return [
            (row["outcome"], row["evidence"])
            for row in self.told
            if row["control"] == control
        ]

    def done(self, what: str) -> list[Any]:
        """Return the values with which devices carried something out."""
        return [row.value for row in self.sim.commands if row.what == what]

    def asked(self, endpoint: str = "") -> int:
        """Return how many requests an endpoint has seen."""
        return sum(endpoint in row.endpoint for row in self.sim.calls)

    def refused(self) -> list[str]:
        """Return the endpoints at which the cloud itself turned us away."""
        return [row.endpoint for row in self.sim.calls if row.refused]


@cache
def texts() -> dict[str, Any]:
    """Return the English texts."""
    path = COMPONENT / "translations" / "en.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def text_of(err: HomeAssistantError) -> str:
    """Return the English message of a translated error."""
    assert err.translation_domain == DOMAIN
    assert err.translation_key, "the error is not translated"
    exceptions = texts()["exceptions"]
    assert err.translation_key in exceptions, f"no text for {err.translation_key}"
    message: str = exceptions[err.translation_key]["message"]
    return filled(message, err.translation_placeholders)


def filled(message: str, words: Mapping[str, str] | None) -> str:
    """Return a text with its placeholders filled in; all of them must be there."""
    wanted = {name for _, name, _, _ in string.Formatter().parse(message) if name}
    assert wanted <= set(words or {}), f"{message!r} lacks {wanted - set(words or {})}"
    return message.format(**(words or {}))
