"""The control API: what a test, or the demo, knows about the simulated world."""

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .faults import KINDS

if TYPE_CHECKING:
    from .simulator import Simulator


def iso(at: float) -> str:
    """Return a Unix time as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def parse(text: str) -> float:
    """Return the Unix time of an ISO 8601 text; without an offset it is UTC."""
    # A "+" in a query that was not escaped arrives as a blank.
    when = datetime.fromisoformat(text.strip().replace(" ", "+"))
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return when.timestamp()


class Control:
    """Answers the control API's requests."""

    def __init__(self, simulator: Simulator) -> None:
        """Serve one simulator."""
        self._simulator = simulator

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application()
        app.router.add_get("/accounts", self._accounts)
        app.router.add_get("/truth", self._truth)
        app.router.add_get("/energy", self._energy)
        app.router.add_get("/calls", self._calls)
        app.router.add_get("/commands", self._commands)
        app.router.add_get("/schedule", self._schedule)
        app.router.add_get("/faults", self._faults)
        app.router.add_post("/fault", self._fault)
        app.router.add_delete("/fault", self._clear)
        app.router.add_get("/clock", self._now)
        app.router.add_post("/clock", self._clock)
        return app

    def _at(self, request: web.Request, name: str = "at") -> float:
        """Return the instant a request asks for, else the present."""
        text = request.query.get(name)
        now = self._simulator.clock.seconds()
        # Nobody looks ahead: a home that has been lived cannot be told otherwise.
        return min(now, parse(text)) if text else now

    async def _accounts(self, request: web.Request) -> web.Response:
        """List the accounts."""
        return web.json_response(self._simulator.listed())

    async def _truth(self, request: web.Request) -> web.Response:
        """Return the truth at an instant, or (published=1) of the newest samples."""
        at = self._at(request)
        published = request.query.get("published") not in (None, "", "0")
        return web.json_response(self._simulator.truth(at, published=published))

    async def _energy(self, request: web.Request) -> web.Response:
        """Return the energy of every hour between two instants, of one plant or all."""
        start, end = self._at(request, "from"), self._at(request, "to")
        return web.json_response(
            {
                plant.id: {
                    key: {iso(hour): value for hour, value in rows}
                    for key, rows in _energy_of(plant)(start, end).items()
                }
                for plant in self._simulator.plants.values()
                if request.query.get("plant") in (None, plant.id)
            }
        )

    async def _calls(self, request: web.Request) -> web.Response:
        """Count the calls per account and endpoint."""
        return web.json_response(self._simulator.counted())

    async def _commands(self, request: web.Request) -> web.Response:
        """List what the devices have carried out."""
        return web.json_response(
            [
                {
                    "at": iso(command.at),
                    "account": command.account,
                    "plant": command.plant,
                    "device": command.device,
                    "what": command.what,
                    "value": command.value,
                }
                for command in self._simulator.commands
            ]
        )

    async def _schedule(self, request: web.Request) -> web.Response:
        """Return the settings that the devices of a plant hold."""
        wanted = request.query.get("plant")
        plants = self._simulator.plants
        held = {
            plant.id: plant.schedule()
            for plant in plants.values()
            if wanted in (None, plant.id)
        }
        if wanted is None:
            return web.json_response(held)
        return web.json_response(held.get(wanted), status=200 if held else 404)

    async def _faults(self, request: web.Request) -> web.Response:
        """List the kinds of faults."""
        return web.json_response(KINDS)

    async def _fault(self, request: web.Request) -> web.Response:
        """Switch a fault on, or (kind clear) all off."""
        given: dict[str, Any] = await request.json()
        if given.get("kind") == "clear":
            return web.json_response({"cleared": self._simulator.clear_faults()})
        try:
            fault = self._simulator.fault(**given)
        except (TypeError, ValueError) as problem:
            return web.json_response({"error": str(problem)}, status=400)
        return web.json_response({"id": fault.id})

    async def _clear(self, request: web.Request) -> web.Response:
        """Switch all faults off, or the one with an id."""
        which = {"id": int(request.query["id"])} if "id" in request.query else {}
        return web.json_response({"cleared": self._simulator.clear_faults(**which)})

    async def _now(self, request: web.Request) -> web.Response:
        """Return the simulator's present."""
        return web.json_response({"now": iso(self._simulator.clock.seconds())})

    async def _clock(self, request: web.Request) -> web.Response:
        """Set or advance the clock (tests only)."""
        given = await request.json()
        clock = self._simulator.clock
        if "now" in given:
            clock.set(datetime.fromtimestamp(parse(given["now"]), UTC))
        clock.advance(float(given.get("advance", 0)))
        return await self._now(request)


def _energy_of(plant: Any) -> Any:
    """Return what tells a plant's energy, where it is not just its home's."""
    return getattr(plant, "energy", plant.home.energy)


def counted(calls: list[Any], names: list[tuple[str, str]]) -> dict[str, Any]:
    """Return made and refused calls per account, and per endpoint in it."""
    made = Counter((c.account, c.endpoint) for c in calls)
    refused = Counter((c.account, c.endpoint) for c in calls if c.refused)
    result: dict[str, Any] = {
        name: {"vendor": vendor, "made": 0, "refused": 0, "endpoints": {}}
        for name, vendor in names
    }
    for (account, endpoint), number in sorted(made.items()):
        vendor = next((c.vendor for c in calls if c.account == account), "")
        entry = result.setdefault(
            account, {"vendor": vendor, "made": 0, "refused": 0, "endpoints": {}}
        )
        bad = refused[account, endpoint]
        entry["made"] += number
        entry["refused"] += bad
        entry["endpoints"][endpoint] = {"made": number, "refused": bad}
    return result
