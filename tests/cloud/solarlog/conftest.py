"""Fixtures: an account of each package."""

from collections.abc import AsyncIterator, Callable

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from .stub import Stub, usual
from .world import NOON, World

from tests.simulator import Simulator

type Open = Callable[..., World]


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[Simulator]:
    """Return the simulated cloud, whose clock stands still unless we wait."""
    async with Simulator(
        now=lambda: NOON, vendors=("solarlog",), seed=1, history_days=40
    ) as simulator:
        yield simulator


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return a session for HTTP."""
    async with ClientSession() as found:
        yield found


@pytest.fixture
def open_world(sim: Simulator, session: ClientSession) -> Open:
    """Return what opens an account by its name."""
    return lambda name, **given: World(sim, session, name, **given)


@pytest.fixture
def advanced(open_world: Open) -> World:
    """Return an Advanced account: two plants, one of them reconfigured."""
    return open_world("advanced")


@pytest.fixture
def single(sim: Simulator, open_world: Open) -> World:
    """Return an Advanced account of which only the first plant costs calls."""
    return open_world("advanced", plants=frozenset((sim.plant("advanced").id,)))


@pytest.fixture
def basic(open_world: Open) -> World:
    """Return a Basic account whose list of plants fails; 403 for what is not bought."""
    return open_world("basic")


@pytest.fixture
def stored(open_world: Open) -> World:
    """Return a Basic account with a battery; nothing comes of what is not bought."""
    return open_world("basic_battery")


@pytest.fixture
async def stub(socket_enabled: None, session: ClientSession) -> AsyncIterator[Stub]:
    """Return a server whose answers the test tells."""
    found = Stub(session=session, answers=usual())
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        found.begin()
        yield found
