"""A server that answers what a test tells it to, for what no simulated home would say."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import ClientSession, web

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.solarlog.cloud import SolarlogCloud
from custom_components.solar_cloud.cloud.solarlog.limits import allowances
from custom_components.solar_cloud.cloud.vendor import Connection

NOON = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)
PLANT = "0a1b2c3d-0001-4000-8000-00000000000a"
TOKEN = "openid-connect/token"


@dataclass(frozen=True)
class Page:
    """An answer that is not an ordinary one."""

    body: Any = None
    status: int = 200
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Stub:
    """Answers by the end of the path, those of a list one after the other."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    now: datetime = NOON
    memory: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    session: ClientSession | None = None

    def begin(self, **credentials: str) -> None:
        """Start a vendor."""
        assert self.session
        self.clock = Clock(
            now=lambda: self.now,
            monotonic=self._monotonic,
            sleep=self._sleep,
        )
        self.ledger = Ledger(allowances(), self.clock)
        fields = {
            "host": self.url,
            "auth_host": self.url,
            "portal": "https://sun.enerest.world/",
            "client_id": "client",
            "client_secret": "secret",
        }
        self.vendor = SolarlogCloud(
            Connection(
                session=self.session,
                clock=self.clock,
                ledger=self.ledger,
                credentials=fields | credentials,
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

    def paths(self, since: int = 0) -> list[str]:
        """Return the calls that were made, tokens apart."""
        base = "/api/v1/sun"
        return [
            path.removeprefix(base).replace(PLANT, "*")
            for path, _ in self.asked[since:]
            if not path.endswith(TOKEN)
        ]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        query = list(request.query.items())
        self.asked.append((request.path, query))
        found = [key for key in self.answers if request.path.endswith(key)]
        answer = self.answers[max(found, key=len)] if found else Page(status=404)
        if isinstance(answer, Later):
            answer = answer.pop()
        if callable(answer):
            answer = answer(query)
        if not isinstance(answer, Page):
            answer = Page(body=answer)
        headers = {"Date": format_datetime(self.now, usegmt=True)} | answer.headers
        if answer.text is not None:
            return web.Response(text=answer.text, status=answer.status, headers=headers)
        return web.json_response(answer.body, status=answer.status, headers=headers)


@dataclass
class Later:
    """Answers one after the other; the last one stays."""

    results: list[Any]

    def pop(self) -> Any:
        """Return the next answer."""
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


def token(value: str = "t1", **more: Any) -> dict[str, Any]:
    """Return what the token server hands out."""
    return {"access_token": value, "expires_in": 300, "token_type": "Bearer"} | more


def told(
    name: str,
    points: Any,
    unit: str = "W",
    device: str = "d5",
    date: str | None = "2026-06-17",
) -> dict[str, Any]:
    """Return one object of an answer with channels."""
    return {
        "id": "0123456789abcdef01234567",
        "deviceId": device,
        "deviceType": "Datasource",
        "name": name,
        "dataPoints": points,
        "date": date,
        "unit": unit,
    }


def slots(**values: float | None) -> dict[str, float | None]:
    """Return slots of the 17th of June; `at1105=5` is told at 11:05."""
    return {
        f"2026-06-17T{key[2:4]}:{key[4:6]}:00+02:00": value
        for key, value in values.items()
    }


def usual() -> dict[str, Any]:
    """Return the answers of a plant with one channel and without components."""
    return {
        TOKEN: token(),
        "/administration/plants": [{"id": PLANT, "label": "Sun 1", "plantSize": 9000}],
        f"/visualization/plant/{PLANT}": {"healthStatus": "OK"},
        "/components/today": [],
        f"/{PLANT}/channels": [told("ProdPac", slots(at1100=500, at1105=None))],
    }
