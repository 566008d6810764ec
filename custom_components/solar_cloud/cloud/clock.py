"""The clock that everything in this package runs on; tests inject their own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
import time


def _now() -> datetime:
    return datetime.now(UTC)


def _monotonic() -> float:
    return time.monotonic()


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Wall time (aware, UTC), a time that never jumps (s), and waiting."""

    now: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = _monotonic
    sleep: Callable[[float], Awaitable[None]] = _sleep
