"""The error bodies of both versions, in the shared words.

Bodies differ: {reason, message[]}, {reason, errorMessages[]}, {message, details, code},
{errorCode, errorMessages[]}, {error: {code, message, status}}; a code may be text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ..errors import (
    AuthenticationFailed,
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
from ..transport import Answer
from ..values import number, text

UNAVAILABLE = 7
STREAM_OFFLINE = 473
STREAM_ERRORS = range(461, 474)
OLD_LIMIT = HTTPStatus.CONFLICT

# HTTP status -> what it means, in both versions.
MEANINGS: dict[int, type[CloudError]] = {
    HTTPStatus.BAD_REQUEST: Refused,
    HTTPStatus.UNAUTHORIZED: AuthenticationFailed,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.NOT_FOUND: DeviceGone,
    HTTPStatus.METHOD_NOT_ALLOWED: NotSupported,
    OLD_LIMIT: QuotaExceeded,
    HTTPStatus.UNPROCESSABLE_ENTITY: NotSupported,
    HTTPStatus.TOO_MANY_REQUESTS: QuotaExceeded,
    HTTPStatus.NOT_IMPLEMENTED: NotSupported,
    STREAM_OFFLINE: DeviceOffline,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The window that a refusal names: minute or month, its end, and its limit."""

    period: str
    end: float | None = None
    limit: int | None = None


def error(answer: Answer) -> CloudError | None:
    """Return what an answer means, None when it is what was asked for."""
    body = answer.body
    if isinstance(body, Mapping) and number(body.get("errorCode")) == UNAVAILABLE:
        return CloudUnavailable(words(body), code=UNAVAILABLE)
    if answer.status < HTTPStatus.BAD_REQUEST:
        return None
    meaning = MEANINGS.get(answer.status)
    if meaning is None:
        meaning = Refused if answer.status in STREAM_ERRORS else UnexpectedAnswer
    return meaning(words(body), code=answer.status)


def words(body: Any) -> str:
    """Return what an error body says, in whichever shape."""
    if not isinstance(body, Mapping):
        return ""
    inner = body.get("error")
    if isinstance(inner, Mapping):
        return words(inner)
    parts: list[str] = []
    for name in ("message", "errorMessages", "details", "error", "error_description"):
        found = body.get(name)
        rows = found if isinstance(found, list) else [found]
        parts += [said for row in rows if isinstance(row, str) and (said := text(row))]
    return "; ".join(dict.fromkeys(parts))


def spent(answer: Answer) -> Spent | None:
    """Return the window that a refusal names, None where it names none."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    period = text(body.get("period"))
    if period is None:
        return None
    limit = number(body.get("limit"))
    return Spent(
        period=period,
        end=number(body.get("period_end")),
        limit=int(limit) if limit else None,
    )
