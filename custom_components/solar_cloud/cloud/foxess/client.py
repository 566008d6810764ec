"""The wire of FoxESS: signed requests, error numbers, one method an interface."""

from collections.abc import Mapping, Sequence
from hashlib import md5
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession

from ..errors import (
    AnswerLost,
    AuthenticationFailed,
    Blocked,
    Busy,
    CloudError,
    CloudUnavailable,
    DeviceGone,
    DeviceOffline,
    NotSupported,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)
from ..quota import Call, Ledger, Purpose
from ..transport import Answer, request
from . import endpoints as on
from .endpoints import Endpoint
from .limits import DAY, QUERY, UPDATE

HOSTS = ("https://www.foxesscloud.com", "https://portal.foxesscloud.us")

# The document asks scripts to name a User-Agent of their own.
USER_AGENT = "Mozilla/5.0 (compatible; Home Assistant; SolarCloud)"

PAGE_SIZE = 100
MAX_PAGES = 100
BATCH = 50

ILLEGAL_TIMESTAMP = "timestamp"
TOO_FREQUENT = 40400
DAY_SPENT = 40402
HEADER = 40256

ERRORS: dict[int, type[CloudError]] = {
    30000: CloudUnavailable,
    40256: AuthenticationFailed,
    40257: Refused,
    40261: DeviceGone,
    40400: QuotaExceeded,
    40401: Busy,
    40402: QuotaExceeded,
    41038: AuthenticationFailed,
    41200: Busy,
    41201: AnswerLost,
    41202: AnswerLost,
    41203: AnswerLost,
    41807: AuthenticationFailed,
    41808: AuthenticationFailed,
    41809: AuthenticationFailed,
    41810: AuthenticationFailed,
    41811: PermissionDenied,
    41930: DeviceGone,
    41931: Busy,
    41932: Busy,
    41935: DeviceOffline,
    42015: NotSupported,
    42023: Refused,
    44096: Blocked,
    44098: Blocked,
}

STATUSES: dict[int, type[CloudError]] = {
    HTTPStatus.UNAUTHORIZED: AuthenticationFailed,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.NOT_FOUND: NotSupported,
    HTTPStatus.NOT_ACCEPTABLE: AuthenticationFailed,
    HTTPStatus.TOO_MANY_REQUESTS: QuotaExceeded,
}

