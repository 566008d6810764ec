"""The error codes of SmartPVMS (6.1) that calls of a home can meet, and what each means.

The code tells, not the HTTP status: errors come with HTTP 200, and often without words.
"""

from http import HTTPStatus

from ..errors import (
    AccountLocked,
    AuthenticationFailed,
    Busy,
    CloudError,
    CloudUnavailable,
    DeviceGone,
    DeviceOffline,
    NotSupported,
    Occupied,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)


class SessionLost(Busy):
    """Nobody is signed in: the token has expired, or another client took the session."""

    key = "session_lost"


class NotAuthorised(PermissionDenied):
    """The plant's owner has not switched "API Access" on for it."""

    key = "no_permission"


class TypeUnknown(NotSupported):
    """The server does not serve this type of device at this interface."""


class TaskRunning(Occupied):
    """A task of the same kind is still being carried out at the plant."""


PARTLY = 1
FAILED = 2
SESSION_LOST = 305
RELOGIN = 306
TOO_OFTEN = 407
SYSTEM_LIMIT = 429
DAY_SPENT = 20618

# Codes of 6.1 with their meaning, in the document's words where the answer has none.
ERRORS: dict[int, tuple[type[CloudError], str]] = {
    SESSION_LOST: (SessionLost, "Not online; log in again"),
    RELOGIN: (SessionLost, "Not online; log in again"),
    401: (PermissionDenied, "No permission for this interface"),
    402: (PermissionDenied, "No permission for this interface"),
    403: (QuotaExceeded, "The system's limit for this interface is reached"),
    404: (NotSupported, "The server does not know this interface"),
    TOO_OFTEN: (QuotaExceeded, "The interface is called too often"),
    SYSTEM_LIMIT: (QuotaExceeded, "The system's limit for this interface is reached"),
    20001: (AuthenticationFailed, "The API account does not exist"),
    20002: (AccountLocked, "The API account is disabled"),
    20003: (AuthenticationFailed, "The API account has expired"),
    20004: (CloudUnavailable, "The server is abnormal"),
    20005: (Refused, "The device id is empty"),
    20006: (TypeUnknown, "Some devices do not match the device type"),
    20007: (DeviceGone, "The account does not have this plant"),
    20008: (DeviceGone, "The account does not have this device"),
    20009: (NotSupported, "These values are not configured in the system"),
    20010: (Refused, "The plant list is empty"),
    20011: (Refused, "The device list is empty"),
    20012: (Refused, "The query time is empty"),
    20013: (TypeUnknown, "The interface does not support this device type"),
    20014: (Refused, "At most 100 plants can be queried at a time"),
    20015: (Refused, "At most 100 plants can be queried at a time"),
    20016: (Refused, "At most 100 devices can be queried at a time"),
    20017: (Refused, "At most 100 devices can be queried at a time"),
    20018: (Refused, "At most 10 devices can be operated at a time"),
    20023: (Refused, "The query starts after its end"),
    20024: (Refused, "The language is empty"),
    20025: (Refused, "The language is not supported"),
    20026: (Refused, "Only the latest 365 days can be queried"),
    20027: (Refused, "The query may not span more than 31 days"),
    20028: (AuthenticationFailed, "The system does not know this user"),
    20029: (AuthenticationFailed, "The user information is invalid"),
    20034: (NotSupported, "The task does not exist"),
    20039: (Refused, "The depth of discharge is out of range (0 to 100)"),
    20040: (Refused, "The charge/discharge switch is invalid"),
    20041: (Refused, "The control type of the charge or discharge is empty"),
    20042: (Refused, "The target state of charge is empty or invalid"),
    20043: (Refused, "The duration of the charge or discharge is empty or invalid"),
    20044: (Refused, "The id of the charge or discharge task is empty"),
    20045: (NotAuthorised, "The owner has not authorised this plant"),
    20046: (NotAuthorised, "The owner has not authorised this plant"),
    20047: (Refused, "The power of the charge or discharge is invalid"),
    20048: (Busy, "The id of the charge or discharge task is taken"),
    20049: (Refused, "The charge or discharge task was not delivered"),
    20050: (Refused, "The charge or discharge task does not exist"),
    20051: (Refused, "The battery's depth of discharge was not set"),
    20055: (Refused, "The plant list and the device list are empty"),
    20056: (NotAuthorised, "The owner has not switched on API access"),
    20116: (Refused, "Too many or no plants or inverters"),
    20200: (Busy, "The system is busy; try again later"),
    20400: (
        AuthenticationFailed,
        "Wrong name or password, locked, password expired, or too many sessions",
    ),
    20403: (AccountLocked, "The API account may not log in now"),
    20604: (Refused, "The start time is not before the end time"),
    20605: (Refused, "A time is negative"),
    20606: (Refused, "The start time is not in the past"),
    20607: (Refused, "The task list is empty"),
    20608: (Refused, "A plant is named twice"),
    20609: (NotSupported, "The plant's networking does not allow it"),
    20610: (NotSupported, "The plant does not support default settings"),
    20611: (Refused, "A value is out of range"),
    20612: (Refused, "A value is empty"),
    20613: (Refused, "The task could not be sent to any plant"),
    20614: (DeviceOffline, "The network communication is abnormal"),
    20615: (TaskRunning, "The same task is being carried out at the plant"),
    20616: (Refused, "The task id is empty"),
    20617: (Refused, "There is no result of the task"),
    DAY_SPENT: (QuotaExceeded, "The calls of the day are spent"),
    20619: (Refused, "At most 100 tasks can be queried at a time"),
    20620: (Refused, "The task does not exist"),
    20621: (NotAuthorised, "The owner has not authorised this resource"),
    20622: (PermissionDenied, "The account has no permission for this plant"),
    20623: (PermissionDenied, "The plant does not belong to the owner's company"),
    30008: (CloudUnavailable, "An internal call of the server failed"),
    30010: (Refused, "The list of devices is empty"),
    30016: (Refused, "The device is empty"),
    30017: (Refused, "Too many devices, or one without permission"),
    30029: (DeviceGone, "The account does not have this plant or device"),
    30030: (Refused, "A parameter is wrong"),
    30031: (Refused, "At most 10 devices can be queried at a time"),
    30032: (Refused, "The query may not span more than three days"),
    30033: (TaskRunning, "The task is being carried out"),
    30034: (Refused, "The list is empty"),
    30035: (TaskRunning, "The task is still to be carried out"),
    30036: (Refused, "The task was cancelled"),
    PARTLY: (Refused, "The task succeeded in part"),
    FAILED: (Refused, "The task failed"),
}

# Who asks a wrong region, or has been locked out, hears the same code in other words.
LOCKED_WORDS = ("lock", "too many", "max_session", "session_limit")

STATUSES: dict[int, type[CloudError]] = {
    HTTPStatus.BAD_REQUEST: Refused,
    HTTPStatus.UNAUTHORIZED: SessionLost,
    HTTPStatus.FORBIDDEN: QuotaExceeded,
    HTTPStatus.NOT_FOUND: NotSupported,
    HTTPStatus.METHOD_NOT_ALLOWED: NotSupported,
    HTTPStatus.TOO_MANY_REQUESTS: QuotaExceeded,
}


def by_code(code: int, words: str, *, update: bool = False) -> CloudError:
    """Return what an error code means; an unknown one refuses an update."""
    kind, meaning = ERRORS.get(code, (Refused if update else UnexpectedAnswer, ""))
    if kind is AuthenticationFailed and any(
        part in words.lower() for part in LOCKED_WORDS
    ):
        kind = AccountLocked
    return kind(words or meaning, code=code)


def by_status(status: int, words: str) -> CloudError:
    """Return what an answer without an error code means."""
    return STATUSES.get(status, UnexpectedAnswer)(words, code=status)
