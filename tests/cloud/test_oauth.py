"""Tokens: what is asked for them, what the answers mean, one refresh for all."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.errors import (
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    QuotaExceeded,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.oauth import (
    OAuth,
    Token,
    Tokens,
    TokenService,
    authorize_url,
)

PLAIN = OAuth(authorize=("/authorize",), token="/token")
GIVEN = {"access_token": "a1", "refresh_token": "r1", "expires_in": 3600}
HTML = "<html><body>wall</body></html>"
BACK = "https://home.example/back?a=b&c=d"


@dataclass
class Service:
    """A token service that answers what a test tells it to."""

    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    saved: list[Token] = field(default_factory=list)
    now: datetime = datetime(2026, 6, 17, 10, tzinfo=UTC)
    hold: asyncio.Event | None = None
    url: str = ""
    session: ClientSession | None = None

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.asked.append({**request.query, **form})
        self.headers.append(dict(request.headers))
        self.paths.append(request.path)
        if self.hold:
            await self.hold.wait()
        status, body = self.answers.pop(0) if self.answers else (200, GIVEN)
        if isinstance(body, str):
            return web.Response(status=status, text=body)
        return web.json_response(body, status=status)

    def client(self, oauth: OAuth = PLAIN, **changed: str) -> TokenService:
        """Return our side of it."""
        assert self.session
        fields = {"host": f"{self.url}/", "client_id": "app", "client_secret": "word"}
        clock = Clock(now=lambda: self.now)
        return TokenService(self.session, clock, oauth, fields | changed)

    async def tokens(self, oauth: OAuth = PLAIN) -> Tokens:
        """Return the tokens of a consent."""
        service = self.client(oauth)
        clock = Clock(now=lambda: self.now)
        return Tokens(service, clock, await service.exchange("code", BACK), self.save)

    async def save(self, token: Token) -> None:
        """Store."""
        self.saved.append(token)


@pytest.fixture
async def service(socket_enabled: None) -> AsyncIterator[Service]:
    """Return a token service."""
    found = Service()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server, ClientSession() as session:
        found.url, found.session = str(server.make_url("")).rstrip("/"), session
        yield found


# --- what is asked ------------------------------------------------------------------


async def test_a_code_is_changed_for_tokens(service: Service) -> None:
    """With the fields of the standard, in a form; what came with them is kept."""
    service.answers = [(200, GIVEN | {"scope": "read", "token_type": "Bearer"})]
    token = await service.client().exchange("abc", BACK)
    assert service.asked == [
        {
            "grant_type": "authorization_code",
            "code": "abc",
            "redirect_uri": BACK,
            "client_id": "app",
            "client_secret": "word",
        }
    ]
    assert token == {
        "access_token": "a1",
        "refresh_token": "r1",
        "expires_at": service.now.timestamp() + 3540,
        "granted": {"scope": "read"},
    }


async def test_vendors_that_want_it_otherwise(service: Service) -> None:
    """HTTP Basic, fields in the URL, a path for refreshing, a host for signing in."""
    other = OAuth(
        authorize=("/authorize",),
        token="/token",
        refresh="/refresh",
        basic=True,
        in_query=True,
        lifetime=100,
        headers={"User-Agent": "Mozilla"},
        unwrap=lambda body: body["result"],
    )
    service.answers = [(200, {"result": {"access_token": "a1"}})]
    client = service.client(other, host="http://127.0.0.1:9", auth_host=service.url)
    token = await client.exchange("abc", BACK)
    assert "client_secret" not in service.asked[0]
    basic = service.headers[0]["Authorization"].removeprefix("Basic ")
    assert b64decode(basic) == b"app:word"
    assert service.headers[0]["User-Agent"] == "Mozilla"
    assert token["expires_at"] == service.now.timestamp() + 90
    assert token["refresh_token"] is None
    service.answers = [(200, {"result": {"access_token": "a2", "expires_in": "x"}})]
    fresh = await client.refresh({**token, "refresh_token": "r0"})
    assert service.paths == ["/token", "/refresh"]
    assert service.asked[1] == {"grant_type": "refresh_token", "refresh_token": "r0"}
    assert (fresh["access_token"], fresh["refresh_token"]) == ("a2", "r0")


async def test_the_page_of_consent(service: Service) -> None:
    """The scopes are parted by %20, and the newest page is used that is there."""
    assert service.session
    fields = {"host": service.url, "client_id": "a b"}

    async def page(*paths: str) -> str:
        oauth = OAuth(authorize=paths, token="/token", scopes=("read", "write"))
        assert service.session
        return await authorize_url(service.session, oauth, fields, BACK, "s+t")

    assert await page("/one") == (
        f"{service.url}/one?response_type=code&client_id=a%20b"
        "&redirect_uri=https://home.example/back?a%3Db%26c%3Dd"
        "&state=s%2Bt&scope=read%20write"
    )
    assert not service.asked
    service.answers = [(404, ""), (200, "")]
    assert "/two?" in await page("/one", "/two", "/three")
    service.answers = [(404, ""), (404, "")]
    assert "/three?" in await page("/one", "/two", "/three")
    plain = await authorize_url(service.session, PLAIN, fields, BACK, "s")
    assert "scope" not in plain
    fields["host"] = "http://127.0.0.1:9"
    assert "/one?" in await page("/one", "/two")


# --- what the answers mean ----------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, {"error": "invalid_grant"}, AuthenticationFailed, "invalid_grant"),
        (401, {"error": "invalid_client"}, AuthenticationFailed, "invalid_client"),
        (200, {"error": "1110"}, AuthenticationFailed, "1110"),
        (403, {}, AuthenticationFailed, "403"),
        (400, HTML, AuthenticationFailed, "400"),
        (401, "", AuthenticationFailed, "401"),
        (403, HTML, CloudUnavailable, "403"),
        (404, HTML, UnexpectedAnswer, "404"),
        (408, {}, CloudUnavailable, "408"),
        (408, HTML, CloudUnavailable, "408"),
        (429, {}, QuotaExceeded, "429"),
        (429, HTML, QuotaExceeded, "429"),
        (500, {}, CloudUnavailable, "500"),
        (503, HTML, CloudUnavailable, "503"),
        (200, HTML, UnexpectedAnswer, "200"),
        (200, [], UnexpectedAnswer, "200"),
        (200, {"access_token": ""}, UnexpectedAnswer, "200"),
    ],
)
async def test_an_answer_that_gives_no_token(
    service: Service, status: int, body: Any, error: type[CloudError], code: str
) -> None:
    """Only what refuses for good asks the owner again."""
    service.answers = [(status, body)]
    with pytest.raises(error) as raised:
        await service.client().exchange("abc", BACK)
    assert raised.value.code == code


async def test_the_vendors_words_are_told(service: Service) -> None:
    """The description, else the name of the error."""
    both = {"error": "1110", "error_description": "invalid_grant"}
    service.answers = [(400, both), (400, {"error": "1110"})]
    for words in ("invalid_grant", "1110"):
        with pytest.raises(AuthenticationFailed) as raised:
            await service.client().exchange("abc", BACK)
        assert raised.value.words == words


# --- one refresh for all ------------------------------------------------------------


async def test_a_token_is_used_until_it_ends(service: Service) -> None:
    """Then it is refreshed, and stored."""
    tokens = await service.tokens()
    assert await tokens() == "a1"
    service.now += timedelta(seconds=3541)
    service.answers = [
        (200, {"access_token": "a2", "refresh_token": "r2", "scope": "read"})
    ]
    assert await tokens() == "a2"
    assert tokens.granted == {"scope": "read"}
    assert service.saved == [tokens.token]
    assert tokens.token["refresh_token"] == "r2"
    assert len(service.asked) == 2


async def test_nobody_has_a_token_before_it_is_stored(service: Service) -> None:
    """While it is being written, others wait; a disk that is full loses none."""
    tokens = await service.tokens()
    writing = asyncio.Event()

    async def save(token: Token) -> None:
        assert tokens.token["access_token"] == "a1"
        writing.set()
        raise OSError("full")

    tokens = Tokens(
        service.client(), Clock(now=lambda: service.now), tokens.token, save
    )
    service.answers = [(200, GIVEN | {"access_token": "a2"})]
    with pytest.raises(OSError):
        await tokens("a1")
    assert writing.is_set()
    assert await tokens("a1") == "a2"


async def test_a_flow_stores_nothing(service: Service) -> None:
    """Its entry does not exist yet."""
    tokens = await service.tokens()
    tokens = Tokens(service.client(), Clock(now=lambda: service.now), tokens.token)
    service.answers = [(200, GIVEN | {"access_token": "a2"})]
    assert await tokens("a1") == "a2"
    assert not service.saved


async def test_a_refused_token_is_refreshed_once(service: Service) -> None:
    """Whoever still has the old one gets the new one without another refresh."""
    tokens = await service.tokens()
    service.answers = [(200, GIVEN | {"access_token": "a2"})]
    assert await tokens("a1") == "a2"
    assert await tokens("a1") == "a2"
    assert len(service.asked) == 2


async def test_many_wait_for_one_refresh(service: Service) -> None:
    """Also when one of them gives up waiting, or all do."""
    tokens = await service.tokens()
    service.hold = asyncio.Event()
    service.answers = [(200, GIVEN | {"access_token": "a2"})]
    waiting = [asyncio.create_task(tokens("a1")) for _ in range(3)]
    while len(service.asked) < 2:
        await asyncio.sleep(0.001)
    waiting[0].cancel()
    service.hold.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert found[1:] == ["a2", "a2"]
    assert isinstance(found[0], asyncio.CancelledError)
    assert len(service.asked) == 2

    service.hold = asyncio.Event()
    service.answers = [(400, {"error": "invalid_grant"})]
    alone = asyncio.create_task(tokens("a2"))
    while len(service.asked) < 3:
        await asyncio.sleep(0.001)
    alone.cancel()
    service.hold.set()
    with pytest.raises(asyncio.CancelledError):
        await alone
    with pytest.raises(AuthenticationFailed):
        await tokens("a2")
    assert len(service.asked) == 3


async def test_a_refresh_that_is_refused_is_not_repeated(service: Service) -> None:
    """The owner has to consent first; a server that is down is asked again."""
    tokens = await service.tokens()
    service.answers = [(503, HTML), (400, {"error": "invalid_grant"})]
    with pytest.raises(CloudUnavailable):
        await tokens("a1")
    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            await tokens("a1")
    assert len(service.asked) == 3
    assert not service.saved


async def test_without_a_refresh_token_the_owner_is_asked(service: Service) -> None:
    """There is nothing to refresh with."""
    service.answers = [(200, {"access_token": "a1"})]
    tokens = await service.tokens()
    with pytest.raises(AuthenticationFailed):
        await tokens("a1")
    assert len(service.asked) == 1


async def test_a_refresh_is_ended_with_home_assistant(service: Service) -> None:
    """Nothing is left behind then."""
    service.answers = []
    tokens = await service.tokens()
    service.hold = asyncio.Event()
    waiting = asyncio.create_task(tokens("a1"))
    while len(service.asked) < 2:
        await asyncio.sleep(0.001)
    (refresh,) = (
        task for task in asyncio.all_tasks() if "Tokens._renew" in str(task.get_coro())
    )
    refresh.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    service.hold.set()
    assert await tokens("a1") == "a1"
