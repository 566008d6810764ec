"""The wire of FoxESS: signed requests, error numbers, one method an interface."""

from collections.abc import Mapping, Sequence
from hashlib import md5
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession

from ..errors import (
    AnswerLost,
    AuthenticationFailed,
    CloudError,
    QuotaExceeded,
    UnexpectedAnswer,
)
from ..oauth import AccessToken
from ..quota import Call, Ledger, Purpose
from ..transport import Answer, request
from ..values import number
from . import endpoints as on
from .endpoints import Endpoint
from .errnos import DAY_SPENT, TRANSIENT, by_status, outcome
from .limits import DAY, QUERY, UPDATE

HOSTS = ("https://www.foxesscloud.com", "https://portal.foxesscloud.us")

# The document asks scripts to name a User-Agent of their own.
USER_AGENT = "Mozilla/5.0 (compatible; Home Assistant; SolarCloud)"

PAGE_SIZE = 100
MAX_PAGES = 100
BATCH = 50
PATIENT = 3

# First and longest pause in s after a refusal by the rate limits.
PAUSES = {DAY: (900.0, 7200.0), QUERY: (3.0, 300.0), UPDATE: (6.0, 300.0)}

# What an answer is about, for the name under which it is kept.
ABOUT = ("id", "sn", "deviceSN", "key", "dimension", "currentPage")


def signature(path: str, token: str, timestamp: int) -> str:
    r"""Return the signature of a request: MD5 over parts joined by a literal `\r\n`."""
    text = rf"{path}\r\n{token}\r\n{timestamp}"
    return md5(text.encode(), usedforsecurity=False).hexdigest()


