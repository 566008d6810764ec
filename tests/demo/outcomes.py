"""What became of the commands, as Home Assistant's events tell it."""

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Any, Self

from .client import Client, CommandError
from .report import Command

EVENT = "solar_cloud_command"
FINAL = frozenset(("confirmed", "refused", "failed", "unconfirmed", "superseded"))
REFUSAL_WITHIN = 5.0


class Outcomes:
    """Follows the events of all commands."""

    def __init__(self, events: asyncio.Queue[dict[str, Any]]) -> None:
        """Take the queue that the events come in."""
        self._events = events
        self._waiting: list[tuple[set[str], Command, asyncio.Event, float]] = []
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def follow(cls, client: Client) -> Self:
        """Start to follow."""
        outcomes = cls(await client.subscribe(EVENT))
        outcomes._task = asyncio.create_task(outcomes._read())
        return outcomes

    def stop(self) -> None:
        """Follow no longer."""
        if self._task:
            self._task.cancel()

    async def carry_out(
        self, command: Command, subjects: set[str], send: Any, patience: float
    ) -> None:
        """Send a command, and wait until its outcome is final, as long as is patient.

        `subjects` are the device, or the plant with its devices, that events name.
        """
        final = asyncio.Event()
        row = (subjects, command, final, monotonic())
        self._waiting.append(row)
        try:
            async with asyncio.timeout(patience):
                await self._send(command, send, final)
                await final.wait()
        except TimeoutError:
            command.words = command.words or f"not final within {patience:.0f} s"
        finally:
            self._waiting.remove(row)

    async def _send(self, command: Command, send: Any, final: asyncio.Event) -> None:
        """Send; an error that no event explains is the outcome."""
        began = monotonic()
        try:
            await send
        except CommandError as err:
            command.words = f"{err.code}: {err}"
            with suppress(TimeoutError):
                await asyncio.wait_for(final.wait(), REFUSAL_WITHIN)
            if not final.is_set():
                command.outcome = "refused"
                command.seconds = monotonic() - began
                final.set()

    async def _read(self) -> None:
        while True:
            data = (await self._events.get())["data"]
            for subjects, command, final, began in self._waiting:
                if final.is_set() or data["control"] != command.control:
                    continue
                if not subjects & {data["device"], data["plant"]}:
                    continue
                self._take(command, data, monotonic() - began)
                if command.outcome in FINAL:
                    final.set()

    def _take(self, command: Command, data: dict[str, Any], seconds: float) -> None:
        command.device = data["device"] or command.device
        command.outcome, command.evidence = data["outcome"], data["evidence"]
        command.seconds = seconds
        words = (data.get("code"), data.get("message"))
        command.words = " ".join(str(word) for word in words if word)
