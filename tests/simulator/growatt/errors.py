"""The error codes of the API; what a code means depends on the endpoint."""

DENIED = "error_permission_denied"
FREQUENT = "error_frequently_access"
TRUE_HOST = "error_useTrueHostToSet"

# Codes that mean the same everywhere.
UNIVERSAL = {
    0: "",
    -1: "error_use_new_domain",
    10001: "error_system error",
    10011: DENIED,
    10012: FREQUENT,
    10013: "error_perpage more than 100",
    10014: "error_page more than 250",
}

# What a Set endpoint says (documents 4.3.7 and 4.3.12).
SETTING = {
    10002: "error_device server error",
    10003: "error_device offline",
    10004: "error_device sn empty",
    10005: "error_datalogger offline",
    10006: "error_parameter type not exist",
    10007: "error_parameter value empty",
    10008: "error_parameter value out of range",
    10009: "error_datetime format error",
    10012: "error_device not exist",
    10013: "error_end time less than start time",
}

# What a read*Param endpoint says.
READING = {
    10001: "error_reading failed",
    10002: "error_device not exist",
    10003: "error_device offline",
    10004: "error_datalogger sn empty",
    10005: "error_datalogger offline",
    10009: "error_parameter type not exist",
}


class GrowattError(Exception):
    """An error that is told with HTTP 200, or another status."""

    def __init__(
        self, code: int, message: str | None = None, status: int = 200
    ) -> None:
        """Carry code, words and HTTP status."""
        super().__init__(code)
        self.code = code
        self.message = message if message is not None else UNIVERSAL.get(code, "error")
        self.status = status
