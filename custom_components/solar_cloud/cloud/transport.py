"""One JSON request over HTTPS: time limits, tolerant decoding, errors in our words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import json
from typing import Any

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
    NonHttpUrlClientError,
    ServerDisconnectedError,
)

from .errors import AnswerLost, CloudUnavailable, UnexpectedAnswer

NOT_SENT = (
    ClientConnectorError,
    ConnectionTimeoutError,
    InvalidURL,
    NonHttpUrlClientError,
)
TIMEOUT = ClientTimeout(total=30, connect=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The status, headers and decoded body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def retry_after(self) -> float | None:
        """Return for how many s the vendor asks to wait, where the answer tells."""
        return retry_after(self.headers)

    @property
    def date(self) -> datetime | None:
        """Return the vendor's clock, where the answer shows it."""
        try:
            return parsedate_to_datetime(self.headers["Date"])
        except KeyError, ValueError:
            return None


async def _once(send: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Send a request; aiohttp would send a GET or PUT again when its connection drops."""
    try:
        return await handler(send)
    except NOT_SENT:
        raise
    except (ClientOSError, ServerDisconnectedError) as err:
        raise AnswerLost(type(err).__name__) from None


async def request(
    session: ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    body: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request, once, and return its answer; `form` goes form-encoded.

    Raises CloudUnavailable when the request was not carried out for sure, AnswerLost when
    it may have been, UnexpectedAnswer when the answer is not JSON.
    """
    try:
        async with session.request(
            method,
            url,
            headers=headers,
            params=params,
            json=body,
            data=form,
            timeout=TIMEOUT,
            allow_redirects=False,
            middlewares=(_once,),
        ) as response:
            text = await response.text(errors="replace")
            headers = response.headers.copy()
            try:
                decoded = decode(response.status, text)
            except UnexpectedAnswer as err:
                err.retry_after = retry_after(headers)
                raise
            return Answer(status=response.status, headers=headers, body=decoded)
    except NOT_SENT as err:
        raise CloudUnavailable(type(err).__name__) from None
    except (ClientError, TimeoutError) as err:
        raise AnswerLost(type(err).__name__) from None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a `Retry-After`; a date in it is not looked at."""
    try:
        return max(1.0, float(headers["Retry-After"]))
    except KeyError, ValueError:
        return None


def decode(status: int, text: str) -> Any:
    """Return the JSON of a body; raises what a body without JSON means."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise CloudUnavailable(f"HTTP {status}", code=status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise AnswerLost(f"HTTP {status}", code=status)
    try:
        return json.loads(text)
    except ValueError:
        pass
    if not text.strip():
        raise UnexpectedAnswer("empty body", code=status)
    kind = "HTML" if text.lstrip().startswith("<") else "not JSON"
    raise UnexpectedAnswer(kind, code=status)
