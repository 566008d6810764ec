"""Config flow: vendor, sign-in, plants; reauthentication, reconfiguration, options."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, override

import voluptuous as vol
from yarl import URL

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    BooleanSelector,
    DateSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.helpers.translation import async_get_translations

from .account import SolarCloudConfigEntry
from .cloud.control import Absent, Control
from .cloud.errors import MALFORMED, CloudError, understood
from .cloud.lease import CONTROLS
from .cloud.model import Plant
from .cloud.registry import VENDORS, way_in
from .cloud.vendor import (
    Connection,
    FieldKind,
    Identity,
    SignInField,
    Vendor,
    VendorInfo,
    WayIn,
)
from .const import (
    CONF_CONTROL,
    CONF_CREDENTIALS,
    CONF_ENERGY_DASHBOARD,
    CONF_HISTORY_START,
    CONF_HOST,
    CONF_INVERT_METER,
    CONF_PLANT_IDS,
    CONF_PLANTS,
    CONF_VENDOR,
    CONF_WAY,
    CONF_WRITES_PER_DAY,
    DOMAIN,
    LOGGER,
)
from .store import Found, async_open_ledger, clock_of, hand_over

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
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOOK_AROUND_FOR = 20.0
STEERING = ("select", "number", "switch", "button")


@dataclass(slots=True, kw_only=True)
class SignedIn:
    """What a successful sign-in found."""

    vendor: Vendor
    identity: Identity
    credentials: dict[str, str]
    found: Found


class SolarCloudConfigFlow(ConfigFlow, domain=DOMAIN):
    """Asks for a vendor, signs in, and lets the user choose what to do with it."""

    VERSION = 1

    def __init__(self) -> None:
        """Start with nothing chosen."""
        self._way: WayIn | None = None
        self._signed_in: SignedIn | None = None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(
        config_entry: SolarCloudConfigEntry,
    ) -> SolarCloudOptions:
        """Return the options flow."""
        return SolarCloudOptions()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the vendor."""
        return self.async_show_menu(
            step_id="user",
            menu_options=[
                info.slug if info.menu else info.ways[0].step
                for info in VENDORS.values()
            ],
        )

    async def _async_step_vendor(self, info: VendorInfo) -> ConfigFlowResult:
        """Ask for the way in."""
        return self.async_show_menu(
            step_id=info.slug, menu_options=[way.step for way in info.ways]
        )

    async def _async_step_sign_in(
        self, way: WayIn, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Ask for what a way in needs, and sign in with it."""
        errors: dict[str, str] = {}
        self._way = way
        words = {"message": "-"}
        if user_input is not None:
            errors, words = await self._async_sign_in(way, user_input)
            if not errors:
                return await self._async_after_sign_in()
        suggested = user_input
        if suggested is None and self.source == SOURCE_RECONFIGURE:
            entry = self._get_reconfigure_entry()
            if entry.data[CONF_WAY] == way.step:
                suggested = {
                    row.key: entry.data[CONF_CREDENTIALS][row.key]
                    for row in way.fields
                    if row not in way.secrets
                }
        return self.async_show_form(
            step_id=way.step,
            data_schema=self.add_suggested_values_to_schema(
                _schema(way.fields), suggested
            ),
            errors=errors,
            description_placeholders=words,
        )

    async def _async_sign_in(
        self, way: WayIn, user_input: Mapping[str, Any]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Sign in; returns form errors and the vendor's words."""
        info, _ = way_in(way.step)
        credentials = {key: str(value).strip() for key, value in user_input.items()}
        host = normal_host(credentials[CONF_HOST])
        if host is None:
            return {CONF_HOST: "invalid_host"}, {"message": "-"}
        credentials[CONF_HOST] = host
        try:
            vendor = way.connect(
                Connection(
                    session=async_get_clientsession(self.hass),
                    clock=clock_of(self.hass),
                    ledger=await async_open_ledger(
                        self.hass, info, credentials, heir_of=self._known_credentials()
                    ),
                    credentials=credentials,
                    language=self.hass.config.language.split("-", 1)[0],
                )
            )
            with understood():
                identity = await vendor.identify()
        except CloudError as err:
            LOGGER.debug("Sign-in failed: %s", type(err).__name__)
            key = err.key if err.key in ERRORS else "unexpected_answer"
            return {"base": key}, {"message": err.words or "-"}
        self._signed_in = SignedIn(
            vendor=vendor,
            identity=identity,
            credentials=credentials,
            found=Found(memory=vendor.memory),
        )
        return {}, {}

    def _known_credentials(self) -> Mapping[str, str] | None:
        """Return the credentials that new ones take the place of."""
        known: Mapping[str, str] | None = None
        if self.source == SOURCE_REAUTH:
            known = self._get_reauth_entry().data[CONF_CREDENTIALS]
        elif self.source == SOURCE_RECONFIGURE:
            known = self._get_reconfigure_entry().data[CONF_CREDENTIALS]
        return known

    async def _async_after_sign_in(self) -> ConfigFlowResult:
        """Go on to what the flow was started for."""
        signed_in = self._require()
        if self.source == SOURCE_REAUTH:
            entry = self._get_reauth_entry()
        elif self.source == SOURCE_RECONFIGURE:
            entry = self._get_reconfigure_entry()
        else:
            await self.async_set_unique_id(signed_in.identity.unique_id)
            self._abort_if_unique_id_configured()
            if self._known_plants(signed_in.identity.plants):
                return self.async_abort(reason="already_configured")
            await _look_around(signed_in)
            return await self.async_step_finish()
        if not set(entry.data[CONF_PLANT_IDS]) & set(signed_in.identity.plants):
            return self.async_abort(reason="wrong_account")
        return self.async_update_reload_and_abort(
            entry,
            unique_id=entry.unique_id,
            data=self._entry_data(signed_in),
        )

    def _known_plants(self, plants: Mapping[str, Plant]) -> bool:
        """Return whether another entry already shows one of these plants."""
        return any(
            plant in plants
            for entry in self._async_current_entries()
            for plant in entry.data[CONF_PLANT_IDS]
        )

    def _require(self) -> SignedIn:
        assert self._signed_in
        return self._signed_in

    def _entry_data(self, signed_in: SignedIn) -> dict[str, Any]:
        assert self._way
        info, way = way_in(self._way.step)
        return {
            CONF_VENDOR: info.slug,
            CONF_WAY: way.step,
            CONF_CREDENTIALS: signed_in.credentials,
            CONF_PLANT_IDS: sorted(signed_in.identity.plants),
        }

    async def async_step_finish(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sum up what was found, and ask what to do with it."""
        signed_in = self._require()
        plants = signed_in.identity.plants
        data = self._entry_data(signed_in)
        info = VENDORS[data[CONF_VENDOR]]
        if user_input is not None:
            hand_over(self.hass, signed_in.identity.unique_id, signed_in.found)
            chosen = user_input.get(CONF_PLANTS) or sorted(plants)
            names = ", ".join(plants[plant].name for plant in chosen)
            return self.async_create_entry(
                title=f"{info.name} {names}",
                data=data,
                options={
                    CONF_PLANTS: chosen,
                    CONF_CONTROL: bool(user_input.get(CONF_CONTROL)),
                    CONF_ENERGY_DASHBOARD: bool(user_input.get(CONF_ENERGY_DASHBOARD)),
                },
            )
        fields: dict[vol.Marker, Any] = {}
        if len(plants) > 1:
            fields[vol.Required(CONF_PLANTS, default=sorted(plants))] = _plants(plants)
        if info.control:
            fields[vol.Required(CONF_CONTROL, default=False)] = BooleanSelector()
        fields[vol.Required(CONF_ENERGY_DASHBOARD, default=False)] = BooleanSelector()
        return self.async_show_form(
            step_id="finish",
            data_schema=vol.Schema(fields),
            description_placeholders=_summary(signed_in, await _words(self.hass)),
        )

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Start reauthentication."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask again for the secrets of the way in that is in use."""
        entry = self._get_reauth_entry()
        _, way = way_in(entry.data[CONF_WAY])
        self._way = way
        errors: dict[str, str] = {}
        words = {"message": "-"}
        if user_input is not None:
            known = entry.data[CONF_CREDENTIALS]
            errors, words = await self._async_sign_in(way, {**known, **user_input})
            if not errors:
                return await self._async_after_sign_in()
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=_schema(way.secrets),
            errors=errors,
            description_placeholders={"account": entry.title, **words},
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the same menu or form as the user flow, for the vendor in use."""
        info = VENDORS[self._get_reconfigure_entry().data[CONF_VENDOR]]
        if info.menu:
            return await self._async_step_vendor(info)
        return await self._async_step_sign_in(info.ways[0], None)


def _add_steps() -> None:
    """Give the flow one step for each vendor with a menu, and one for each way in."""

    def menu(info: VendorInfo) -> Any:
        async def step(
            self: SolarCloudConfigFlow, user_input: dict[str, Any] | None = None
        ) -> ConfigFlowResult:
            return await self._async_step_vendor(info)

        return step

    def form(way: WayIn) -> Any:
        async def step(
            self: SolarCloudConfigFlow, user_input: dict[str, Any] | None = None
        ) -> ConfigFlowResult:
            return await self._async_step_sign_in(way, user_input)

        return step

    for info in VENDORS.values():
        setattr(SolarCloudConfigFlow, f"async_step_{info.slug}", menu(info))
        for way in info.ways:
            setattr(SolarCloudConfigFlow, f"async_step_{way.step}", form(way))


_add_steps()


class SolarCloudOptions(OptionsFlowWithReload):
    """The options of an entry."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the options."""
        entry: SolarCloudConfigEntry = self.config_entry
        if user_input is not None:
            kept = {
                key: value
                for key, value in entry.options.items()
                if key == CONF_ENERGY_DASHBOARD
            }
            return self.async_create_entry(data=kept | user_input)
        names = self._names(entry)
        fields: dict[vol.Marker, Any] = {}
        if VENDORS[entry.data[CONF_VENDOR]].control:
            fields[vol.Required(CONF_CONTROL, default=False)] = BooleanSelector()
        fields[vol.Required(CONF_PLANTS, default=sorted(names))] = _select(names)
        fields[vol.Optional(CONF_INVERT_METER)] = _select(names)
        fields[vol.Optional(CONF_HISTORY_START)] = DateSelector()
        fields[vol.Optional(CONF_WRITES_PER_DAY)] = NumberSelector(
            NumberSelectorConfig(min=1, max=1000, step=1, mode=NumberSelectorMode.BOX)
        )
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(fields), entry.options
            ),
        )

    def _names(self, entry: SolarCloudConfigEntry) -> dict[str, str]:
        """Return the names of the account's plants, as far as they are known."""
        names = {plant: plant for plant in entry.data[CONF_PLANT_IDS]}
        account = getattr(entry, "runtime_data", None)
        for snapshot in account.snapshots().values() if account else ():
            names |= {plant.id: plant.name for plant in snapshot.plants.values()}
        return names


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


