"""A server that answers what a test tells it to, for what no simulated home would say."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from inspect import isawaitable
from typing import Any

from aiohttp import ClientSession, web

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.enphase.cloud import ENPHASE, EnphaseCloud
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.vendor import Connection

NOON = datetime(2026, 6, 17, 12, 2, tzinfo=UTC)
QUARTER = int(NOON.replace(minute=0).timestamp())
MIDNIGHT = int(NOON.replace(hour=0, minute=0).timestamp())
SYSTEM = "71"


@dataclass(frozen=True)
class Page:
    """An answer that is not an ordinary one."""

    body: Any = None
    status: int = 200
    text: str | None = None


@dataclass
class Later:
    """Answers one after the other; the last one stays."""

    results: list[Any]

    def pop(self) -> Any:
        """Return the next answer."""
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


@dataclass
class Stub:
    """Answers by the end of the path; what is not told of is not found."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    now: datetime = NOON
    memory: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    session: ClientSession | None = None
    refreshed: int = 0
    date: str = ""

    async def token(self, refused: str | None = None) -> str:
        """Return an access token, another one where it was refused."""
        self.refreshed += refused is not None
        return f"t{self.refreshed}"

    def begin(self, *, old: bool = False, **credentials: str) -> EnphaseCloud:
        """Start a vendor: of version 4, unless it is to be the old one."""
        assert self.session
        self.clock = Clock(
            now=lambda: self.now,
            monotonic=self._monotonic,
            sleep=self._sleep,
        )
        self.ledger = Ledger(ENPHASE.allowances, self.clock)
        fields = {"host": self.url, "api_key": "k", "plan": "watt", "user_id": "271828"}
        token: Any = None if old else self.token
        self.vendor = EnphaseCloud(
            Connection(
                session=self.session,
                clock=self.clock,
                ledger=self.ledger,
                credentials=fields | credentials,
                memory=self.memory,
                token=token,
            )
        )
        return self.vendor

    def _monotonic(self) -> float:
        return self.now.timestamp()

    async def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds + 0.01)

    def paths(self, since: int = 0) -> list[str]:
        """Return the calls that were made, by the ends of their paths."""
        return [path.rpartition("/")[2] for path, _ in self.asked[since:]]

    async def values(self, *feeds: str, subject: str = SYSTEM) -> dict[str, Any]:
        """Poll feeds, and return what the last one told of a system or device."""
        for feed in feeds:
            snapshot = await self.vendor.poll(feed)
        rows = snapshot.readings.get(subject, {})
        return {key: row.value for key, row in rows.items()}

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        self.asked.append((request.path, dict(request.query)))
        found = [key for key in self.answers if request.path.endswith(key)]
        answer = self.answers[max(found, key=len)] if found else Page(status=404)
        if isinstance(answer, Later):
            answer = answer.pop()
        if callable(answer):
            answer = answer(request)
        if isawaitable(answer):
            answer = await answer
        if not isinstance(answer, Page):
            answer = Page(body=answer)
        headers = {"Date": self.date or format_datetime(self.now, usegmt=True)}
        if answer.text is not None:
            return web.Response(text=answer.text, status=answer.status, headers=headers)
        return web.json_response(answer.body, status=answer.status, headers=headers)


def listed(**more: Any) -> dict[str, Any]:
    """Return the list of one system of version 4."""
    row = {
        "system_id": int(SYSTEM),
        "name": "Elm",
        "timezone": "Etc/UTC",
        "connection_type": "ethernet",
        "status": "normal",
        "last_report_at": QUARTER + 30,
        "operational_at": MIDNIGHT - 86_400 * 40,
        "energy_lifetime": -1,
        "energy_today": -1,
        "system_size": -1,
    }
    return {"systems": [row | more], "total": 1}


def devices(**groups: Any) -> dict[str, Any]:
    """Return the devices of a system, meters and batteries unless told otherwise."""
    usual: dict[str, Any] = {
        "micros": [{"id": 1, "serial_number": "m1", "last_report_at": QUARTER}],
        "meters": [
            {
                "id": 2,
                "serial_number": "p1",
                "state": "enabled",
                "config_type": "Production",
                "last_report_at": QUARTER,
            },
            {
                "id": 3,
                "serial_number": "c1",
                "state": "enabled",
                "config_type": "Net",
                "last_report_at": QUARTER,
            },
        ],
        "encharges": [
            {"id": 4, "serial_number": "b1", "active": "true"},
            {"id": 5, "serial_number": "b2", "active": True},
        ],
    }
    return {"system_id": int(SYSTEM), "devices": usual | groups}


def intervals(name: str, *values: Any, step: int = 900, **more: Any) -> dict[str, Any]:
    """Return intervals that end with the last full quarter of an hour."""
    first = QUARTER - step * (len(values) - 1)
    rows = [
        {"end_at": first + step * index, name: value}
        for index, value in enumerate(values)
    ]
    return {"system_id": int(SYSTEM), "intervals": rows} | more


def usual() -> dict[str, Any]:
    """Return the answers of a system with meters and batteries."""
    days = {"system_id": int(SYSTEM), "start_date": "2026-06-15"}
    return {
        "/systems": listed(),
        "/devices": devices(),
        "/summary": {"size_w": 5000, "battery_capacity_wh": 9000},
        "/energy_lifetime": days | {"production": [1000, 2000]},
        "/consumption_lifetime": days | {"consumption": [3000, 4000]},
        "/energy_import_lifetime": days | {"import": [10, 20]},
        "/energy_export_lifetime": days | {"export": [30, 40]},
        "/battery_lifetime": days | {"charge": [50, 60], "discharge": [70, 80]},
        "/production_meter": intervals("wh_del", 100, 200),
        "/consumption_meter": intervals("enwh", 10, 20),
        "/energy_import_telemetry": intervals("wh_imported", 1, 2),
        "/energy_export_telemetry": intervals("wh_exported", 3, 4),
        "/telemetry/battery": {
            "intervals": [
                {
                    "end_at": QUARTER,
                    "charge": {"enwh": 5},
                    "discharge": {"enwh": 6},
                    "soc": {"percent": 77},
                }
            ]
        },
        "/latest_telemetry": latest(),
        "/open_alarms": {"alarms": []},
    }


def latest(
    used: float | None = 900, mode: str = "Charging", **more: Any
) -> dict[str, Any]:
    """Return powers: 2000 W of sun, two batteries with 300 W each."""
    return {
        "devices": {
            "meters": [
                {"name": "production", "last_report_at": QUARTER, "power": 2000},
                {"name": "production", "last_report_at": None, "power": None},
                {"name": "consumption", "last_report_at": QUARTER, "power": used},
            ],
            "encharges": [
                {
                    "id": number,
                    "last_report_at": QUARTER,
                    "power": 300,
                    "operational_mode": mode,
                }
                for number in (4, 5)
            ],
        }
        | more
    }
