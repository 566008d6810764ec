"""One request, against a real server: what its answer or its absence means."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
import pytest

from custom_components.solar_cloud.cloud import transport
from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    CloudError,
    CloudUnavailable,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.transport import Answer, request

pytestmark = pytest.mark.usefixtures("socket_enabled")


@dataclass
class Server:
    """A server that answers as it is told, and remembers what arrived."""

    url: str = ""
    answer: Callable[[web.Request], Any] = lambda _: web.json_response({})
    arrived: list[tuple[str, Any]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def late(self, asked: web.Request) -> web.Response:
        """Answer when it is released."""
        await self.released.wait()
        return web.json_response({})

    async def handle(self, asked: web.Request) -> web.StreamResponse:
        """Answer a request."""
        self.arrived.append((asked.method, await asked.text()))
        answer = self.answer(asked)
        return await answer if asyncio.iscoroutine(answer) else answer


def drop(asked: web.Request) -> web.Response:
    """Close the connection without a word."""
    assert asked.transport
    asked.transport.close()
    return web.Response()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Return a server on loopback."""
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    server.released.set()
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return a session of our own."""
    async with ClientSession() as session:
        yield session


async def test_an_answer_is_decoded_with_its_clock(
    server: Server, session: ClientSession
) -> None:
    """Headers, parameters and body arrive as given."""
    date = "Wed, 17 Jun 2026 12:00:00 GMT"

    def answer(asked: web.Request) -> web.Response:
        said = {"token": asked.headers["token"], "sn": asked.query["sn"]}
        return web.json_response(said, status=201, headers={"Date": date})

    server.answer = answer
    found = await request(
        session,
        "POST",
        f"{server.url}/op",
        headers={"token": "t"},
        params={"sn": "1 2"},
        body={"a": None},
    )
    assert (found.status, found.body) == (201, {"token": "t", "sn": "1 2"})
    assert found.date == datetime(2026, 6, 17, 12, tzinfo=UTC)
    assert server.arrived == [("POST", '{"a": null}')]


@pytest.mark.parametrize("headers", [{}, {"Date": "soon"}, {"Date": ""}])
def test_an_answer_without_a_clock_has_none(headers: dict[str, str]) -> None:
    """Or one that nobody can read."""
    assert Answer(status=200, headers=headers, body=None).date is None


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (200, b"<html>Maintenance</html>", UnexpectedAnswer, "HTML"),
        (200, b"", UnexpectedAnswer, "empty body"),
        (200, b" \n", UnexpectedAnswer, "empty body"),
        (200, b"OK", UnexpectedAnswer, "not JSON"),
        (200, b"\xff\xfe\x00", UnexpectedAnswer, "not JSON"),
        (429, b"", UnexpectedAnswer, "empty body"),
        (302, b"<a>", UnexpectedAnswer, "HTML"),
        (500, b"{}", AnswerLost, "HTTP 500"),
        (502, b"<html>", AnswerLost, "HTTP 502"),
        (503, b"{}", CloudUnavailable, "HTTP 503"),
        (504, b"", AnswerLost, "HTTP 504"),
    ],
)
async def test_an_answer_that_is_no_json_says_what_it_is(
    server: Server,
    session: ClientSession,
    status: int,
    body: bytes,
    kind: type[CloudError],
    words: str,
) -> None:
    """Only 503 is sure that nothing was done."""
    server.answer = lambda _: web.Response(status=status, body=body)
    with pytest.raises(CloudError) as raised:
        await request(session, "GET", server.url, headers={})
    assert type(raised.value) is kind
    assert (raised.value.words, raised.value.code) == (words, str(status))


async def test_a_strange_encoding_is_read_as_well_as_it_goes(
    server: Server, session: ClientSession
) -> None:
    """Replacing what cannot be read."""
    server.answer = lambda _: web.Response(
        body='{"a": "ü"}'.encode("latin1"),
        headers={"Content-Type": "application/json; charset=klingon"},
    )
    found = await request(session, "GET", server.url, headers={})
    assert found.body["a"]


async def test_an_answer_that_takes_too_long_is_lost(
    server: Server, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request may have been carried out."""
    server.answer = server.late
    monkeypatch.setattr(transport, "TIMEOUT", ClientTimeout(total=0.1))
    with pytest.raises(AnswerLost):
        await request(session, "POST", server.url, headers={})


