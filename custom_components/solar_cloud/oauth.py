"""OAuth as Home Assistant does it: where the owner consents, and where tokens are kept."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
import secrets

import jwt
from yarl import URL

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import (
    AUTH_CALLBACK_PATH,
    DATA_JWT_SECRET,
    HEADER_FRONTEND_BASE,
    MY_AUTH_CALLBACK_PATH,
    async_get_redirect_uri,
)
from homeassistant.helpers.http import current_request
from homeassistant.helpers.network import NoURLAvailableError, get_url

from .cloud.oauth import OAuth, Token, Tokens, TokenService
from .cloud.vendor import WayIn
from .const import CONF_REDIRECT_URI
from .store import AccountStore, clock_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What the vendor's page sent the browser back with."""

    code: str = ""
    state: str | None = None
    error: str | None = None


def returned_from(typed: str) -> Returned:
    """Return what is in a code, or in the whole address that the browser ended at."""
    try:
        query = URL(typed.strip()).query
    except ValueError:
        query = URL().query
    if not {"code", "error"} & query.keys():
        return Returned(code=typed.strip())
    return Returned(
        code=query.get("code", ""), state=query.get("state"), error=query.get("error")
    )


@callback
def state_of(hass: HomeAssistant, flow_id: str) -> str:
    """Return a state by which Home Assistant finds the flow again, as short as it goes."""
    secret = hass.data.setdefault(DATA_JWT_SECRET, secrets.token_hex())
    return jwt.encode(
        {"flow_id": flow_id}, secret, algorithm="HS256", headers={"typ": None}
    )


@callback
def redirect_uri(
    hass: HomeAssistant, oauth: OAuth, credentials: Mapping[str, str], *, paste: bool
) -> str | None:
    """Return where the vendor is to send the browser, None where that is not known."""
    if typed := credentials.get(CONF_REDIRECT_URI):
        return typed
    if paste and oauth.shows_code:
        return f"{oauth.host(credentials)}{oauth.shows_code}"
    return next(filter(oauth.allows, _own_addresses(hass, paste=paste)), None)


def _own_addresses(hass: HomeAssistant, *, paste: bool) -> Iterator[str]:
    """Yield the addresses at which Home Assistant can be reached, the best first."""
    with suppress(RuntimeError):
        yield async_get_redirect_uri(hass)
    request = current_request.get()
    if request and (base := request.headers.get(HEADER_FRONTEND_BASE)):
        yield f"{base}{AUTH_CALLBACK_PATH}"
    # Whoever copies the code from the address bar need not get anywhere.
    if paste:
        yield MY_AUTH_CALLBACK_PATH
    with suppress(NoURLAvailableError):
        yield f"{get_url(hass)}{AUTH_CALLBACK_PATH}"


def token_service(
    hass: HomeAssistant, oauth: OAuth, credentials: Mapping[str, str]
) -> TokenService:
    """Return the vendor's interface for tokens."""
    return TokenService(
        async_get_clientsession(hass), clock_of(hass), oauth, credentials
    )


def open_tokens(
    hass: HomeAssistant,
    way: WayIn,
    credentials: Mapping[str, str],
    consented: Token | None,
    store: AccountStore,
) -> Tokens | None:
    """Return the tokens of an entry: those of its consent, or what became of them.

    The account's file is written at once; a config entry would be written a second later.
    """
    if store.kept.tokens.get("consented") != consented:
        store.kept.tokens = {}
    if not way.oauth or not consented:
        return None

    async def save(token: Token) -> None:
        store.kept.tokens = {"consented": consented, "token": token}
        await store.async_save()

    return Tokens(
        token_service(hass, way.oauth, credentials),
        clock_of(hass),
        store.kept.tokens.get("token", consented),
        save,
    )
