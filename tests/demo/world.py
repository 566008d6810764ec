"""The simulated clouds as the demo sees them: a process, and its control API."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
import json
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientSession

from .processes import DemoError, Running, start

START_WITHIN = 60.0

type Truth = dict[str, dict[str, dict[str, Any]]]
# Energy in kWh by the beginning of an hour.
type Hours = dict[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of a simulated cloud: how to sign in, what it holds, whether it may steer."""

    name: str
    vendor: str
    step: str
    fields: dict[str, str]
    plants: dict[str, str]
    zones: dict[str, str]
    devices: dict[str, str]
    control: bool

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return an account as the control API lists it; aliases are devices too."""
        return cls(
            name=data["account"],
            vendor=data["vendor"],
            step=data["step"],
            fields=data["fields"],
            plants={plant["id"]: plant["name"] for plant in data["plants"]},
            zones={plant["id"]: plant["zone"] for plant in data["plants"]},
            devices={
                device[name]: plant["id"]
                for plant in data["plants"]
                for device in plant["devices"]
                for name in ("id", "alias")
                if name in device
            },
            control=data["control"],
        )


class World:
    """A running simulator."""

    def __init__(self, running: Running, session: ClientSession, url: str) -> None:
        """Take the process and the address of its control API."""
        self._running = running
        self._session = session
        self.url = url
        self._truths: dict[str, Truth] = {}

    @classmethod
    async def start(
        cls, session: ClientSession, folder: Path, vendors: Sequence[str], port: int
    ) -> Self:
        """Start the simulator and wait for its first line, which names its ports."""
        chosen = ["--vendor", *vendors] if vendors else []
        running = await start(
            "the simulator",
            folder / "simulator.log",
            "tests.simulator",
            "--port",
            str(port),
            *chosen,
        )
        try:
            async with asyncio.timeout(START_WITHIN):
                url = await _control_url(running)
        except BaseException:
            await running.stop()
            raise
        return cls(running, session, url)

    async def stop(self) -> None:
        """Stop the simulator."""
        await self._running.stop()

    async def _get(self, path: str, **query: str) -> Any:
        self._running.check()
        async with self._session.get(f"{self.url}{path}", params=query) as response:
            response.raise_for_status()
            return await response.json()

    async def accounts(self) -> list[Account]:
        """Return the accounts of all clouds."""
        return [Account.from_json(row) for row in await self._get("/accounts")]

    async def truth(self, at: datetime, *, published: bool = False) -> Truth:
        """Return the truth at an instant: by plant, device ("" for the plant), key.

        With `published` it is the truth at the newest sample that was there then.
        """
        asked = {"at": at.isoformat()} | ({"published": "1"} if published else {})
        name = "|".join(asked.values())
        if name not in self._truths:
            self._truths[name] = await self._get("/truth", **asked)
        return self._truths[name]

    async def energy(
        self, plant: str, since: datetime, until: datetime
    ) -> dict[str, Hours]:
        """Return the true energy of a plant by key and hour."""
        span = {"from": since.isoformat(), "to": until.isoformat()}
        found = await self._get("/energy", plant=plant, **span)
        return {
            key: {
                datetime.fromisoformat(at).timestamp(): kwh for at, kwh in rows.items()
            }
            for key, rows in found[plant].items()
        }

    async def calls(self) -> dict[str, dict[str, Any]]:
        """Return the calls of each account: made, refused, by endpoint."""
        found: dict[str, dict[str, Any]] = await self._get("/calls")
        return found


async def _control_url(running: Running) -> str:
    """Return the address of the control API once it is printed."""
    while True:
        running.check()
        for line in running.output.read_text().splitlines():
            if line.startswith("{"):
                try:
                    url: str = json.loads(line)["control"]
                except ValueError, KeyError:
                    raise DemoError(f"the simulator said: {line}") from None
                return url
        await asyncio.sleep(0.1)
