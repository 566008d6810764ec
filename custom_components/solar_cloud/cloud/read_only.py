"""What a vendor answers that has nothing to steer: it refuses, and claims nothing."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from .control import Absent, Control, Progress, Run, RunRange, Schedule, Setting, Window
from .errors import CloudError, NotSupported
from .model import Device


class ReadOnly:
    """The part of the protocol that steers, of an account that can only be read."""

    tasks = False

    def remember(self, save: Callable[[], Awaitable[None]]) -> None:
        """Need nothing: no write depends on what is stored."""

    def lane(self, key: str) -> str:
        """Return one lane for all settings."""
        return ""

    async def write(
        self, device: str, changes: Mapping[str, Setting]
    ) -> Mapping[str, CloudError]:
        """Refuse."""
        raise NotSupported

    async def follow(self, device: str, keys: Collection[str]) -> Progress:
        """Return that nothing is known."""
        return Progress(done=None)

    def unfinished(self) -> Collection[tuple[str, Mapping[str, Setting]]]:
        """Return nothing."""
        return ()

    async def read(
        self, device: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Return nothing."""
        return {}

    def run_range(self, device: Device) -> RunRange | None:
        """Return that no run can be asked for."""
        return None

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Refuse."""
        raise NotSupported

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Refuse."""
        raise NotSupported

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Return that nothing is known."""
        return Progress(done=None)

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Refuse."""
        raise NotSupported

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Return that nothing is known."""
        return Progress(done=None)

    def scheduled(self, plant: str) -> tuple[str, ...]:
        """Return that nothing holds a schedule."""
        return ()

    async def set_schedule(self, device: str, windows: Collection[Window]) -> None:
        """Refuse."""
        raise NotSupported

    async def get_schedule(self, device: str) -> Schedule:
        """Refuse."""
        raise NotSupported