def _schema(fields: tuple[SignInField, ...]) -> vol.Schema:
    return vol.Schema({vol.Required(row.key): _field(row) for row in fields})


def _field(row: SignInField) -> Any:
    if row.kind is FieldKind.HOST:
        return SelectSelector(
            SelectSelectorConfig(options=list(row.choices), custom_value=True)
        )
    secret = row.kind is FieldKind.SECRET
    return TextSelector(
        TextSelectorConfig(
            type=TextSelectorType.PASSWORD if secret else TextSelectorType.TEXT,
            autocomplete="current-password" if secret else "off",
        )
    )


def _plants(plants: Mapping[str, Plant]) -> SelectSelector:
    return _select({plant.id: plant.name for plant in plants.values()})


def _select(names: Mapping[str, str]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(value=plant, label=name)
                for plant, name in names.items()
            ],
            multiple=True,
        )
    )


async def _look_around(signed_in: SignedIn) -> None:
    """Find out, for a bounded time, what the account offers; set-up goes on from there."""
    try:
        async with asyncio.timeout(LOOK_AROUND_FOR):
            for feed in signed_in.vendor.feeds:
                await signed_in.vendor.poll(feed.key)
    except (CloudError, TimeoutError, *MALFORMED) as err:
        LOGGER.debug("Looked around until %s", type(err).__name__)
    signed_in.found.feeds = signed_in.vendor.snapshots


def _summary(signed_in: SignedIn, words: Mapping[str, str]) -> dict[str, str]:
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
    feed = next(row for row in vendor.feeds if row.measuring)
    return {
        "plants": ", ".join(row.name for row in signed_in.identity.plants.values()),
        "devices": str(len(devices)),
        "minutes": f"{feed.interval / 60:g}",
        "controls": ", ".join(sorted(words.get(key, key) for key in offered)) or "-",
        "absent": ", ".join(
            sorted(
                f"{words.get(key, key)} ({words.get(reason, reason)})"
                for key, reason in absent.items()
            )
        )
        or "-",
    }


async def _words(hass: HomeAssistant) -> dict[str, str]:
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
