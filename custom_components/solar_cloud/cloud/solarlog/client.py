"""The wire of Solar-Log: tokens, portals, statuses, one method a call."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from http import HTTPStatus
import re
from typing import Any

from aiohttp import ClientSession

from ..clock import Clock
from ..errors import (
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)
from ..quota import Call, Ledger, Purpose
from ..transport import Answer, request
from . import endpoints as on
from .limits import CALLS, PAUSES, Pace, past
from .tokens import Tokens

HOSTS = ("https://api.enerest.world",)
AUTH_HOSTS = ("https://auth.enerest.world",)
YESTERDAY, TODAY = "yesterday", "today"

type Query = Sequence[tuple[str, str]]

_PORTAL = re.compile(r"^(?:https?://)?([^./]+)")


def portal_of(typed: str) -> str:
    """Return a portal's name out of its name, domain or address."""
    found = _PORTAL.match(typed.strip())
    return found[1] if found else typed.strip()


class SolarlogClient:
    """The calls of the User API for one client; every method may raise a CloudError."""

    def __init__(
        self,
        session: ClientSession,
        clock: Clock,
        ledger: Ledger,
        credentials: Mapping[str, str],
        pace: Pace,
    ) -> None:
        """Take `host`, `auth_host`, `portal`, `client_id` and `client_secret`."""
        self._session = session
        self._clock = clock
        self._ledger = ledger
        self._pace = pace
        portal = portal_of(credentials["portal"])
        self._base = f"{credentials['host'].rstrip('/')}/api/v1/{portal}"
        self._tokens = Tokens(session, clock, ledger, credentials)
        self.raw: dict[str, Any] = {}

    async def _get(
        self,
        endpoint: str,
        *,
        query: Query = (),
        about: str = "",
        purpose: Purpose = Purpose.POLL,
        **where: str,
    ) -> Any:
        """Return an answer's body; a token that was turned away is renewed once."""
        plant = where.get("plant", "")
        subjects = (plant,) if plant else ()
        name = past(endpoint) if purpose is Purpose.HISTORY else endpoint
        call = Call(endpoint=name, subjects=subjects, purpose=purpose)
        token = await self._tokens.get()
        try:
            answer = await self._call(call, endpoint.format(**where), query, token)
        except AuthenticationFailed:
            self._tokens.forget(token)
            token = await self._tokens.get()
            answer = await self._call(call, endpoint.format(**where), query, token)
        told = " ".join(part for part in (endpoint, plant, about) if part)
        self.raw[told] = answer.body
        return answer.body

    async def _call(self, call: Call, path: str, query: Query, token: str) -> Answer:
        async with self._ledger.admit(call):
            try:
                answer = await request(
                    self._session,
                    "GET",
                    f"{self._base}{path}",
                    headers={"Authorization": f"Bearer {token}"},
                    params=list(query),
                )
                status, wait, words = answer.status, answer.retry_after, ""
            except UnexpectedAnswer as err:
                status, wait, words = int(err.code or 0), err.retry_after, err.words
                if status < HTTPStatus.BAD_REQUEST:
                    raise
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                raise self._limited(call, wait)
        if answer_error := by_status(status, words):
            raise answer_error
        if answer.date:
            self._ledger.sync(answer.date)
        self._ledger.succeeded(call)
        self._pace.succeeded(self._clock.now())
        return answer

    def _limited(self, call: Call, wait: float | None) -> QuotaExceeded:
        """Close the account for as long as the vendor says, else longer each time."""
        pauses = PAUSES if wait is None else (wait, wait)
        retry_at = self._ledger.close(CALLS, call, *pauses)
        self._pace.refused(self._clock.now())
        return QuotaExceeded(code=HTTPStatus.TOO_MANY_REQUESTS, retry_at=retry_at)

    # --- what there is -------------------------------------------------------------------

    async def plants(self) -> list[dict[str, Any]]:
        """Return the plants assigned to the user; out of order at times."""
        return rows(await self._get(on.PLANTS))

    async def plant(self, plant: str) -> dict[str, Any]:
        """Return a plant: label, plantSize in W, lastDataTransfer."""
        return fields(await self._get(on.PLANT, plant=plant))

    async def fleet_plants(self, fleet: str) -> list[dict[str, Any]]:
        """Return the plants of a fleet (Advanced)."""
        return rows(await self._get(on.FLEET_PLANTS, fleet=fleet, about=fleet))

    async def header(self, plant: str) -> dict[str, Any]:
        """Return a plant's healthStatus and fleets."""
        return fields(await self._get(on.HEADER, plant=plant))

    async def components(self, plant: str) -> list[dict[str, Any]]:
        """Return the components of today's epoch, with trackers and channels."""
        found = await self._get(on.COMPONENTS, plant=plant, date=TODAY)
        return rows(found)

    # --- values ----------------------------------------------------------------------------

    async def channels(
        self,
        plant: str,
        names: Iterable[str],
        first: str,
        last: str = TODAY,
        *,
        trackers: Iterable[str] = (),
        about: str = "",
        purpose: Purpose = Purpose.POLL,
    ) -> list[dict[str, Any]]:
        """Return the 5-minute slots of days, of the plant or of MPP trackers."""
        query = _asked(names, first, last)
        query += [(on.TRACKER_IDS, tracker) for tracker in trackers]
        found = await self._get(
            on.CHANNELS, plant=plant, query=query, about=about, purpose=purpose
        )
        return rows(found)

    async def component_channels(
        self,
        plant: str,
        names: Iterable[str],
        components: Iterable[str],
        first: str,
        *,
        about: str = "",
    ) -> list[dict[str, Any]]:
        """Return the 5-minute slots of components, whatever epoch they are in."""
        query = _asked(names, first, TODAY)
        query += [(on.CROSS_IDS, component) for component in components]
        found = await self._get(on.CROSS_EPOCH, plant=plant, query=query, about=about)
        return rows(found)

    async def month(
        self,
        plant: str,
        names: Iterable[str],
        first: date,
        purpose: Purpose = Purpose.POLL,
    ) -> list[dict[str, Any]]:
        """Return the days of a month."""
        found = await self._get(
            on.MONTH,
            plant=plant,
            year=f"{first.year:04}",
            month=f"{first.month:02}",
            query=_named(names),
            purpose=purpose,
        )
        return rows(found)

    async def year(
        self, plant: str, names: Iterable[str], year: int
    ) -> list[dict[str, Any]]:
        """Return the months of a year."""
        query = _named(names)
        return rows(
            await self._get(on.YEAR, plant=plant, year=f"{year:04}", query=query)
        )

    async def lifetime(self, plant: str, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return the years since the plant began."""
        return rows(await self._get(on.LIFETIME, plant=plant, query=_named(names)))


def by_status(status: int, words: str = "") -> CloudError | None:
    """Return what an HTTP status says went wrong; no error body is documented."""
    if status < HTTPStatus.BAD_REQUEST:
        return None
    if status == HTTPStatus.UNAUTHORIZED:
        return AuthenticationFailed(words, code=status)
    if status == HTTPStatus.FORBIDDEN:
        return PermissionDenied(words, code=status)
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
        return Refused(words, code=status)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return CloudUnavailable(words, code=status)
    return UnexpectedAnswer(words or f"HTTP {status}", code=status)


def rows(body: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; null is one without any."""
    if body is None:
        return []
    if not isinstance(body, list):
        raise UnexpectedAnswer(f"answer is {type(body).__name__}, not a list")
    return [row for row in body if isinstance(row, dict)]


def fields(body: Any) -> dict[str, Any]:
    """Return an object."""
    if not isinstance(body, dict):
        raise UnexpectedAnswer(f"answer is {type(body).__name__}, not an object")
    return body


def _named(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(on.NAMES, name) for name in names]


def _asked(names: Iterable[str], first: str, last: str) -> list[tuple[str, str]]:
    return [*_named(names), ("dateFrom", first), ("dateTo", last)]
