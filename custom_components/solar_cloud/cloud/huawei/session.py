"""How calls are signed: the one session of an API account (3.2), or an owner's token."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol

from ..errors import AccountLocked, AuthenticationFailed, CloudError, UnexpectedAnswer
from ..oauth import AccessToken
from ..quota import Call, Purpose
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
        self._memory = memory
        self._refused: CloudError | None = None
        owner = f"{wire.host}|{username}|{password}"
        self._owner = sha256(owner.encode()).hexdigest()[:16]

    @property
    def _kept(self) -> dict[str, Any]:
        """Return the session as it is stored."""
        kept: dict[str, Any] = self._memory.setdefault("session", {})
        if kept.get("owner") != self._owner:
            kept.clear()
            kept["owner"] = self._owner
        return kept

    @property
    def _now(self) -> float:
        return self._wire.ledger.time

    async def headers(self, purpose: Purpose) -> Mapping[str, str]:
        """Return the session's token; logs in where there is none any more."""
        kept = self._kept
        if kept.get("token") and self._now - kept["used"] < VALID:
            return {TOKEN: kept["token"]}
        return {TOKEN: await self._login(purpose)}

    async def renew(self, used: Mapping[str, str], purpose: Purpose) -> None:
        """Log in again, once in a cycle; others may already have done so."""
        kept = self._kept
        if kept.get("token") != used[TOKEN]:
            return
        lost = [at for at in kept.get("lost", []) if self._now - at < TWICE_WITHIN]
        kept["lost"] = [*lost, self._now][-2:]
        kept.pop("token")
        if self._now - kept.get("login", 0.0) < RELOGIN_AFTER:
            kept["wait"] = kept["login"] + RELOGIN_AFTER
            raise SessionLost("The session was lost again")
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

    async def _login(self, purpose: Purpose) -> str:
        """Log in (3.2.2.1); a refused password is not tried again, a lock is waited for."""
        kept = self._kept
        if self._refused:
            raise self._refused
        if self._now < kept.get("locked_until", 0.0):
            raise AccountLocked(kept["locked_words"], code=kept["locked_code"])
        if self._now < kept.get("wait", 0.0):
            raise SessionLost("The session was lost a moment ago")
        kept["login"] = self._now
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
        return token


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