class FoxessClient:
    """The interfaces of FoxESS for one account; every method may raise a CloudError."""

    def __init__(
        self,
        session: ClientSession,
        host: str,
        key: str | AccessToken,
        ledger: Ledger,
        language: str = "en",
    ) -> None:
        """Sign with an API key made in the portal, or with an access token ("Oauth")."""
        self._session = session
        self._host = host.rstrip("/")
        self._key = key
        self._ledger = ledger
        self._language = language
        self.raw: dict[str, Any] = {}

    async def call(
        self,
        endpoint: Endpoint,
        *,
        subjects: Sequence[str] = (),
        purpose: Purpose = Purpose.POLL,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        attempts: int = 1,
    ) -> Any:
        """Make one call within the allowances and return its `result`.

        A query that failed for a moment is repeated, up to `attempts` in all; whatever
        was turned away for its access token, once more with a new one.
        """
        call = Call(
            endpoint=endpoint.path,
            purpose=purpose,
            subjects=tuple(subjects),
            cost=max(1, len(subjects)),
        )
        while True:
            attempts -= 1
            try:
                return await self._admitted(call, endpoint, params, body)
            except CloudError as err:
                if not attempts or err.code not in TRANSIENT:
                    raise

    async def _admitted(
        self,
        call: Call,
        endpoint: Endpoint,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> Any:
        """Make a call, once more where its access token had ended before its time."""
        token = await self._token()
        try:
            return await self._call(call, endpoint, params, body, token)
        except AuthenticationFailed:
            if isinstance(self._key, str):
                raise
            token = await self._key(token)
        return await self._call(call, endpoint, params, body, token)

    async def _token(self) -> str:
        return self._key if isinstance(self._key, str) else await self._key()

    async def _call(
        self,
        call: Call,
        endpoint: Endpoint,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        token: str,
    ) -> Any:
        async with self._ledger.admit(call):
            try:
                answer = await self._send(endpoint, params, body, token)
            except QuotaExceeded as err:
                raise self._limited(call, endpoint, err) from None
        if answer.date:
            self._ledger.sync(answer.date)
        if error := _error(endpoint, answer):
            if isinstance(error, QuotaExceeded):
                error = self._limited(call, endpoint, error)
            raise error
        self._ledger.succeeded(call)
        result = answer.body.get("result")
        self._keep(endpoint, params, body, result)
        return result

    async def _send(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        token: str,
    ) -> Answer:
        timestamp = round(self._ledger.time * 1000)
        own_key = isinstance(self._key, str)
        shown = {"token": token} if own_key else {"Authorization": f"Bearer {token}"}
        headers = {
            **shown,
            "lang": self._language,
            "timestamp": str(timestamp),
            "signature": signature(endpoint.path, token, timestamp),
            "User-Agent": USER_AGENT,
        }
        try:
            return await request(
                self._session,
                endpoint.method,
                f"{self._host}{endpoint.path}",
                headers=headers,
                params=params,
                body=body,
            )
        except UnexpectedAnswer as err:
            raise by_status(int(err.code or HTTPStatus.OK), err.words) from None

    def _limited(
        self, call: Call, endpoint: Endpoint, err: CloudError
    ) -> QuotaExceeded:
        """Close the allowance that a refusal was about, and tell until when."""
        spacing = UPDATE if endpoint.update else QUERY
        name = DAY if err.code == str(DAY_SPENT) else spacing
        retry_at = self._ledger.close(name, call, *PAUSES[name])
        return QuotaExceeded(err.words, code=err.code, retry_at=retry_at)

    def _keep(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        result: Any,
    ) -> None:
        """Remember the last answer of each interface and subject, for diagnostics."""
        asked = {**(params or {}), **(body or {})}
        if "sns" in asked:
            for row in _rows(result):
                self.raw[f"{endpoint.path} {row.get('deviceSN')}"] = row
            return
        about = "/".join(str(asked[key]) for key in ABOUT if key in asked)
        self.raw[f"{endpoint.path} {about}".strip()] = result

    async def _pages(self, endpoint: Endpoint) -> list[dict[str, Any]]:
        """Return the rows of all pages of a list."""
        rows: list[dict[str, Any]] = []
        for page in range(1, MAX_PAGES + 1):
            result = _object(
                await self.call(
                    endpoint,
                    body={"currentPage": page, "pageSize": PAGE_SIZE},
                    attempts=PATIENT,
                )
            )
            found = _rows(result.get("data"))
            rows += found
            if not found or len(rows) >= _total(result, len(rows)):
                break
        return rows

    async def plants(self) -> list[dict[str, Any]]:
        """Return the plants: stationID, name, ianaTimezone ("Get power station list")."""
        return await self._pages(on.PLANT_LIST)

    async def plant(self, plant: str) -> dict[str, Any]:
        """Return a plant: capacity in kW, timezone ("Get power station detail")."""
        return _object(await self.call(on.PLANT_DETAIL, params={"id": plant}))

    async def devices(self) -> list[dict[str, Any]]:
        """Return the inverters ("Get device list")."""
        return await self._pages(on.DEVICE_LIST)

    async def loggers(self) -> list[dict[str, Any]]:
        """Return the data loggers with their signal, 0 to 100 ("Get Data Logger list")."""
        return await self._pages(on.MODULE_LIST)

    async def meters(self) -> list[dict[str, Any]]:
        """Return the meters ("Get meter list")."""
        return await self._pages(on.METER_LIST)

    async def device(self, sn: str, *, v0: bool = False) -> dict[str, Any]:
        """Return an inverter: capacity in kW, versions, batteries ("Get device detail")."""
        endpoint = on.DEVICE_DETAIL_V0 if v0 else on.DEVICE_DETAIL_V1
        return _object(await self.call(endpoint, subjects=[sn], params={"sn": sn}))

    async def realtime(
        self, sns: Sequence[str], *, purpose: Purpose = Purpose.POLL, v0: bool = False
    ) -> list[dict[str, Any]]:
        """Return the last sample of up to 50 inverters ("Get device real-time data")."""
        if v0:
            body: dict[str, Any] = {"sn": sns[0]}
        else:
            body = {"sns": list(sns)}
        endpoint = on.REAL_V0 if v0 else on.REAL_V1
        return _rows(
            await self.call(
                endpoint, subjects=sns, purpose=purpose, body=body, attempts=PATIENT
            )
        )

    async def history(
        self, sn: str, begin: int, end: int, variables: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Return samples between two instants (ms), at most 24 hours apart."""
        body: dict[str, Any] = {"sn": sn, "begin": begin, "end": end}
        if variables:
            body["variables"] = list(variables)
        return _rows(
            await self.call(
                on.HISTORY, subjects=[sn], purpose=Purpose.HISTORY, body=body
            )
        )

    async def report(
        self,
        sn: str,
        variables: Sequence[str],
        year: int,
        month: int | None = None,
        day: int | None = None,
        purpose: Purpose = Purpose.POLL,
    ) -> dict[str, list[Any]]:
        """Return kWh per month of a year, day of a month or hour of a day.

        The plant's time zone decides ("Get device production report").
        """
        dimension = "day" if day else "month" if month else "year"
        body: dict[str, Any] = {"sn": sn, "year": year, "dimension": dimension}
        body |= {k: v for k, v in (("month", month), ("day", day)) if v}
        rows = await self.call(
            on.REPORT,
            subjects=[sn],
            purpose=purpose,
            body=body | {"variables": list(variables)},
        )
        return {
            str(row["variable"]): row["values"]
            for row in _rows(rows)
            if "variable" in row and isinstance(row.get("values"), list)
        }

    async def generation(self, sn: str) -> dict[str, Any]:
        """Return kWh of today, this month and ever ("Get device power generation")."""
        return _object(await self.call(on.GENERATION, subjects=[sn], params={"sn": sn}))

    async def variables(self) -> Any:
        """Return the variables that there are, with units ("Get available variables")."""
        return await self.call(on.VARIABLES)

    async def fault_texts(self) -> dict[str, dict[str, str]]:
        """Return the texts of error codes by language ("Get error code information")."""
        result = await self.call(on.FAULT_TEXTS)
        rows = [result] if isinstance(result, dict) else _rows(result)
        return {
            str(code): text
            for row in rows
            for code, text in row.items()
            if isinstance(text, dict)
        }

    async def faults(self, sn: str, day: str) -> list[dict[str, Any]]:
        """Return the faults of a day, YYYY-MM-DD ("Get Device Fault History")."""
        result = await self.call(
            on.FAULT_HISTORY, subjects=[sn], body={"sn": sn, "date": day}
        )
        return _rows(_object(result).get("faults") or [])

    async def access_count(self) -> tuple[int | None, int | None]:
        """Return the calls allowed and remaining ("Get the number of … accesses")."""
        result = _object(await self.call(on.ACCESS_COUNT))
        return _whole(result.get("total")), _whole(result.get("remaining"))

    async def read(
        self,
        endpoint: Endpoint,
        sn: str,
        purpose: Purpose,
        *,
        attempts: int | None = None,
        **asked: Any,
    ) -> dict[str, Any]:
        """Read a group of settings of a device; empty where the device has no answer.

        Whoever waits for a command is spared a query that failed for a moment.
        """
        patience = PATIENT if purpose is Purpose.COMMAND else 1
        subject = {"deviceSN" if "scheduler" in endpoint.path else "sn": sn}
        sent = {"params" if endpoint.method == "GET" else "body": {**subject, **asked}}
        result = await self.call(
            endpoint,
            subjects=[sn],
            purpose=purpose,
            attempts=patience if attempts is None else attempts,
            **sent,
        )
        return {} if result is None else _object(result)

    async def change(self, endpoint: Endpoint, sn: str, **settings: Any) -> None:
        """Change a group of settings of a device; never repeated by itself.

        An answer that does not say what happened raises AnswerLost.
        """
        subject = {"deviceSN" if "scheduler" in endpoint.path else "sn": sn}
        try:
            await self.call(
                endpoint,
                subjects=[sn],
                purpose=Purpose.COMMAND,
                body={**subject, **settings},
            )
        except UnexpectedAnswer as err:
            raise AnswerLost(err.words, code=err.code) from None


def _error(endpoint: Endpoint, answer: Answer) -> CloudError | None:
    """Return what an answer says went wrong; only `errno` tells, not the words."""
    body = answer.body
    if not isinstance(body, dict) or "errno" not in body:
        return by_status(answer.status, "no errno")
    return outcome(body, update=endpoint.update)


def _object(result: Any) -> dict[str, Any]:
    if not isinstance(result, dict):
        raise UnexpectedAnswer(f"result is {type(result).__name__}, not an object")
    return result


def _rows(result: Any) -> list[dict[str, Any]]:
    if not isinstance(result, list):
        raise UnexpectedAnswer(f"result is {type(result).__name__}, not a list")
    return [row for row in result if isinstance(row, dict)]


def _total(result: Mapping[str, Any], default: int) -> int:
    """Return how many rows there are on all pages, where a list tells it."""
    if (sent := result.get("total")) is None:
        return default
    if (total := _whole(sent)) is None:
        raise UnexpectedAnswer("total is no number")
    return total


def _whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)
