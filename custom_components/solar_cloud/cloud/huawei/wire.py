"""One request to SmartPVMS: sent within the allowances, and what its answer means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession

from ..errors import AnswerLost, CloudError, QuotaExceeded, UnexpectedAnswer
from ..quota import Call, Ledger
from ..transport import Answer, request
from ..values import number
from .codes import DAY_SPENT, FAILED, PARTLY, TOO_OFTEN, SessionLost, by_code, by_status
from .endpoints import Endpoint
from .limits import (
    BASIC,
    CONTROL,
    CONTROL_MINUTE,
    DAY_SPENT_PAUSE,
    GAP,
    LOGIN,
    PAUSE,
    PAUSES,
    SYSTEM,
)
from .policy import MINUTE, Policy

# Codes of tasks, which the caller judges by their data.
TASK_CODES = (PARTLY, FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an interface answered: data, its code (0, or 1 and 2 of a task), and when."""

    data: Any
    code: int
    words: str
    at: datetime
    headers: Mapping[str, str]


class Wire:
    """Sends to one host, within the account's allowances."""

    def __init__(
        self,
        session: ClientSession,
        host: str,
        ledger: Ledger,
        policy: Policy | None = None,
    ) -> None:
        """Keep where to send and what books to keep; `policy` is an API account's."""
        self._session = session
        self._policy = policy
        self.allow: Callable[[], None] = _nothing
        self.host = host.rstrip("/")
        self.ledger = ledger

    async def send(
        self,
        call: Call,
        endpoint: Endpoint,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Reply:
        """Make one call; raises a CloudError for all codes but those of a task."""
        async with self.ledger.admit(call):
            try:
                answer = await self._request(endpoint, body, headers)
            except QuotaExceeded as err:
                raise self._limited(call, endpoint, err) from None
        if answer.date:
            self.ledger.sync(answer.date)
        try:
            reply = _reply(endpoint, answer, self.ledger.time)
        except QuotaExceeded as err:
            raise self._limited(call, endpoint, err) from None
        except SessionLost:
            # Whose call it was, nobody could know.
            self.ledger.forgive(call, GAP)
            raise
        self.ledger.succeeded(call)
        if self._policy:
            self._policy.made(endpoint.path, self.ledger.time)
        return reply

    async def _request(
        self,
        endpoint: Endpoint,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            return await request(
                self._session,
                "POST",
                f"{self.host}{endpoint.path.replace(' ', '%20')}",
                headers=headers,
                body=body,
            )
        except UnexpectedAnswer as err:
            error = by_status(int(err.code or HTTPStatus.OK), err.words)
            if endpoint.update and isinstance(error, UnexpectedAnswer):
                raise AnswerLost(err.words, code=err.code) from None
            raise error from None

    def _limited(
        self, call: Call, endpoint: Endpoint, err: QuotaExceeded
    ) -> QuotaExceeded:
        """Close the allowance that a refusal was about, and tell until when."""
        if err.code == str(TOO_OFTEN):
            if self._policy and self._policy.refused(endpoint.path, self.ledger.time):
                self.allow()
            name = self._allowance(endpoint)
            first, longest = PAUSES.get(name, PAUSE)
            if self._policy and self._policy.is_old:
                first, longest = MINUTE, PAUSES[SYSTEM][1]
        else:
            name = SYSTEM
            spent = err.code == str(DAY_SPENT)
            first, longest = DAY_SPENT_PAUSE if spent else PAUSES[SYSTEM]
        retry_at = self.ledger.close(name, call, first, longest)
        return QuotaExceeded(err.words, code=err.code, retry_at=retry_at)

    def _allowance(self, endpoint: Endpoint) -> str:
        """Return the allowance of an interface's own, else that of its kind.

        Of control calls the minute's is closed first; longer each time, as the day's may
        be what is spent.
        """
        names = (endpoint.path, CONTROL_MINUTE, LOGIN, BASIC, CONTROL)
        return next(
            (name for name in names if self.ledger.limits(name, endpoint.path)), SYSTEM
        )


def _nothing() -> None:
    """Do nothing: there is nothing to be reckoned yet."""


def _reply(endpoint: Endpoint, answer: Answer, now: float) -> Reply:
    """Return what an answer holds; raises what its code says went wrong."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    # A task's answer may have its envelope inside its data.
    inner = body.get("data")
    envelope = body
    if "failCode" not in body and isinstance(inner, Mapping) and "failCode" in inner:
        envelope = inner
    words = _words(envelope)
    code = _code(envelope)
    if answer.status >= HTTPStatus.BAD_REQUEST or code is None:
        raise _error(endpoint, answer.status, code, words)
    if code and not (endpoint.control and code in TASK_CODES):
        raise by_code(code, words, update=endpoint.update)
    return Reply(
        data=inner, code=code, words=words, at=_at(body, now), headers=answer.headers
    )


def _error(endpoint: Endpoint, status: int, code: int | None, words: str) -> CloudError:
    """Return what an answer means that has an HTTP error, or no code."""
    if code:
        return by_code(code, words, update=endpoint.update)
    error = by_status(status, words or "no failCode")
    if endpoint.update and isinstance(error, UnexpectedAnswer):
        return AnswerLost(error.words, code=status)
    return error


def _code(envelope: Mapping[str, Any]) -> int | None:
    """Return the code of an answer; 0 where one that succeeded tells none."""
    if (code := number(envelope.get("failCode"))) is not None:
        return int(code)
    told = envelope.get("success") is True or envelope.get("data") is not None
    return 0 if told and "exceptionId" not in envelope else None


def _words(envelope: Mapping[str, Any]) -> str:
    """Return an answer's words: its message, else what an exception tells in detail."""
    details = envelope.get("detailArgs") or envelope.get("exceptionInfo")
    if isinstance(details, list):
        details = ", ".join(map(str, details))
    return str(envelope.get("message") or details or "")


def _at(body: Mapping[str, Any], now: float) -> datetime:
    """Return the server's time at which it answered."""
    params = body.get("params")
    told = number(params.get("currentTime")) if isinstance(params, Mapping) else None
    return datetime.fromtimestamp(told / 1000 if told else now, UTC)
