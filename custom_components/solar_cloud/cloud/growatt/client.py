"""The wire of Growatt: a token in the header, form-encoded posts, errors by endpoint."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import ClientSession

from ..errors import AnswerLost, CloudError, QuotaExceeded, UnexpectedAnswer
from ..quota import Call, Ledger, Purpose
from ..transport import Answer, request
from ..values import number
from .codes import by_code, by_status
from .endpoints import Endpoint, Pace
from .limits import (
    LONGEST_SETTING_SPACING,
    NAMES,
    PAUSES,
    SETTING_SPACING,
    SPACINGS,
    allowances,
)

HOSTS = (
    "https://openapi.growatt.com",
    "https://openapi-us.growatt.com",
    "https://openapi-au.growatt.com",
    "https://openapi-cn.growatt.com",
)

USER_AGENT = "Mozilla/5.0 (compatible; Home Assistant; SolarCloud)"
# s by which an answer is kept later than its call was booked, at the most.
MOMENT = 1.0
PAGE_SIZE = 100
MAX_PAGES = 250
LEARNED = "setting_spacing"
FIRST_PAGE = "1"
BATCH = "pageNum"

# What an answer is about, for the name under which it is kept.
ABOUT = (
    "plant_id",
    "user_name",
    "device_sn",
    "storage_sn",
    "max_sn",
    "mix_sn",
    "spa_sn",
    "tlx_sn",
    "vppSn",
    "datalog_sn",
    "address",
    "type",
    "paramId",
    "time_unit",
    "page",
)
# What tells apart requests that the service counts as the same.
NOT_COUNTED = frozenset({"timezone_id", "perpage"})


class GrowattClient:
    """The endpoints of Growatt for one account; every call may raise a CloudError."""

    def __init__(
        self,
        session: ClientSession,
        host: str,
        token: str,
        ledger: Ledger,
        memory: dict[str, Any],
    ) -> None:
        """Sign in with a token made in the app; `memory` keeps what limits were learned."""
        self._session = session
        self._token = token
        self._ledger = ledger
        self._memory = memory
        self.host = host.rstrip("/")
        self.raw: dict[str, Any] = {}
        self._answers: dict[tuple[str, str], tuple[float, Any]] = {}
        self._failed: dict[tuple[str, str], CloudError] = {}
        if LEARNED in memory:
            ledger.allow(allowances(memory[LEARNED]))

    @property
    def other_hosts(self) -> tuple[str, ...]:
        """Return the vendor's other regions; none for a server of one's own."""
        if self.host not in HOSTS:
            return ()
        return tuple(host for host in HOSTS if host != self.host)

    async def call(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str],
        purpose: Purpose = Purpose.POLL,
        subject: str | None = None,
        *,
        host: str | None = None,
    ) -> Any:
        """Make one call within the allowances and return its `data`.

        `subject` names the request for the ledger, by default by its arguments; `host` is
        another region's. A write whose answer does not tell raises AnswerLost.
        """
        call = Call(
            endpoint=endpoint.path,
            purpose=purpose,
            subjects=(subject_of(params) if subject is None else subject,),
        )
        async with self._ledger.admit(call):
            try:
                answer = await self._send(endpoint, params, host or self.host)
                if answer.date:
                    self._ledger.sync(answer.date)
                _check(endpoint, answer)
            except QuotaExceeded as err:
                raise self._limited(call, endpoint, err) from None
            except UnexpectedAnswer as err:
                if endpoint.write:
                    raise AnswerLost(err.words, code=err.code) from None
                raise
        self._ledger.succeeded(call)
        if not endpoint.write:
            self._keep(endpoint, params, answer.body)
        return answer.body.get("data")

    def _keep(
        self, endpoint: Endpoint, params: Mapping[str, str], body: Mapping[str, Any]
    ) -> None:
        """Remember the last answer of each endpoint and subject, for diagnostics."""
        data = body.get("data")
        if BATCH in params and isinstance(data, dict):
            for sn, row in data.items():
                self.raw[f"{endpoint.path} {sn}"] = row
            return
        self.raw[_name(endpoint, params)] = body

    async def ask(self, endpoint: Endpoint, params: Mapping[str, str]) -> Any:
        """Return the `data` of a poll's request, the last one while it must not be made.

        When the last try failed, it fails in the same way until it may be tried again.
        """
        name = (endpoint.path, subject_of(params))
        at, data = self._answers.get(name, (0.0, None))
        spacing = SPACINGS.get(endpoint.pace, SETTING_SPACING)
        if self._ledger.time - at < spacing - MOMENT:
            return data
        try:
            data = await self.call(endpoint, params)
        except CloudError as err:
            is_ours = isinstance(err, QuotaExceeded) and err.code is None
            if is_ours and name in self._failed:
                raise self._failed[name] from None
            self._failed[name] = err
            raise
        self._failed.pop(name, None)
        self._answers[name] = (self._ledger.time, data)
        return data

    def planned(self, endpoint: Endpoint, params: Mapping[str, str]) -> Call:
        """Return a call as the ledger plans it."""
        return Call(endpoint=endpoint.path, subjects=(subject_of(params),))

    def earliest(self, endpoint: Endpoint, params: Mapping[str, str]) -> datetime:
        """Return when a request may be made next."""
        return self._ledger.earliest(self.planned(endpoint, params))

    async def pages(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str],
        rows: str,
        purpose: Purpose = Purpose.POLL,
    ) -> list[dict[str, Any]]:
        """Return the rows of all pages of a list, which are under `rows`."""
        found: list[dict[str, Any]] = []
        for page in range(1, MAX_PAGES + 1):
            asked = {**params, "page": str(page), "perpage": str(PAGE_SIZE)}
            if purpose is Purpose.POLL:
                data = await self.ask(endpoint, asked)
            else:
                data = await self.call(endpoint, asked, purpose)
            part = rows_of(data, rows)
            found += part
            count = number(data.get("count")) if isinstance(data, dict) else None
            if len(part) < PAGE_SIZE or (count is not None and len(found) >= count):
                break
        return found

    async def _send(
        self, endpoint: Endpoint, params: Mapping[str, str], host: str
    ) -> Answer:
        is_post = endpoint.method == "POST"
        try:
            return await request(
                self._session,
                endpoint.method,
                f"{host}{endpoint.path}",
                headers={"token": self._token, "User-Agent": USER_AGENT},
                params=None if is_post else params,
                form=params if is_post else None,
            )
        except UnexpectedAnswer as err:
            page = err.words == "HTML"
            raise by_status(int(err.code or 0), err.words, page=page) from None

    def _limited(
        self, call: Call, endpoint: Endpoint, err: CloudError
    ) -> QuotaExceeded:
        """Close the allowances that a refusal was about, learn, and tell until when."""
        name = NAMES[endpoint.pace]
        retry_at = self._ledger.close(name, call, *PAUSES[name])
        if endpoint.pace is Pace.UNDOCUMENTED:
            spacing = self._memory.get(LEARNED, SETTING_SPACING)
            self._memory[LEARNED] = min(2 * spacing, LONGEST_SETTING_SPACING)
            self._ledger.allow(allowances(self._memory[LEARNED]))
        return QuotaExceeded(err.words, code=err.code, retry_at=retry_at)


def _check(endpoint: Endpoint, answer: Answer) -> None:
    """Raise what an answer says went wrong; the HTTP status is 200 for most."""
    body = answer.body
    code = number(body.get("error_code")) if isinstance(body, dict) else None
    if code is None:
        raise by_status(answer.status, "no error_code", page=False)
    if code:
        raise by_code(int(code), str(body.get("error_msg") or ""), endpoint.codes)


def subject_of(params: Mapping[str, str]) -> str:
    """Return what tells a request from others to the same endpoint."""
    return "&".join(params[key] for key in sorted(params) if key not in NOT_COUNTED)


def _name(endpoint: Endpoint, params: Mapping[str, str]) -> str:
    """Return under which name an answer is kept."""
    about = [params[key] for key in ABOUT if params.get(key)]
    if params.get("page") == FIRST_PAGE:
        about.pop()
    # What is behind a data logger is a device of that name.
    joint = "_" if "address" in params else "/"
    return f"{endpoint.path} {joint.join(about)}".strip()


def rows_of(data: Any, name: str) -> list[dict[str, Any]]:
    """Return the rows of a list; an account without any may have no list at all."""
    if not data:
        return []
    rows = (data.get(name) or []) if isinstance(data, dict) else data
    if not isinstance(rows, list) or rows is data:
        raise UnexpectedAnswer(f"{name} is {type(rows).__name__}, not a list")
    return [row for row in rows if isinstance(row, dict)]
