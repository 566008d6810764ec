"""Living with answers that are not whole, and with parts that give none."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..errors import Busy, DeviceGone, PermissionDenied, Refused, UnexpectedAnswer

# What concerns one device or one interface; everything else concerns the account.
PARTIAL = (Refused, Busy, DeviceGone, PermissionDenied, UnexpectedAnswer)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object of an answer, empty where there is none."""
    return value if isinstance(value, Mapping) else {}


async def optional(
    fetch: Callable[[], Awaitable[list[dict[str, Any]]]],
) -> list[dict[str, Any]]:
    """Return a list that not every account's service knows."""
    try:
        return await fetch()
    except PARTIAL:
        return []
