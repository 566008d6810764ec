"""The error codes of FoxESS that the simulator answers, with their words."""

from typing import Any

MESSAGES: dict[int, str | None] = {
    0: "Operation successful",
    30000: "The system is under maintenance",
    40256: "Parameter could not be parsed correctly",
    40257: "Parameters do not meet expectations",
    40261: "Device does not belong to you",
    40400: "The number of requests is too frequent",
    40401: None,
    40402: "Your request exceeds the limit. Please try again later",
    41200: "Failed to load data. Please check your network or retry",
    41203: "Operation timeout",
    41807: None,
    41808: None,
    41809: None,
    41811: "User permission cannot perform this operation",
    41930: "Device does not exist or has been used by other",
    41935: "Device offline",
    42015: "This device does not currently support this feature",
    42023: "Time overlap, please reselect time",
    44096: "Unsupported function code",
    44098: "Write failed",
}

# The texts of the captured 40256 answers.
BAD_SIGNATURE = "Parameter could not be parsed correctly illegal signature"
BAD_TIMESTAMP = "Parameter could not be parsed correctly illegal timestamp"
NO_SIGNATURE = "no signature"

FAULTS: dict[str, tuple[str, str, str]] = {
    "5": ("PV input voltage fault", "光伏输入电压故障", "Błąd napięcia PV"),
    "11": ("Grid lost fault", "电网丢失", "Brak sieci"),
    "12": ("Grid voltage fault", "电网电压故障", "Błąd napięcia sieci"),
    "13": ("Grid frequency fault", "电网频率故障", "Błąd częstotliwości sieci"),
    "16": ("Isolation fault", "绝缘故障", "Błąd izolacji"),
    "21": ("Over temperature fault", "过温故障", "Przegrzanie"),
    "1300": ("Meter lost", "电表丢失", "Brak licznika"),
    "4120": ("BMS lost", "BMS丢失", "Brak BMS"),
}


def failed(errno: int, message: str | None = None) -> dict[str, Any]:
    """Return the body of an error."""
    text = message if message is not None else MESSAGES.get(errno, f"error {errno}")
    return {"errno": errno, "msg": text, "result": None}


class FoxError(Exception):
    """A refusal with one of the vendor's codes."""

    def __init__(self, errno: int, message: str | None = None) -> None:
        """Carry code and words."""
        super().__init__(errno)
        self.errno = errno
        self.message = message
