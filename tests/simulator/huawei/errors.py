"""The error codes of section 6.1 that these interfaces answer, and their envelopes."""

from typing import Any

MESSAGES: dict[int, str] = {
    20001: "The third-party system ID does not exist.",
    20004: "The server is abnormal.",
    20006: "Some devices do not match the device type.",
    20007: "The system does not have the desired power plant resources.",
    20008: "The system does not have the desired device resources.",
    20010: "The plant list cannot be empty.",
    20011: "The device list cannot be empty.",
    20012: "The query time cannot be empty.",
    20013: "The device type is incorrect.",
    20014: "A maximum of 100 plants can be queried at a time.",
    20016: "A maximum of 100 devices can be queried at a time.",
    20023: "The query start time cannot be later than the query end time.",
    20024: "The language cannot be empty.",
    20025: "The language parameter value is incorrect.",
    20026: "Only data of the latest 365 days can be queried.",
    20027: "The query time period cannot span more than 31 days.",
    20044: "The unique ID of a charge/discharge task cannot be empty.",
    20050: "The charging and discharging task query parameter does not exist.",
    20055: "The plant list and device list parameters cannot be empty.",
    20056: "Resources that are not authorized by the owner exist.",
    20200: "The system is busy. Try again later.",
    20605: "The time cannot be a negative number.",
    20609: "The plant networking is abnormal.",
    20615: "The same task is being executed in the current plant.",
    20618: "The number of API calls has reached the maximum number per day.",
    20620: "The taskId is not exist.",
    20622: "The plant DN is invalid or the account does not have permission.",
    30030: "The input parameter is incorrect.",
    30031: "A maximum of 10 devices can be queried at a time.",
    30032: "The query time segment cannot be longer than three days.",
}

# Codes whose words the service really sends; with the others `message` is null.
SPOKEN = frozenset((20605, 20615, 20620))

RELOGIN = {"failCode": 305, "immediately": True, "message": "USER_MUST_RELOGIN"}
INVALID = {"success": False, "failCode": 305, "message": "INVALID_CREDENTIAL"}
NO_RIGHT = "Unauthorized"
NO_SCOPE = "Invalid access to current interface!"
TOO_OFTEN = "ACCESS_FREQUENCY_IS_TOO_HIGH"
OAUTH_TOO_OFTEN = (
    "The request failed because the user was not authenticated. This typically occurs"
    " when a resource has been restricted by a rule."
)


class HuaweiError(Exception):
    """A request that cannot be answered."""

    def __init__(self, code: int, message: str | None = None) -> None:
        """Carry the code."""
        super().__init__(code)
        self.code = code
        self.message = message


class ParameterError(Exception):
    """A request of a control interface whose parameters are not valid: HTTP 400."""

    def __init__(self, name: str, detail: str, *, query: bool = False) -> None:
        """Name the parameter."""
        super().__init__(detail)
        # The document spells it in both ways.
        word = "framework" if query else "framwork"
        self.body: dict[str, Any] = {
            "exceptionId": f"{word}.remote.Paramerror",
            "exceptionType": "ROA_EXFRAME_EXCEPTION",
            "descArgs": None,
            "reasonArgs": [name],
            "detailArgs": [detail],
            "adviceArgs": None,
        }


def failed(
    code: int, message: str | None = None, params: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the envelope of a failure."""
    if message is None and code in SPOKEN:
        message = MESSAGES[code]
    return {
        "data": None,
        "failCode": code,
        "message": message,
        "params": params or {},
        "success": False,
    }
