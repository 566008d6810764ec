"""The wire of both versions: who asks, what is refused and why, and what a plan lacks."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession

from ..errors import AuthenticationFailed, CloudError, QuotaExceeded, UnexpectedAnswer
from ..oauth import AccessToken
from ..quota import Call, Ledger, Purpose
from ..transport import Answer, request
from . import endpoints as on
from .endpoints import Endpoint
from .errors import error, spent
from .limits import MINUTE, PAUSES

HOSTS = ("https://api.enphaseenergy.com",)

type Params = Mapping[str, str]


class NotInPlan(CloudError):
    """The plan of the application key does not cover a call; the sign-in is good."""

    key = "no_permission"


class EnphaseClient:
    """The calls for one owner; every method may raise a CloudError."""

    def __init__(
        self,
        session: ClientSession,
        credentials: Mapping[str, str],
        ledger: Ledger,
        token: AccessToken | None,
    ) -> None:
        """Ask version 4 with a token and `api_key`, version 2 with `user_id` as well."""
        self._session = session
        self._host = credentials["host"].rstrip("/")
        self._key = credentials["api_key"]
        self._user = credentials.get("user_id", "")
        self._ledger = ledger
        self._token = token
        self.raw: dict[str, Any] = {}
        # Limits that refusals have told of, by the window's name.
        self.told: dict[str, int] = {}

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
        headers: Mapping[str, str] | None = None,
        purpose: Purpose = Purpose.POLL,
        about: str = "",
    ) -> Any:
        """Return the body of an answer, None where there is no content (204).

        Raises NotInPlan where the sign-in is good and the call is still refused.
        """
        call = Call(endpoint=endpoint.path, purpose=purpose, subjects=(system,))
        path = endpoint.path.format(system=system, serial=serial)
        found = await self._signed(call, endpoint, path, params, body, headers)
        name = " ".join(filter(None, (endpoint.path, system, serial, about)))
        self.raw[name] = found
        return found

    async def _signed(
        self,
        call: Call,
        endpoint: Endpoint,
        path: str,
        params: Params | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> Any:
        """Ask, once more with a fresh token, and find out why it is still refused."""
        if self._token is None:
            who = {"key": self._key, "user_id": self._user}
            asked = {**(params or {}), **who}
            return await self._ask(call, endpoint, path, asked, body, headers or {})
        token = await self._token()
        for attempt in range(2):
            shown = {"Authorization": f"Bearer {token}", "key": self._key}
            try:
                return await self._ask(
                    call,
                    endpoint,
                    path,
                    params or {},
                    body,
                    {**(headers or {}), **shown},
                )
            except AuthenticationFailed as err:
                if attempt:
                    raise await self._reason(endpoint, err, shown) from None
                token = await self._token(token)
        raise AssertionError

    async def _reason(
        self, endpoint: Endpoint, err: CloudError, shown: Mapping[str, str]
    ) -> CloudError:
        """Return why a call is refused: a plan without it says what a bad token says."""
        if endpoint is on.SYSTEMS:
            return err
        probe = Call(endpoint=on.SYSTEMS.path)
        try:
            await self._ask(probe, on.SYSTEMS, on.SYSTEMS.path, {}, None, shown)
        except AuthenticationFailed:
            return err
        return NotInPlan(err.words, code=err.code)

    async def _ask(
        self,
        call: Call,
        endpoint: Endpoint,
        path: str,
        params: Params,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Any:
        """Make one request within the allowances."""
        async with self._ledger.admit(call):
            try:
                answer = await request(
                    self._session,
                    endpoint.method,
                    f"{self._host}{path}",
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
