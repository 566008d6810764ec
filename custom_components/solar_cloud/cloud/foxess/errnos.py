"""The error numbers of FoxESS, and what each says in the words of all vendors.

"Common error solutions" of the document, and what users have met since. The number tells,
neither the words nor the HTTP status: errors come with HTTP 200.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

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
from ..values import number


class QueryFailed(Busy):
    """41200: a query failed, for a moment or because the device knows no such thing."""


HEADER = 40256
DAY_SPENT = 40402
ILLEGAL_SIGNATURE = "signature"

ERRORS: dict[int, type[CloudError]] = {
    30000: CloudUnavailable,  # maintenance
    HEADER: AuthenticationFailed,
    40257: Refused,  # parameters out of range, or not known
    40261: DeviceGone,
    40400: QuotaExceeded,  # too frequent
    40401: Busy,  # try later
    DAY_SPENT: QuotaExceeded,
    41038: AuthenticationFailed,
    41200: QueryFailed,
    41201: AnswerLost,
    41202: AnswerLost,
    41203: AnswerLost,
    41807: AuthenticationFailed,
    41808: AuthenticationFailed,
    41809: AuthenticationFailed,
    41810: AuthenticationFailed,
    41811: PermissionDenied,  # has been met for a day, fleet-wide
    41930: DeviceGone,
    41931: Busy,  # battery heating
    41932: Busy,
    41935: DeviceOffline,
    42015: NotSupported,
    42023: Refused,  # windows overlap
    44096: Blocked,
    44098: Blocked,
}

# Worth asking again at once, where a read must not fail for them.
TRANSIENT = frozenset({"41200", "41201", "41202", "41203"})
UNSUPPORTED_FUNCTION = "44096"

STATUSES: dict[int, type[CloudError]] = {
    HTTPStatus.UNAUTHORIZED: AuthenticationFailed,
    # The wall before the cloud, which turns clients away, not accounts.
    HTTPStatus.FORBIDDEN: CloudUnavailable,
    HTTPStatus.NOT_FOUND: NotSupported,
    HTTPStatus.NOT_ACCEPTABLE: AuthenticationFailed,
    HTTPStatus.TOO_MANY_REQUESTS: QuotaExceeded,
}


def by_errno(errno: int, words: str, *, update: bool) -> CloudError:
    """Return what an error number means; an unknown one refuses an update."""
    # A wrong clock, in whichever language the words are, is no reason to sign in again.
    if errno == HEADER and ILLEGAL_SIGNATURE not in words.lower():
        return CloudUnavailable(words, code=errno)
    kind = ERRORS.get(errno, Refused if update else UnexpectedAnswer)
    return kind(words, code=errno)


def outcome(body: Mapping[str, Any], *, update: bool = False) -> CloudError | None:
    """Return the error that an answer with an error number tells, None for success."""
    if (errno := number(body["errno"])) is None:
        return UnexpectedAnswer("errno is no number", code=HTTPStatus.OK)
    if not errno:
        return None
    return by_errno(int(errno), str(body.get("msg") or ""), update=update)


def by_status(status: int, words: str) -> CloudError:
    """Return what an answer without an error number means."""
    return STATUSES.get(status, UnexpectedAnswer)(words, code=status)
