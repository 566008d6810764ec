"""Fixtures: the simulated cloud, and what steers its machines."""

from collections.abc import AsyncIterator, Callable

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from .steered import NOON, Steered
from .stub import Stub
from .world import World

from tests.simulator import Simulator

type Open = Callable[..., World]
type Steer = Callable[..., Steered]


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[Simulator]:
    """Return the simulated cloud, whose clock stands still unless we wait."""
    async with Simulator(
        now=lambda: NOON, vendors=("growatt",), seed=1, history_days=5
    ) as simulator:
        yield simulator


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return a session for HTTP."""
    async with ClientSession() as found:
        yield found


@pytest.fixture
def steer(sim: Simulator, session: ClientSession) -> Steer:
    """Return what steers a machine by its name."""
    return lambda name, **given: Steered(sim, session, name, **given)


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


@pytest.fixture
def open_world(sim: Simulator, session: ClientSession) -> Open:
    """Return what opens an account by its name."""
    return lambda name, **given: World(sim, session, name, **given)


@pytest.fixture(params=["old", "min", "sph", "spa"])
def any_world(open_world: Open, request: pytest.FixtureRequest) -> World:
    """Return each account in turn."""
    return open_world(request.param)