async def test_a_connection_that_never_comes_about_has_sent_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a firewall."""
    server.answer = server.late
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        first = asyncio.create_task(request(session, "GET", server.url, headers={}))
        while not server.arrived:
            await asyncio.sleep(0)
        monkeypatch.setattr(transport, "TIMEOUT", ClientTimeout(connect=0.05))
        with pytest.raises(CloudUnavailable) as raised:
            await request(session, "POST", server.url, headers={})
        assert not isinstance(raised.value, AnswerLost)
        server.released.set()
        await first
    assert len(server.arrived) == 1


async def test_an_answer_that_breaks_off_is_lost(
    server: Server, session: ClientSession
) -> None:
    """In the middle of its body."""

    def answer(asked: web.Request) -> Any:
        async def broken() -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(asked)
            await response.write(b"{")
            assert asked.transport
            asked.transport.close()
            return response

        return broken()

    server.answer = answer
    with pytest.raises(AnswerLost):
        await request(session, "POST", server.url, headers={})


async def test_a_connection_that_is_refused_has_sent_nothing(
    server: Server, session: ClientSession, unused_tcp_port: int
) -> None:
    """So the command may be sent again."""
    with pytest.raises(CloudUnavailable) as raised:
        await request(
            session, "POST", f"http://127.0.0.1:{unused_tcp_port}", headers={}
        )
    assert not isinstance(raised.value, AnswerLost)


@pytest.mark.parametrize("url", ["http://", "nonsense", "http://[", "ftp://a.b"])
async def test_a_wrong_address_has_sent_nothing(
    session: ClientSession, url: str
) -> None:
    """As the user types it."""
    with pytest.raises(CloudUnavailable) as raised:
        await request(session, "GET", url, headers={})
    assert not isinstance(raised.value, AnswerLost)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_a_request_whose_connection_drops_is_sent_once(
    server: Server, session: ClientSession, method: str
) -> None:
    """On a new connection and on one that was kept alive."""
    server.answer = drop
    with pytest.raises(AnswerLost):
        await request(session, method, server.url, headers={}, body={"a": 1})
    server.answer = lambda _: web.json_response({})
    await request(session, "GET", server.url, headers={})
    server.answer = drop
    with pytest.raises(AnswerLost):
        await request(session, method, server.url, headers={}, body={"a": 2})
    assert [row[0] for row in server.arrived] == [method, "GET", method]


async def test_a_redirect_is_not_followed(
    server: Server, session: ClientSession
) -> None:
    """It would carry the secrets to another host."""

    def answer(asked: web.Request) -> web.Response:
        return web.json_response({}, status=302, headers={"Location": "/elsewhere"})

    server.answer = answer
    found = await request(session, "GET", server.url, headers={"token": "t"})
    assert found.status == 302
    assert len(server.arrived) == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("90", 90.0), ("0", 1.0), ("Wed, 17 Jun 2026 10:00:00 GMT", None)],
)
async def test_how_long_to_wait_is_told_with_and_without_a_body(
    server: Server, session: ClientSession, said: str, seconds: float | None
) -> None:
    """A Retry-After in seconds is taken; a date is not."""
    headers = {"Retry-After": said}
    server.answer = lambda _: web.json_response({}, status=429, headers=headers)
    answer = await request(session, "GET", server.url, headers={})
    assert answer.retry_after == seconds
    server.answer = lambda _: web.Response(status=429, headers=headers)
    with pytest.raises(UnexpectedAnswer) as raised:
        await request(session, "GET", server.url, headers={})
    assert raised.value.retry_after == seconds
