"""What the error numbers of Growatt mean: the same number says different things in each endpoint.

"Error code" (section 5) and the tables of sections 4.1 to 4.3; 10012 to 10014 and -1 came
later. Words tell where numbers do not: a limit is refused with the same 10012 everywhere.
"""

from collections.abc import Mapping
from http import HTTPStatus

from ..errors import (
    AccountLocked,
    AnswerLost,
    Busy,
    CloudError,
    DeviceGone,
    DeviceOffline,
    NotSupported,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
    WrongRegion,
)

type Codes = Mapping[int, type[CloudError]]

DENIED = 10011
TOO_FREQUENT = "frequently"
OTHER_HOST = "truehost"
NEW_DOMAIN = -1


class Empty(Refused):
    """An argument was empty."""


class BadDate(Refused):
    """A date was not understood, or the span is longer than seven days."""


UNIVERSAL: Codes = {
    NEW_DOMAIN: WrongRegion,
    10001: Busy,  # system error
    DENIED: PermissionDenied,
    10012: QuotaExceeded,
    10013: Refused,  # more than 100 rows a page
    10014: Refused,  # more than 250 pages
}

# 4.1.2: whoever asks with a token that is not known is told so before.
USER_CHECK: Codes = {10002: Empty, 10003: Refused}
USERS: Codes = {}
PLANTS: Codes = {10001: Busy}
# 4.2.4, 4.2.5
PLANT: Codes = {10002: DeviceGone, 10003: Empty, 10004: Refused}
# 4.2.6, 4.2.7
PLANT_DATES: Codes = {10002: DeviceGone, 10003: BadDate, 10004: BadDate}
# 4.3.1, 4.3.4: the other way round
OF_PLANT: Codes = {10002: Empty, 10003: DeviceGone}
BEHIND_LOGGER: Codes = {10002: Empty, 10003: DeviceGone}
VALIDATE: Codes = {10001: Refused, 10002: Refused, 10003: Refused}
# 4.3.8, 4.3.15
INVERTER_LAST: Codes = {10002: DeviceGone, 10003: DeviceGone}
# 4.3.13
LAST: Codes = {10002: DeviceGone, 10003: DeviceGone}
BATCH: Codes = {10002: DeviceGone, 10003: DeviceGone, 10004: Refused, 10005: DeviceGone}
# 4.3.5, 4.3.14
HISTORY: Codes = {
    10002: DeviceGone,
    10003: BadDate,
    10004: BadDate,
    10005: DeviceGone,
    10006: Refused,
}
# 4.3.6, 4.3.11
ALARMS: Codes = {10002: DeviceGone, 10003: BadDate, 10005: DeviceGone}
METER_LAST: Codes = {10002: Empty, 10003: DeviceGone, 10004: DeviceGone}
OWNER: Codes = {10002: Empty, 10003: DeviceGone, 10004: DeviceGone, 10005: DeviceGone}
SOC: Codes = {10002: Empty, 10003: DeviceGone}

# 4.3.7, 4.3.12: what went wrong on the way may have been carried out all the same.
SET: Codes = {
    1: AnswerLost,
    10001: AnswerLost,
    10002: AnswerLost,  # the device's server
    10003: DeviceOffline,
    10004: Empty,
    10005: DeviceOffline,
    10006: NotSupported,  # unknown setting
    10007: Empty,
    10008: Refused,  # out of range
    10009: BadDate,
    10012: DeviceGone,
    10013: Refused,  # the end before the start
}
VPP_SET: Codes = {**SET, 500: AnswerLost}
READ: Codes = {
    1: Busy,
    10001: Busy,
    10002: DeviceGone,
    10003: DeviceOffline,
    10004: Empty,
    10005: DeviceOffline,
    10006: NotSupported,  # by the type of the data logger
    10007: NotSupported,  # by its version
    10008: DeviceOffline,  # it must connect anew
    10009: NotSupported,  # unknown setting
}

STATUSES: Mapping[int, type[CloudError]] = {
    HTTPStatus.UNAUTHORIZED: PermissionDenied,
    # The firewall before the service turns addresses away, not accounts.
    HTTPStatus.FORBIDDEN: AccountLocked,
    HTTPStatus.METHOD_NOT_ALLOWED: AccountLocked,
    HTTPStatus.NOT_FOUND: NotSupported,
    HTTPStatus.TOO_MANY_REQUESTS: QuotaExceeded,
}


def by_code(code: int, words: str, codes: Codes) -> CloudError:
    """Return what an error number of an endpoint means."""
    plain = words.lower().replace("_", "").replace(" ", "")
    if TOO_FREQUENT in plain:
        return QuotaExceeded(words, code=code)
    if OTHER_HOST in plain:
        return WrongRegion(words, code=code)
    kind = codes.get(code) or UNIVERSAL.get(code, UnexpectedAnswer)
    return kind(words, code=code)


def by_status(status: int, words: str, *, page: bool) -> CloudError:
    """Return what an answer without an error number means; `page` where it is HTML."""
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return WrongRegion(words, code=status)
    if page and status == HTTPStatus.OK:
        return AccountLocked(words, code=status)
    return STATUSES.get(status, UnexpectedAnswer)(words, code=status)
