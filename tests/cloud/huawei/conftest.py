"""Fixtures: accounts of each way in, and a server of odd answers."""

from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from .stub import Stub
from .world import NOON, World

from tests.simulator import Simulator

type Open = Callable[..., Awaitable[World]]


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[Simulator]:
    """Return the simulated cloud, whose clock stands still unless we wait."""
    async with Simulator(
        now=lambda: NOON, vendors=("huawei",), seed=1, history_days=5
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

    async def open_(name: str, **given: object) -> World:
        world = World(sim, session, name, **given)  # type: ignore[arg-type]
        await world.begin()
        return world

    return open_


@pytest.fixture
async def home(open_world: Open) -> World:
    """Return an API account: a hybrid with a battery, a power sensor and a dongle."""
    return await open_world("home")


@pytest.fixture
async def emma(open_world: Open) -> World:
    """Return an owner's consent: a plant with EMMA, and one with an LG battery."""
    return await open_world("emma")


@pytest.fixture
async def owner(open_world: Open) -> World:
    """Return an owner's consent on a newer server: two hybrids, two batteries."""
    return await open_world("owner")


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
