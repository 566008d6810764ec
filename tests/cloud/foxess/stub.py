"""A server that answers what a test tells it to, for what no simulated home would say."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import json
from typing import Any

from aiohttp import ClientSession, web

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.foxess.client import FoxessClient
from custom_components.solar_cloud.cloud.foxess.cloud import FoxessCloud
from custom_components.solar_cloud.cloud.foxess.limits import allowances
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.vendor import Connection

type Result = Any


@dataclass(frozen=True)
class Error:
    """An answer with an error number."""

    errno: int
    words: str | None = None


@dataclass(frozen=True)
class Page:
    """An answer that is no JSON."""

    text: str
    status: int = 200


@dataclass
class Stub:
    """Results by the end of the path; a list of `Next` is answered one after the other."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    now: datetime = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)
    memory: dict[str, Any] = field(default_factory=dict)
    language: str = "en"
    date: str | None = None
    url: str = ""
    session: ClientSession | None = None

    def begin(self) -> None:
        """Start a client and a vendor."""
        assert self.session
        self.clock = Clock(
            now=lambda: self.now,
            monotonic=self._monotonic,
            sleep=self._sleep,
        )
        self.ledger = Ledger(allowances(), self.clock)
        self.client = FoxessClient(self.session, f"{self.url}/", "key", self.ledger)
        self.vendor = FoxessCloud(
            Connection(
                session=self.session,
                clock=self.clock,
                ledger=self.ledger,
                credentials={"host": self.url, "api_key": "key"},
                memory=self.memory,
                language=self.language,
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
        """Return the interfaces that were called."""
        return [path for path, _ in self.asked]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        raw = await request.text()
        params = {**dict(request.query), **(json.loads(raw) if raw else {})}
        self.asked.append((request.path, params))
        self.headers.append(dict(request.headers))
        found = [key for key in self.answers if request.path.endswith(key)]
        result = self.answers[max(found, key=len)] if found else Error(41200, "?")
        if isinstance(result, Later):
            result = result.pop()
        if callable(result):
            result = result(params)
        if isinstance(result, Page):
            return web.Response(text=result.text, status=result.status)
        body: dict[str, Any] = {"errno": 0, "msg": "ok", "result": result}
        if isinstance(result, Error):
            body = {"errno": result.errno, "msg": result.words, "result": None}
        date = self.date or format_datetime(self.now, usegmt=True)
        return web.json_response(body, headers={"Date": date})


@dataclass
class Later:
    """Answers one after the other; the last one stays."""

    results: list[Any]

    def pop(self) -> Any:
        """Return the next answer."""
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


type Answer = Callable[[dict[str, Any]], Any]