# First and longest pause in s after a refusal by the rate limits.
PAUSES = {DAY: (900.0, 7200.0), QUERY: (3.0, 300.0), UPDATE: (6.0, 300.0)}


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
        token: str,
        ledger: Ledger,
        language: str = "en",
    ) -> None:
        """Sign with an API key made in the portal (User Profile, API Management)."""
        self._session = session
        self._host = host.rstrip("/")
        self._token = token
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
    ) -> Any:
        """Make one call within the allowances and return its `result`."""
        call = Call(
            endpoint=endpoint.path,
            purpose=purpose,
            subjects=tuple(subjects),
            cost=max(1, len(subjects)),
        )
        async with self._ledger.admit(call):
            try:
                answer = await self._send(endpoint, params, body)
            except UnexpectedAnswer as err:
                raise self._by_status(call, endpoint, err) from None
        if answer.date:
            self._ledger.sync(answer.date)
        self._check(call, endpoint, answer)
        self._ledger.succeeded(call)
        result = answer.body.get("result")
        self._keep(endpoint, params, body, result)
        return result

    async def _send(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> Answer:
        timestamp = round(self._ledger.time * 1000)
        headers = {
            "token": self._token,
            "lang": self._language,
            "timestamp": str(timestamp),
            "signature": signature(endpoint.path, self._token, timestamp),
            "User-Agent": USER_AGENT,
        }
        return await request(
            self._session,
            endpoint.method,
            f"{self._host}{endpoint.path}",
            headers=headers,
            params=params,
            body=body,
        )

    def _check(self, call: Call, endpoint: Endpoint, answer: Answer) -> None:
        """Raise what an answer says went wrong; only `errno` tells, not the words."""
        body = answer.body
        if not isinstance(body, dict) or "errno" not in body:
            raise self._by_status(
                call, endpoint, UnexpectedAnswer("no errno", code=answer.status)
            )
        try:
            errno = int(body["errno"])
        except TypeError, ValueError:
            raise UnexpectedAnswer("errno is no number") from None
        if errno:
            raise self._error(call, endpoint, errno, str(body.get("msg") or ""))

    def _error(
        self, call: Call, endpoint: Endpoint, errno: int, words: str
    ) -> CloudError:
        if errno == HEADER and ILLEGAL_TIMESTAMP in words:
            return CloudUnavailable(words, code=errno)
        kind = ERRORS.get(errno, UnexpectedAnswer)
        if kind is QuotaExceeded:
            return self._limited(call, endpoint, errno, words)
        return kind(words, code=errno)

    def _limited(
        self, call: Call, endpoint: Endpoint, code: int, words: str
    ) -> QuotaExceeded:
        spacing = UPDATE if endpoint.update else QUERY
        name = DAY if code == DAY_SPENT else spacing
        retry_at = self._ledger.close(name, call, *PAUSES[name])
        return QuotaExceeded(words, code=code, retry_at=retry_at)

    def _by_status(self, call: Call, endpoint: Endpoint, err: CloudError) -> CloudError:
        status = int(err.code or HTTPStatus.OK)
        kind = STATUSES.get(status, UnexpectedAnswer)
        if kind is QuotaExceeded:
            return self._limited(call, endpoint, status, err.words)
        return kind(err.words, code=status)

    def _keep(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        result: Any,
    ) -> None:
        """Remember the last answer of each interface and subject, for diagnostics."""
        asked = {**(params or {}), **(body or {})}
        about = "/".join(
            str(asked[key])
            for key in ("id", "sn", "deviceSN", "key", "dimension")
            if key in asked
        )
        if about or not isinstance(result, list):
            self.raw[f"{endpoint.path} {about}".strip()] = result
            return
        for row in result:
            about = str(row.get("deviceSN", "")) if isinstance(row, dict) else ""
            self.raw[f"{endpoint.path} {about}".strip()] = row

    async def _pages(
        self, endpoint: Endpoint, purpose: Purpose = Purpose.POLL
    ) -> list[dict[str, Any]]:
        """Return the rows of all pages of a list."""
        rows: list[dict[str, Any]] = []
        for page in range(1, MAX_PAGES + 1):
            result = await self.call(
                endpoint,
                purpose=purpose,
                body={"currentPage": page, "pageSize": PAGE_SIZE},
            )
            found = _rows(_object(result).get("data"))
            rows += found
            total = _object(result).get("total")
            if not found or total is None or len(rows) >= int(total):
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
            await self.call(endpoint, subjects=sns, purpose=purpose, body=body)
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
            str(row["variable"]): list(row.get("values") or ())
            for row in _rows(rows)
            if "variable" in row
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
        return _rows(_object(result).get("faults"))

    async def access_count(self) -> tuple[int | None, int | None]:
        """Return the calls allowed and remaining ("Get the number of … accesses")."""
        result = _object(await self.call(on.ACCESS_COUNT))
        return _whole(result.get("total")), _whole(result.get("remaining"))

    async def read(
        self, endpoint: Endpoint, sn: str, purpose: Purpose, **asked: Any
    ) -> dict[str, Any]:
        """Read a group of settings of a device (battery SoC, charge time, …)."""
        subject = {"deviceSN" if "scheduler" in endpoint.path else "sn": sn}
        sent = {"params" if endpoint.method == "GET" else "body": {**subject, **asked}}
        return _object(
            await self.call(endpoint, subjects=[sn], purpose=purpose, **sent)
        )

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


def _object(result: Any) -> dict[str, Any]:
    if not isinstance(result, dict):
        raise UnexpectedAnswer(f"result is {type(result).__name__}, not an object")
    return result


def _rows(result: Any) -> list[dict[str, Any]]:
    if not isinstance(result, list):
        raise UnexpectedAnswer(f"result is {type(result).__name__}, not a list")
    return [row for row in result if isinstance(row, dict)]


def _whole(value: Any) -> int | None:
    try:
        return int(float(value))
    except TypeError, ValueError:
        return None
