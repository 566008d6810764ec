"""Fixtures: an account of each way in and plan."""

from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from .stub import Stub, usual
from .world import NOON, World

from tests.simulator import Simulator

type Open = Callable[..., Awaitable[World]]


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[Simulator]:
    """Return the simulated cloud, whose clock stands still unless we wait."""
    async with Simulator(
        now=lambda: NOON, vendors=("enphase",), seed=1, history_days=20
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
async def watt(open_world: Open) -> World:
    """Return an account of the free plan: meters and two batteries."""
    return await open_world("watt")


@pytest.fixture
async def mega(open_world: Open) -> World:
    """Return an account of a plan with everything."""
    return await open_world("mega")


@pytest.fixture
async def cellular(open_world: Open) -> World:
    """Return an account whose gateway uploads every six hours."""
    return await open_world("cellular")


@pytest.fixture
async def old(open_world: Open) -> World:
    """Return an account of version 2: one system without, one with meters."""
    return await open_world("legacy")


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
