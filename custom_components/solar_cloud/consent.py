"""The steps of the config flow in which the owner of an account lets us in."""

from abc import abstractmethod
import secrets
from typing import Any, Final

import voluptuous as vol

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import TextSelector

from .cloud.errors import CloudError
from .cloud.oauth import OAuth, Token, authorize_url
from .const import CONF_CODE, CONF_REDIRECT_URI
from .oauth import Returned, redirect_uri, returned_from, state_of, token_service
from .sign_in import Problem

NO_REDIRECT_URI: Final = "no_redirect_uri"
CONSENT_REFUSED: Final = "consent_refused"


class ConsentSteps(ConfigFlow):
    """Sends the owner to the vendor's page, and takes the code from there."""

    def __init__(self) -> None:
        """Begin without a code."""
        self._credentials: dict[str, str] = {}
        self._redirect_uri = ""
        self._returned = Returned()
        self._exchanged: tuple[str, Token] | None = None
        # Not one by which Home Assistant finds the flow: the code is pasted.
        self._state = secrets.token_urlsafe(9)

    @property
    @abstractmethod
    def _oauth(self) -> OAuth:
        """Return how the vendor does OAuth."""

    @abstractmethod
    async def _async_ask_again(self, problem: Problem) -> ConfigFlowResult:
        """Show the form before the consent again."""

    @abstractmethod
    async def _async_sign_in(
        self, credentials: dict[str, str], token: Token | None
    ) -> Problem | None:
        """Sign in; returns what went wrong."""

    @abstractmethod
    async def _async_after_sign_in(self) -> ConfigFlowResult:
        """Go on to what the flow was started for."""

    async def async_step_consent(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how the vendor's code gets here."""
        return self.async_show_menu(
            step_id="consent", menu_options=["redirect", "paste_code"]
        )

    async def async_step_redirect(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Send the browser to the vendor, which sends it back to Home Assistant."""
        if user_input is not None:
            self._returned = Returned(
                code=str(user_input.get("code", "")), error=user_input.get("error")
            )
            return self.async_external_step_done(next_step_id="returned")
        if problem := self._find_redirect_uri(paste=False):
            return await self._async_ask_again(problem)
        url = await self._async_authorize_url(state_of(self.hass, self.flow_id))
        return self.async_external_step(step_id="redirect", url=url)

    async def async_step_returned(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take what the browser came back with."""
        if problem := await self._async_take(self._returned):
            return await self._async_ask_again(problem)
        return await self._async_after_sign_in()

    async def async_step_paste_code(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the owner open the vendor's page, and paste what it shows afterwards."""
        problem = self._find_redirect_uri(paste=True)
        if problem is None and user_input is not None:
            problem = await self._async_take(returned_from(user_input[CONF_CODE]))
            if problem is None:
                return await self._async_after_sign_in()
        if problem and problem.client:
            return await self._async_ask_again(problem)
        return self.async_show_form(
            step_id="paste_code",
            data_schema=vol.Schema({vol.Required(CONF_CODE): TextSelector()}),
            errors=problem.errors if problem else {},
            description_placeholders={
                "authorize_url": await self._async_authorize_url(self._state),
                "message": problem.message if problem else "-",
            },
        )

    def _find_redirect_uri(self, *, paste: bool) -> Problem | None:
        """Find out where the vendor is to send the browser."""
        uri = redirect_uri(self.hass, self._oauth, self._credentials, paste=paste)
        if uri is None:
            return Problem(errors={CONF_REDIRECT_URI: NO_REDIRECT_URI}, client=True)
        self._redirect_uri = uri
        return None

    async def _async_authorize_url(self, state: str) -> str:
        return await authorize_url(
            async_get_clientsession(self.hass),
            self._oauth,
            self._credentials,
            self._redirect_uri,
            state,
        )

    async def _async_take(self, returned: Returned) -> Problem | None:
        """Change a code for tokens, once, and sign in with them."""
        if returned.error:
            return Problem(errors={"base": CONSENT_REFUSED}, message=returned.error)
        if returned.state not in (None, self._state):
            return Problem(errors={"base": "invalid_auth"})
        if not self._exchanged or self._exchanged[0] != returned.code:
            service = token_service(self.hass, self._oauth, self._credentials)
            try:
                token = await service.exchange(returned.code, self._redirect_uri)
            except CloudError as err:
                return Problem.of(err)
            self._exchanged = (returned.code, token)
        return await self._async_sign_in(self._credentials, self._exchanged[1])
