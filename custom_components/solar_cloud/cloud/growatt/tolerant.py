"""Living with answers that are not whole, and with parts that give none."""

from collections.abc import Awaitable, Mapping
from typing import Any

from ..errors import (
    Busy,
    CloudError,
    CloudUnavailable,
    DeviceGone,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)

# What concerns one request; everything else concerns the account.
PARTIAL = (
    Refused,
    Busy,
    DeviceGone,
    PermissionDenied,
    QuotaExceeded,
    UnexpectedAnswer,
)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object of an answer, empty where there is none."""
    return value if isinstance(value, Mapping) else {}


class Gathering:
    """Collects what several requests deliver, and why some did not."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._came = False
        self._silent = 0
        self._failure: CloudError | None = None

    async def add[T](self, wanted: Awaitable[T]) -> T | None:
        """Return what a request delivers, None when it alone failed.

        One answer may be lost; when nothing comes at all, the cloud is down.
        """
        try:
            found = await wanted
        except PARTIAL as err:
            self._failure = self._failure or err
        except CloudUnavailable as err:
            self._failure = self._failure or err
            self._silent += 1
            if not self._came and self._silent > 1:
                raise
        else:
            self._came = True
            return found
        return None

    def require(self) -> None:
        """Raise the first failure when nothing came."""
        if self._failure and not self._came:
            raise self._failure
