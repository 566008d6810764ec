"""The wire of both versions: who asks, what is refused and why, and what a plan lacks."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession

from ..clock import Clock
from ..control import Reason
from ..errors import (
    AuthenticationFailed,
    CloudError,
    PermissionDenied,
    QuotaExceeded,
    UnexpectedAnswer,
)
from ..oauth import AccessToken
from ..quota import Call, Ledger, Purpose
from ..transport import Answer, request
from . import endpoints as on
from .endpoints import Endpoint
from .errors import error, spent
from .lacking import Lacking
from .limits import MINUTE, PAST, PAUSES

HOSTS = ("https://api.enphaseenergy.com",)

# The limit of a minute is waited for, that of a month is not.
LONGEST_WAIT = timedelta(seconds=75)

NEWLINE = "0a"

type Params = Mapping[str, str]
type Headers = Mapping[str, str]


class NotInPlan(CloudError):
    """The plan, or the owner, does not let us make a call; the sign-in is good."""

    key = "no_permission"


class EnphaseClient:
    """The calls for one owner; every method may raise a CloudError."""

    def __init__(
        self,
        session: ClientSession,
        credentials: Mapping[str, str],
        ledger: Ledger,
        token: AccessToken | None,
        lacking: Lacking,
    ) -> None:
        """Ask version 4 with a token and `api_key`, version 2 with `user_id` as well."""
        self._session = session
        self._host = credentials["host"].rstrip("/")
        self._key = credentials["api_key"]
        self._user = encoded(credentials.get("user_id", ""))
        self._ledger = ledger
        self._token = token
        self._lacking = lacking
        self._clock: Clock = lacking.clock
        self.raw: dict[str, Any] = {}
        # Limits that refusals have told of, by the window's name.
        self.told: dict[str, int] = {}
        # Whose calls of the past are counted apart.
        self.rationed = True

    @property
    def is_old(self) -> bool:
        """Return whether version 2 is asked."""
        return self._token is None

    async def call(
        self,
        endpoint: Endpoint,
        *,
        system: str = "",
        serial: str = "",
        params: Params | None = None,
        body: Mapping[str, Any] | None = None,
        purpose: Purpose = Purpose.POLL,
        about: str = "",
    ) -> Any:
        """Return the body of an answer, None where there is no content (204).

        Raises NotInPlan where the sign-in is good and the call is still refused, for some
        days without asking again; for commands it is asked all the same.
        """
        # What a run has set must not stay for days as an answer was wrong once.
        if purpose is not Purpose.COMMAND and self._lacking.why(endpoint, system):
            raise NotInPlan
        path = endpoint.path.format(system=system, serial=serial)
        call = self._counted(endpoint, purpose, system)
        url = f"{self._host}{path}"
        try:
            found = await self._waiting(call, endpoint, url, params or {}, body)
        except NotInPlan:
            self._lacking.add(endpoint, system, Reason.NOT_IN_PLAN)
            raise
        except PermissionDenied:
            self._lacking.add(endpoint, system, Reason.NO_PERMISSION)
            raise
        self._lacking.drop(endpoint, system)
        name = " ".join(filter(None, (endpoint.path, system, serial, about)))
        self.raw[name] = found
        return found

    def _counted(self, endpoint: Endpoint, purpose: Purpose, system: str) -> Call:
        """Return a call as it is booked.

        The plan of the polls leaves nothing over on a small plan: there the past has an
        allowance of its own.
        """
        if purpose is Purpose.HISTORY and self.rationed:
            return Call(endpoint=PAST, subjects=(system,))
        return Call(endpoint=endpoint.path, purpose=purpose, subjects=(system,))

    async def _waiting(
        self,
        call: Call,
        endpoint: Endpoint,
        url: str,
        params: Params,
        body: Mapping[str, Any] | None,
    ) -> Any:
        """Ask, after the minute where its hits are spent; who signs in is told at once."""
        patient = endpoint not in on.LISTS and call.purpose is not Purpose.COMMAND
        while True:
            try:
                return await self._signed(call, endpoint, url, params, body)
            except QuotaExceeded as err:
                now = self._clock.now()
                if not (patient and err.retry_at and err.code is None):
                    raise
                if err.retry_at - now > LONGEST_WAIT:
                    raise
                await self._clock.sleep((err.retry_at - now).total_seconds())

    async def _signed(
        self,
        call: Call,
        endpoint: Endpoint,
        url: str,
        params: Params,
        body: Mapping[str, Any] | None,
    ) -> Any:
        """Ask, once more with a fresh token, and find out why it is still refused."""
        method = endpoint.method
        if self._token is None:
            who = {"key": self._key, "user_id": self._user}
            try:
                return await self._ask(call, method, url, {**params, **who}, {}, body)
            except AuthenticationFailed as err:
                raise await self._reason(endpoint, err, who, {}) from None
        token = await self._token()
        shown = self._shown(token)
        try:
            return await self._ask(call, method, url, params, shown, body)
        except AuthenticationFailed:
            shown = self._shown(await self._token(token))
        try:
            return await self._ask(call, method, url, params, shown, body)
        except AuthenticationFailed as err:
            raise await self._reason(endpoint, err, {}, shown) from None

    def _shown(self, token: str) -> Headers:
        return {"Authorization": f"Bearer {token}", "key": self._key}

    async def _reason(
        self, endpoint: Endpoint, err: CloudError, who: Params, shown: Headers
    ) -> CloudError:
        """Return why a call is refused: a plan without it says what a bad token says."""
        if endpoint in on.LISTS:
            return err
        probe = on.OLD_SYSTEMS if self.is_old else on.SYSTEMS
        url = f"{self._host}{probe.path}"
        try:
            await self._ask(
                Call(endpoint=probe.path), probe.method, url, who, shown, None
            )
        except AuthenticationFailed:
            return err
        return NotInPlan(err.words, code=err.code)

    async def _ask(
        self,
        call: Call,
        method: str,
        url: str,
        params: Params,
        headers: Headers,
        body: Mapping[str, Any] | None,
    ) -> Any:
        """Make one request within the allowances."""
        async with self._ledger.admit(call):
            try:
                answer = await request(
                    self._session,
                    method,
                    url,
                    headers=headers,
                    params=params,
                    body=body,
                )
            except UnexpectedAnswer as err:
                if err.code == str(HTTPStatus.NO_CONTENT.value):
                    self._ledger.succeeded(call)
                    return None
                raise
        if answer.date:
            self._ledger.sync(answer.date)
        if (failure := error(answer)) is not None:
            if isinstance(failure, QuotaExceeded):
                failure = self._limited(call, answer, failure)
            raise failure
        self._ledger.succeeded(call)
        return answer.body

    def _limited(self, call: Call, answer: Answer, err: CloudError) -> QuotaExceeded:
        """Close the window that refused until it ends, and learn its limit."""
        window = spent(answer)
        name = window.period if window and window.period in PAUSES else MINUTE
        first, longest = PAUSES[name]
        if window and window.end:
            first = longest = max(1.0, window.end - self._ledger.time + 1)
        if window and window.limit:
            self.told[name] = window.limit
        retry_at = self._ledger.close(name, call, first, longest)
        return QuotaExceeded(err.words, code=err.code, retry_at=retry_at)


def encoded(user: str) -> str:
    """Return a user as version 2 wants one: the number in base64, in hexadecimal digits."""
    if not user.isdigit():
        return user
    return b64encode(user.encode()).hex() + NEWLINE
