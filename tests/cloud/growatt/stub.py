"""A server that answers what a test tells it to, for what no simulated home would say."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import ClientSession, web

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.growatt.client import GrowattClient
from custom_components.solar_cloud.cloud.growatt.cloud import GrowattCloud
from custom_components.solar_cloud.cloud.growatt.limits import allowances
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.vendor import Connection


@dataclass(frozen=True)
class Error:
    """An answer with an error number."""

    code: int
    words: str = ""


@dataclass(frozen=True)
class Page:
    """An answer that is no JSON."""

    text: str
    status: int = 200


@dataclass(frozen=True)
class Whole:
    """An answer with an envelope of its own."""

    body: Any


@dataclass
class Later:
    """Answers one after the other; the last one stays."""

    results: list[Any]

    def pop(self) -> Any:
        """Return the next answer."""
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


type Answer = Callable[[dict[str, str]], Any]


@dataclass
class Stub:
    """`data` by the end of the path: a value, an Error, a Page, or what makes one."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    now: datetime = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)
    memory: dict[str, Any] = field(default_factory=dict)
    date: str | None = None
    url: str = ""
    session: ClientSession | None = None

    def begin(self) -> None:
        """Start a client."""
        assert self.session
        self.clock = Clock(
            now=lambda: self.now,
            monotonic=self._monotonic,
            sleep=self._sleep,
        )
        self.ledger = Ledger(allowances(), self.clock)
        self.client = GrowattClient(
            self.session, f"{self.url}/", "token", self.ledger, self.memory
        )
        self.vendor = GrowattCloud(
            Connection(
                session=self.session,
                clock=self.clock,
                ledger=self.ledger,
                credentials={"host": self.url, "token": "token"},
                memory=self.memory,
            )
        )

    def _monotonic(self) -> float:
        return self.now.timestamp()

    async def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds + 0.01)

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def paths(self) -> list[str]:
        """Return the endpoints that were called."""
        return [path for path, _ in self.asked]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        form = await request.post()
        params = {**request.query, **{key: str(row) for key, row in form.items()}}
        self.asked.append((request.path, params))
        self.headers.append(dict(request.headers))
        found = [key for key in self.answers if request.path.endswith(key)]
        result = self.answers[max(found, key=len)] if found else Error(10001, "?")
        if isinstance(result, Later):
            result = result.pop()
        if callable(result):
            result = result(params)
        date = {"Date": self.date or format_datetime(self.now, usegmt=True)}
        if isinstance(result, Page):
            return web.Response(text=result.text, status=result.status, headers=date)
        if isinstance(result, Whole):
            return web.json_response(result.body, headers=date)
        if isinstance(result, Error):
            body = {"error_code": result.code, "error_msg": result.words, "data": ""}
            return web.json_response(body, headers=date)
        body = {"error_code": 0, "error_msg": "", "data": result}
        return web.json_response(body, headers=date)
