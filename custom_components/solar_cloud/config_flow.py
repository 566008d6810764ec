"""Config flow: vendor, sign-in, plants; reauthentication, reconfiguration, options."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    DateSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)

from .account import SolarCloudConfigEntry, sign_in_of
from .cloud.errors import CloudError
from .cloud.oauth import OAuth, Token
from .cloud.registry import VENDORS, way_in
from .cloud.vendor import VendorInfo, WayIn
from .consent import ConsentSteps
from .const import (
    CONF_CONTROL,
    CONF_CREDENTIALS,
    CONF_ENERGY_DASHBOARD,
    CONF_HISTORY_START,
    CONF_INVERT_METER,
    CONF_PLANT_IDS,
    CONF_PLANTS,
    CONF_RENAMED,
    CONF_TOKEN,
    CONF_VENDOR,
    CONF_WAY,
    CONF_WRITES_PER_DAY,
    DOMAIN,
)
from .forms import (
    choose,
    choose_plants,
    names_of_controls,
    schema,
    summary,
    without_secrets,
)
from .sign_in import (
    Problem,
    SignedIn,
    async_connect,
    async_look_around,
    async_recognise,
    checked,
    is_shown,
)
from .store import SignIn, async_hand_over_ledger, hand_over


class SolarCloudConfigFlow(ConsentSteps, domain=DOMAIN):
    """Asks for a vendor, signs in, and lets the user choose what to do with it."""

    VERSION = 1

    def __init__(self) -> None:
        """Start with nothing chosen."""
        super().__init__()
        self._way: WayIn | None = None
        self._signed_in: SignedIn | None = None
        self._recognised = False

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
        self._way = way
        problem = None
        if user_input is not None:
            credentials, errors = checked(way, user_input)
            if errors:
                problem = Problem(errors=errors)
            elif way.oauth:
                self._credentials = credentials
                return await self.async_step_consent()
            elif (problem := await self._async_sign_in(credentials, None)) is None:
                return await self._async_after_sign_in()
        return self._show_sign_in(way, user_input, problem)

    def _show_sign_in(
        self, way: WayIn, suggested: Mapping[str, Any] | None, problem: Problem | None
    ) -> ConfigFlowResult:
        """Show the form of a way in, filled in as far as it is known."""
        if suggested is None and self.source == SOURCE_RECONFIGURE:
            entry = self._get_reconfigure_entry()
            if entry.data[CONF_WAY] == way.step:
                suggested = without_secrets(way, entry.data[CONF_CREDENTIALS])
        return self.async_show_form(
            step_id=way.step,
            data_schema=self.add_suggested_values_to_schema(
                schema(way.fields), suggested
            ),
            errors=problem.errors if problem else {},
            description_placeholders={"message": problem.message if problem else "-"},
        )

    @override
    async def _async_ask_again(self, problem: Problem) -> ConfigFlowResult:
        """Show the form before the consent again."""
        way = self._require_way()
        if self.source == SOURCE_REAUTH:
            return self._show_reauth(way, problem)
        return self._show_sign_in(way, without_secrets(way, self._credentials), problem)

    @property
    @override
    def _oauth(self) -> OAuth:
        """Return how the vendor does OAuth."""
        oauth = self._require_way().oauth
        assert oauth
        return oauth

    @override
    async def _async_sign_in(
        self, credentials: dict[str, str], token: Token | None
    ) -> Problem | None:
        """Sign in, and look for the plants of the entry that the flow is about."""
        entry = self._entry
        way = self._require_way()
        owner = (entry.unique_id or "") if entry else ""
        try:
            self._signed_in = await async_connect(
                self.hass,
                SignIn(way=way, credentials=credentials, owner=owner),
                token,
                sign_in_of(entry) if entry else None,
            )
            self._recognised = entry is None or await async_recognise(
                self.hass, entry, self._signed_in
            )
        except CloudError as err:
            return Problem.of(err)
        return None

    @property
    def _entry(self) -> SolarCloudConfigEntry | None:
        """Return the entry that the flow is about, None for a new one."""
        if self.source == SOURCE_REAUTH:
            return self._get_reauth_entry()
        if self.source == SOURCE_RECONFIGURE:
            return self._get_reconfigure_entry()
        return None

    @override
    async def _async_after_sign_in(self) -> ConfigFlowResult:
        """Go on to what the flow was started for."""
        signed_in = self._require()
        if entry := self._entry:
            if not self._recognised:
                return self.async_abort(reason="wrong_account")
            return self.async_update_reload_and_abort(
                entry, unique_id=entry.unique_id, data=self._entry_data(signed_in)
            )
        await self.async_set_unique_id(signed_in.identity.unique_id)
        self._abort_if_unique_id_configured()
        if self._is_there(signed_in):
            return self.async_abort(reason="already_configured")
        await async_look_around(signed_in)
        if self._is_there(signed_in):
            return self.async_abort(reason="already_configured")
        return await self.async_step_finish()

    def _is_there(self, signed_in: SignedIn) -> bool:
        """Return whether another entry already shows one of these plants."""
        info, _ = way_in(self._require_way().step)
        return any(
            is_shown(self.hass, entry, signed_in)
            for entry in self._async_current_entries()
            if entry.data[CONF_VENDOR] == info.slug
        )

    def _require_way(self) -> WayIn:
        assert self._way
        return self._way

    def _require(self) -> SignedIn:
        assert self._signed_in
        return self._signed_in

    def _entry_data(self, signed_in: SignedIn) -> dict[str, Any]:
        info, way = way_in(self._require_way().step)
        data: dict[str, Any] = {
            CONF_VENDOR: info.slug,
            CONF_WAY: way.step,
            CONF_CREDENTIALS: dict(signed_in.sign_in.credentials),
            CONF_PLANT_IDS: signed_in.plants,
        }
        if signed_in.tokens:
            data[CONF_TOKEN] = signed_in.tokens.token
        if signed_in.renamed:
            data[CONF_RENAMED] = signed_in.renamed
        return data

    async def async_step_finish(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sum up what was found, and ask what to do with it."""
        signed_in = self._require()
        plants = signed_in.identity.plants
        data = self._entry_data(signed_in)
        info = VENDORS[data[CONF_VENDOR]]
        if user_input is not None:
            owner = signed_in.identity.unique_id
            hand_over(self.hass, owner, signed_in.found)
            await async_hand_over_ledger(
                self.hass, info, replace(signed_in.sign_in, owner=owner)
            )
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
            fields[vol.Required(CONF_PLANTS, default=sorted(plants))] = choose_plants(
                plants
            )
        if info.control:
            fields[vol.Required(CONF_CONTROL, default=False)] = BooleanSelector()
        fields[vol.Required(CONF_ENERGY_DASHBOARD, default=False)] = BooleanSelector()
        return self.async_show_form(
            step_id="finish",
            data_schema=vol.Schema(fields),
            description_placeholders=summary(
                signed_in, await names_of_controls(self.hass)
            ),
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
        problem = None
        if user_input is not None:
            new = {key: value for key, value in user_input.items() if value}
            credentials, _ = checked(way, {**entry.data[CONF_CREDENTIALS], **new})
            if way.oauth:
                self._credentials = credentials
                return await self.async_step_consent()
            problem = await self._async_sign_in(credentials, None)
            if problem is None:
                return await self._async_after_sign_in()
        return self._show_reauth(way, problem)

    def _show_reauth(self, way: WayIn, problem: Problem | None) -> ConfigFlowResult:
        """Show the form for the secrets; an app's may well be what it was."""
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=schema(way.secrets, optional=way.oauth is not None),
            errors=problem.errors if problem else {},
            description_placeholders={
                "account": self._get_reauth_entry().title,
                "message": problem.message if problem else "-",
            },
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

    def menu(slug: str) -> Any:
        async def step(
            self: SolarCloudConfigFlow, user_input: dict[str, Any] | None = None
        ) -> ConfigFlowResult:
            return await self._async_step_vendor(VENDORS[slug])

        return step

    def form(name: str) -> Any:
        async def step(
            self: SolarCloudConfigFlow, user_input: dict[str, Any] | None = None
        ) -> ConfigFlowResult:
            _, way = way_in(name)
            return await self._async_step_sign_in(way, user_input)

        return step

    for info in VENDORS.values():
        setattr(SolarCloudConfigFlow, f"async_step_{info.slug}", menu(info.slug))
        for way in info.ways:
            setattr(SolarCloudConfigFlow, f"async_step_{way.step}", form(way.step))


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
        fields[vol.Required(CONF_PLANTS, default=sorted(names))] = choose(names)
        fields[vol.Optional(CONF_INVERT_METER)] = choose(names)
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
