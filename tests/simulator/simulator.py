"""The simulator: vendor clouds on loopback over physical homes, on one clock."""

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import datetime
from importlib import import_module
import secrets
from typing import Any, Self

from aiohttp import web

from .base import Account, Call, Command, VendorServer, World
from .clock import Clock, system_now
from .control import Control, counted
from .faults import Fault, FaultBoard
from .home import Home

HOST = "127.0.0.1"

# Vendor -> module with a `Server`; the ports follow this order.
VENDORS: dict[str, str] = {
    "enphase": "enphase.server",
    "foxess": "foxess.server",
    "growatt": "growatt.server",
    "huawei": "huawei.server",
    "solarlog": "solarlog.server",
}

CONTROL_PORT = 8800


class Simulator:
    """Vendor clouds and the homes behind them; an async context manager."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = system_now,
        vendors: Iterable[str] = tuple(VENDORS),
        port: int = 0,
        seed: int | None = None,
        weather: int = 7,
        history_days: int | None = None,
    ) -> None:
        """Build the world; `seed` draws names and serials, `weather` sun and load."""
        self.clock = Clock(now)
        self.world = World(
            clock=self.clock,
            faults=FaultBoard(),
            seed=secrets.randbits(32) if seed is None else seed,
            weather=weather,
            history_days=history_days,
        )
        self._port = port
        self._urls: dict[str, str] = {}
        self._stack = AsyncExitStack()
        self.vendors: dict[str, Any] = {
            name: _server_class(name)(self.world) for name in vendors
        }

    async def __aenter__(self) -> Self:
        """Start to listen."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop to listen."""
        await self.stop()

    async def start(self) -> None:
        """Listen: the control API first, then each vendor on a port of its own."""
        self._urls["control"] = await self._listen(Control(self).application(), 0)
        for index, name in enumerate(VENDORS, start=1):
            if name in self.vendors:
                await self._open(name, index)
        for account in self.accounts:
            self._address(account)
        for vendor in self.vendors.values():
            vendor.opened(self._urls)

    async def _open(self, name: str, index: int) -> None:
        """Serve a vendor, and each of its further regions on a port of its own."""
        server = self.vendors[name]
        self._urls[name] = await self._listen(server.application(), index)
        for n, region in enumerate(server.further, start=1):
            url = await self._listen(server.application(), index + 100 * n)
            self._urls[f"{name}_{region}"] = url

    async def stop(self) -> None:
        """Close all ports."""
        await self._stack.aclose()

    async def _listen(self, app: web.Application, index: int) -> str:
        """Serve an application on a port and return its URL."""
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, HOST, self._port + index if self._port else 0)
        await site.start()
        return f"http://{HOST}:{runner.addresses[0][1]}"

    @property
    def control_url(self) -> str:
        """Return the control API's URL."""
        return self._urls["control"]

    def url(self, vendor: str) -> str:
        """Return the URL of a vendor's cloud."""
        return self._urls[vendor]

    @property
    def accounts(self) -> list[Account]:
        """Return all accounts."""
        return [a for v in self.vendors.values() for a in v.accounts.values()]

    def account(self, name: str) -> Any:
        """Return an account by its name; a dormant one is built."""
        for account in self.accounts:
            if account.name == name:
                return account
        server = next(s for s in self.vendors.values() if name in s.dormant)
        account = server.wake(name)
        if self._urls:
            self._address(account)
        return account

    def _address(self, account: Account) -> None:
        """Put the address of its vendor into what a user types."""
        for field in {"host", "auth_host"} & account.fields.keys():
            account.fields[field] = self.url(account.vendor)

    @property
    def plants(self) -> dict[str, Any]:
        """Return all plants by their ids."""
        return {plant.id: plant for a in self.accounts for plant in a.plants}

    def plant(self, account: str, index: int = 0) -> Any:
        """Return a plant of an account."""
        return self.account(account).plants[index]

    def home(self, plant_id: str) -> Home:
        """Return the physical home of a plant."""
        home: Home = self.plants[plant_id].home
        return home

    @property
    def calls(self) -> list[Call]:
        """Return every request so far."""
        return self.world.calls

    @property
    def commands(self) -> list[Command]:
        """Return what devices have carried out so far."""
        now = self.clock.seconds()
        for plant in self.plants.values():
            plant.home.advance(now)
        return sorted(self.world.commands, key=lambda command: command.at)

    def listed(self) -> list[dict[str, Any]]:
        """Return the accounts as `GET /accounts` shows them."""
        return [
            {
                "account": account.name,
                "vendor": account.vendor,
                "step": account.step,
                "fields": account.fields,
                "control": account.control,
                "plants": [
                    {
                        "id": plant.id,
                        "name": plant.name,
                        "zone": plant.home.spec.zone,
                        "devices": plant.listed(),
                    }
                    for plant in account.plants
                ],
            }
            for account in self.accounts
        ]

    def truth(
        self, at: float | None = None, *, published: bool = False
    ) -> dict[str, Any]:
        """Return the truth of all plants at an instant, or of their newest samples."""
        now = self.clock.seconds()
        when = now if at is None else min(at, now)
        return {
            key: plant.truth(_told(plant, when) if published else when)
            for key, plant in self.plants.items()
        }

    def counted(self) -> dict[str, Any]:
        """Return made and refused calls per account and endpoint."""
        return counted(self.calls, [(a.name, a.vendor) for a in self.accounts])

    def fault(self, kind: str, *, vendor: str | None = None, **args: Any) -> Fault:
        """Switch a fault on; the vendor may be left out where there is one."""
        vendor = vendor or next(iter(self.vendors))
        if vendor not in self.vendors:
            raise ValueError(f"unknown vendor: {vendor}")
        return self.world.faults.add(
            self.clock.seconds(), vendor=vendor, kind=kind, **args
        )

    def clear_faults(self, **which: Any) -> int:
        """Switch faults off: all, or those with the attributes given."""
        return self.world.faults.clear(self.clock.seconds(), **which)


def _told(plant: Any, when: float) -> float:
    """Return the instant of a plant's newest sample; of one that sleeps, the present."""
    sleeps = getattr(plant, "asleep", None)
    told: float = plant.published(when)
    return when if sleeps is not None and sleeps(when) else told


def _server_class(name: str) -> type[VendorServer]:
    """Return the server of a vendor."""
    if name not in VENDORS:
        raise ValueError(f"unknown vendor: {name}")
    module = import_module(f".{VENDORS[name]}", __package__)
    server: type[VendorServer] = module.Server
    return server
