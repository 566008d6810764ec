"""How calls are signed: the one session of an API account (3.2), or an owner's token."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from ..errors import AccountLocked, AuthenticationFailed, CloudError, UnexpectedAnswer
from ..oauth import AccessToken
from ..quota import Call, Ledger, Purpose
from . import endpoints as on
from .codes import SessionLost
from .wire import Wire

TOKEN = "XSRF-TOKEN"
COOKIE = "Set-Cookie"
AUTHORIZATION = "Authorization"
BEARER = "Bearer "

# A session ends when it has not been used for so long (s), with a margin.
VALID = 1800.0 - 60.0
LOCKED_FOR = 1800.0
# Another client takes the session away when it is lost twice within this time.
TWICE_WITHIN = 600.0
TOLD_FOR = 3600.0
RELOGIN_AFTER = 240.0
OTHER_CLIENT = "other_client"


# The session of each account: a flow that signs in and the entry have the same one.
_LIVE: WeakKeyDictionary[Ledger, dict[str, Any]] = WeakKeyDictionary()


class Access(Protocol):
    """How an account's calls are signed."""

    async def headers(self, purpose: Purpose) -> Mapping[str, str]:
        """Return the headers that sign a call; signs in where nobody is."""
        ...

    async def renew(self, used: Mapping[str, str], purpose: Purpose) -> None:
        """Sign in again after a call with these headers found nobody signed in."""
        ...

    def used(self) -> None:
        """Note that a call was answered, which prolongs a session."""
        ...

    @property
    def warnings(self) -> frozenset[str]:
        """Return what the owner should know about the sign-in."""
        ...


class AccountSession:
    """The session of an API account; it ends when another client logs in."""

    def __init__(
        self, wire: Wire, username: str, password: str, memory: dict[str, Any]
    ) -> None:
        """Take over the session that was stored, when it is this account's."""
        self._wire = wire
        self._username = username
        self._password = password
        self._refused: CloudError | None = None
        self._lock = asyncio.Lock()
        name = f"{wire.host}|{username}|{password}"
        owner = sha256(name.encode()).hexdigest()[:16]
        kept: dict[str, Any] = memory.get("session", {})
        if kept.get("owner") != owner:
            kept = {"owner": owner}
        live = _LIVE.get(wire.ledger, {})
        if live.get("owner") == owner and live.get("used", 0.0) >= kept.get(
            "used", 0.0
        ):
            kept = live
        self._kept = memory["session"] = _LIVE[wire.ledger] = kept

    @property
    def _now(self) -> float:
        return self._wire.ledger.time

    async def headers(self, purpose: Purpose) -> Mapping[str, str]:
        """Return the session's token; logs in where there is none any more."""
        async with self._lock:
            kept = self._kept
            if not kept.get("token") or self._now - kept["used"] >= VALID:
                await self._login(purpose)
            return {TOKEN: kept["token"]}

    async def renew(self, used: Mapping[str, str], purpose: Purpose) -> None:
        """Log in again, once in a cycle; others may already have done so."""
        async with self._lock:
            kept = self._kept
            if kept.get("token") != used[TOKEN]:
                return
            kept["lost"] = [*kept.get("lost", []), self._now][-2:]
            del kept["token"]
            again = kept.get("relogin", 0.0) + RELOGIN_AFTER
            if self._now < again:
                kept["wait"] = again
                raise SessionLost("The session was lost again")
            kept["relogin"] = self._now
            await self._login(purpose)

    def used(self) -> None:
        """Note that the session is still alive."""
        self._kept["used"] = self._now

    @property
    def warnings(self) -> frozenset[str]:
        """Return whether another client seems to use the account."""
        lost = self._kept.get("lost", [])
        if len(lost) < 2 or lost[1] - lost[0] > TWICE_WITHIN:
            return frozenset()
        return frozenset((OTHER_CLIENT,) if self._now - lost[1] < TOLD_FOR else ())

    async def _login(self, purpose: Purpose) -> None:
        """Log in (3.2.2.1); a refused password is not tried again, a lock is waited for."""
        kept = self._kept
        if self._refused:
            raise self._refused
        if self._now < kept.get("locked_until", 0.0):
            raise AccountLocked(kept["locked_words"], code=kept["locked_code"])
        if self._now < kept.get("wait", 0.0):
            raise SessionLost("The session was lost a moment ago")
        try:
            reply = await self._wire.send(
                Call(endpoint=on.LOGIN.path, purpose=purpose),
                on.LOGIN,
                {"userName": self._username, "systemCode": self._password},
                {},
            )
        except AccountLocked as err:
            kept["locked_until"] = self._now + LOCKED_FOR
            kept["locked_words"], kept["locked_code"] = err.words, err.code
            raise
        except AuthenticationFailed as err:
            self._refused = err
            raise
        except UnexpectedAnswer as err:
            # Some servers answer an unknown name or a wrong password with nothing.
            if err.words != "empty body" or kept.get("known"):
                raise
            self._refused = AuthenticationFailed(err.words, code=err.code)
            raise self._refused from None
        if not (token := _token(reply.headers)):
            raise UnexpectedAnswer("login without a token")
        kept["token"], kept["used"], kept["known"] = token, self._now, True


class OwnerAccess:
    """An owner's authorisation (3.1): access tokens of an hour, refreshed when they end."""

    warnings: frozenset[str] = frozenset()

    def __init__(self, token: AccessToken) -> None:
        """Take the access tokens from `token`."""
        self._token = token

    async def headers(self, purpose: Purpose) -> Mapping[str, str]:
        """Return the owner's access token."""
        return {AUTHORIZATION: f"{BEARER}{await self._token()}"}

    async def renew(self, used: Mapping[str, str], purpose: Purpose) -> None:
        """Refresh the token that was turned down."""
        await self._token(refused=used[AUTHORIZATION].removeprefix(BEARER))

    def used(self) -> None:
        """Do nothing: a token ends an hour after it was given."""


def _token(headers: Mapping[str, str]) -> str | None:
    """Return the token from the header, else from the cookie of the same name."""
    if token := headers.get(TOKEN):
        return token
    cookie = headers.get(COOKIE, "")
    name, _, rest = cookie.partition("=")
    return rest.partition(";")[0] or None if name.strip().upper() == TOKEN else None
