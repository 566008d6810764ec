"""A server that answers what a test tells it to, for what no simulated home would say."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import json
from typing import Any

from aiohttp import ClientSession, web

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.huawei.cloud import HUAWEI
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.vendor import Connection


@dataclass(frozen=True)
class Error:
    """An answer with an error code."""

    code: Any
    words: str | None = None


@dataclass(frozen=True)
class Page:
    """An answer as it stands, JSON or not."""

    text: str
    status: int = 200


@dataclass
class Later:
    """Answers one after the other; the last one stays."""

    results: list[Any]

    def pop(self) -> Any:
        """Return the next answer."""
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


@dataclass
class Stub:
    """Data by the end of the path; a function of the body may make it."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    login_headers: dict[str, str] = field(default_factory=lambda: {"XSRF-TOKEN": "t1"})
    now: datetime = datetime(2026, 6, 17, 10, 2, 0, tzinfo=UTC)
    memory: dict[str, Any] = field(default_factory=dict)
    language: str = "en"
    dated: bool = True
    url: str = ""
    session: ClientSession | None = None

    def begin(self) -> None:
        """Start a client and a vendor, as after a restart."""
        assert self.session
        self.clock = Clock(
            now=lambda: self.now,
            monotonic=self._monotonic,
            sleep=self._sleep,
        )
        self.ledger = Ledger(HUAWEI.allowances, self.clock)
        self.vendor: Any = HUAWEI.way("huawei_account").connect(
            Connection(
                session=self.session,
                clock=self.clock,
                ledger=self.ledger,
                credentials={"host": self.url, "username": "api", "password": "x"},
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
        """Return the interfaces that were called, by the end of their paths."""
        return [path.rpartition("/")[2] for path, _ in self.asked]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        body = json.loads(await request.text())
        self.asked.append((request.path, body))
        self.headers.append(dict(request.headers))
        name = request.path.rpartition("/")[2]
        login = name == "login"
        result = self.answers.get(name, None if login else Error(20004))
        if isinstance(result, Later):
            result = result.pop()
        if callable(result):
            result = result(body)
        date = format_datetime(self.now, usegmt=True) if self.dated else "yesterday"
        headers = {"Date": date}
        if isinstance(result, Page):
            return web.Response(text=result.text, status=result.status, headers=headers)
        if login and not isinstance(result, Error):
            headers |= self.login_headers
        answer: dict[str, Any] = {
            "success": True,
            "data": result,
            "failCode": 0,
            "message": None,
            "params": {"currentTime": round(self.now.timestamp() * 1000)},
        }
        if isinstance(result, Error):
            answer |= {
                "success": False,
                "data": None,
                "failCode": result.code,
                "message": result.words,
            }
        return web.json_response(answer, headers=headers)


def plant_row(code: str | None = "NE=1", **more: Any) -> dict[str, Any]:
    """Return a row of the list of plants."""
    return {
        "plantCode": code,
        "plantName": f"Plant {code}",
        "capacity": 8.2,
        "gridConnectionDate": "2024-03-05T09:00:00+01:00",
        **more,
    }


def plants(*codes: str) -> dict[str, Any]:
    """Return a list of plants on one page."""
    rows = [plant_row(code) for code in codes or ("NE=1",)]
    return {
        "list": rows,
        "pageCount": 1,
        "pageNo": 1,
        "pageSize": 100,
        "total": len(rows),
    }


def device(
    wire_id: Any, kind: Any, serial: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return a row of the list of devices."""
    return {
        "id": wire_id,
        "devDn": f"NE={wire_id}",
        "devName": f"Device {wire_id}",
        "stationCode": "NE=1",
        "esnCode": serial,
        "devTypeId": kind,
        "softwareVersion": "V1",
        "invType": "SUN2000" if kind in (1, 38) else None,
        **more,
    }


def row(wire_id: Any, **items: Any) -> dict[str, Any]:
    """Return a row of real-time device data."""
    return {"devId": wire_id, "dataItemMap": items}
