"""Fixtures: an account of each kind of home."""

from collections.abc import AsyncIterator, Callable

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from .stub import Stub
from .world import NOON, World

from tests.simulator import Simulator

type Open = Callable[..., World]


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[Simulator]:
    """Return the simulated cloud, whose clock stands still unless we wait."""
    async with Simulator(
        now=lambda: NOON, vendors=("foxess",), seed=1, history_days=5
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
def kh(open_world: Open) -> World:
    """Return a single-phase hybrid (scheduler v1, on), and a string inverter."""
    return open_world("kh")


@pytest.fixture
def h3(open_world: Open) -> World:
    """Return a three-phase hybrid with two batteries and a meter (scheduler v3, off)."""
    return open_world("h3")


@pytest.fixture
def evo(open_world: Open) -> World:
    """Return an EVO (scheduler v2 and v3, never v1)."""
    return open_world("evo")


@pytest.fixture(params=["kh", "h3", "evo"])
def any_home(open_world: Open, request: pytest.FixtureRequest) -> World:
    """Return each account in turn."""
    return open_world(request.param)


@pytest.fixture
async def stub(socket_enabled: None, session: ClientSession) -> AsyncIterator[Stub]:
    """Return a server whose answers the test tells."""
    found = Stub(session=session)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        found.begin()
        yield found
