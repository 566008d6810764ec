"""What every simulated vendor cloud has: accounts, a record of calls, faults, limits."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import format_datetime
import json
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qs

from aiohttp import web

from .clock import Clock
from .faults import Fault, FaultBoard
from .home import Home

HTML = (
    "<!DOCTYPE html><html><head><title>Just a moment</title></head>"
    "<body><h1>The service is being updated</h1></body></html>"
)

type Truth = dict[str, dict[str, float | str | bool | None]]


@dataclass(slots=True, kw_only=True)
class Call:
    """A request that reached a vendor."""

    at: float
    vendor: str
    account: str
    method: str
    endpoint: str
    params: dict[str, Any] = field(default_factory=dict)
    code: int = 0
    refused: bool = False
    fault: str | None = None


@dataclass(slots=True, kw_only=True)
class Command:
    """Something that a device has carried out."""

    at: float
    vendor: str
    account: str
    plant: str
    device: str
    what: str
    value: Any


class Plant(Protocol):
    """A plant of an account."""

    id: str
    name: str
    home: Home

    def listed(self) -> list[dict[str, str]]:
        """Return id and kind of each device."""

    def truth(self, at: float) -> Truth:
        """Return the true values per device, and of the plant under ""."""

    def published(self, at: float) -> float:
        """Return the instant of the newest sample that the cloud shows."""

    def schedule(self) -> dict[str, Any]:
        """Return the settings that each device holds."""


@dataclass(slots=True, kw_only=True)
class Account:
    """An account of a vendor: what a user types, and what is in it."""

    name: str
    vendor: str
    step: str
    fields: dict[str, str]
    plants: list[Any] = field(default_factory=list)
    # Whether the vendor lets it steer at all.
    control: bool = True


@dataclass(slots=True, kw_only=True)
class Answer:
    """What a vendor answers."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    code: int = 0
    refused: bool = False
    content_type: str = "text/html"

    def response(self) -> web.Response:
        """Return the answer as HTTP; a string is sent as it stands."""
        if isinstance(self.body, str):
            return web.Response(
                text=self.body,
                status=self.status,
                headers=self.headers,
                content_type=self.content_type,
            )
        return web.Response(
            text=json.dumps(self.body, ensure_ascii=False),
            status=self.status,
            headers=self.headers,
            content_type="application/json",
        )


class Refusal(Exception):
    """A request that the vendor turns down."""

    def __init__(self, answer: Answer) -> None:
        """Carry the answer."""
        super().__init__(answer.code)
        self.answer = answer


@dataclass(slots=True, kw_only=True)
class Exchange:
    """A request on its way through a vendor's server."""

    at: float
    method: str
    endpoint: str
    headers: Any
    params: dict[str, Any]
    call: Call
    account: Any = None
    write_fault: Fault | None = None


@dataclass(slots=True)
class World:
    """What all vendors of a simulator share."""

    clock: Clock
    faults: FaultBoard
    seed: int
    weather: int
    history_days: int | None
    calls: list[Call] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    listeners: list[Callable[[Call], None]] = field(default_factory=list)


class VendorServer(ABC):
    """One vendor's cloud."""

    name: ClassVar[str]
    # Regions beside the first, each on a port of its own.
    further: ClassVar[tuple[str, ...]] = ()
    # Accounts that are built only when somebody asks for them with `wake`.
    dormant: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        """Begin without accounts."""
        self.world = world
        self.accounts: dict[str, Any] = {}
        self.urls: dict[str, str] = {}

    def opened(self, urls: dict[str, str]) -> None:
        """Learn under which URLs the regions are served."""
        self.urls = urls

    def wake(self, name: str) -> Account:
        """Build a dormant account."""
        raise ValueError(f"unknown account: {name}")

    @abstractmethod
    def account_of(self, headers: Any, params: dict[str, Any]) -> str | None:
        """Return the name of the account that a request claims to belong to."""

    @abstractmethod
    def serve(self, exchange: Exchange) -> Answer:
        """Answer a request, or raise a Refusal."""

    @abstractmethod
    def error(self, code: int, message: str | None = None) -> Answer:
        """Return an answer with one of the vendor's error codes."""

    @abstractmethod
    def token_error(self) -> Answer:
        """Return the answer to a token that is not valid any more."""

    @abstractmethod
    def emptied(self, body: Any, *, keep_key: bool) -> Any:
        """Return an answer's body with a null result, or without any."""

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    def take(self, kind: str, call: Call, device: str | None = None) -> Fault | None:
        """Return a fault that concerns a call, or a device in its answer."""
        fault = self.world.faults.take(
            kind, call.at, self.name, call.account or None, call.endpoint, device
        )
        if fault is not None:
            call.fault = kind
        return fault

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, faults included."""
        at = self.world.clock.seconds()
        params = await _params(request)
        call = Call(
            at=at,
            vendor=self.name,
            account=self.account_of(request.headers, params) or "",
            method=request.method,
            endpoint=request.path,
            params=params,
        )
        self.world.calls.append(call)
        answer = await self._before(call)
        if answer is None:
            exchange = Exchange(
                at=at,
                method=request.method,
                endpoint=request.path,
                headers=request.headers,
                params=params,
                call=call,
            )
            answer = self._serve(exchange)
        if answer is not None:
            answer = self._after(call, answer)
        for listener in self.world.listeners:
            listener(call)
        if answer is None:
            return _hang_up(request)
        response = answer.response()
        # By the simulator's clock: aiohttp would stamp the machine's time.
        now = self.world.clock.now()
        response.headers["Date"] = format_datetime(now, usegmt=True)
        return response

    async def _before(self, call: Call) -> Answer | None:
        """Apply the faults that hit before anything is carried out."""
        if fault := self.take("delay", call):
            await asyncio.sleep(float(fault.args.get("seconds", 1)))
        if fault := self.take("timeout", call):
            await asyncio.sleep(float(fault.args.get("seconds", 300)))
            return Answer(status=504, code=504, body=HTML)
        if fault := self.take("status", call):
            return _status(fault)
        if self.take("html", call):
            return Answer(body=HTML)
        if fault := self.take("refused_token", call):
            errno = fault.args.get("errno")
            return self.token_error() if errno is None else self.error(int(errno))
        if fault := self.take("errno", call):
            return self.error(int(fault.args["errno"]), fault.args.get("msg"))
        return None

    def _serve(self, exchange: Exchange) -> Answer | None:
        """Carry a request out, unless the connection breaks first."""
        call = exchange.call
        if self.take("drop_before", call):
            return None
        try:
            answer = self.serve(exchange)
        except Refusal as refusal:
            answer = refusal.answer
        call.refused = answer.refused
        return answer

    def _after(self, call: Call, answer: Answer) -> Answer | None:
        """Apply the faults that spoil an answer."""
        call.code = answer.code or (answer.status if answer.status >= 400 else 0)
        if self.take("drop_after", call):
            return None
        if self.take("empty", call):
            return Answer(body="", content_type="application/json")
        if self.take("garbage", call):
            return Answer(body='{"errno":0,"res', content_type="application/json")
        if self.take("null_result", call):
            answer.body = self.emptied(answer.body, keep_key=True)
        if self.take("no_result", call):
            answer.body = self.emptied(answer.body, keep_key=False)
        if self.take("strings", call):
            answer.body = _stringed(answer.body)
        return answer


async def _params(request: web.Request) -> dict[str, Any]:
    """Return the query and the body of a request, JSON or a form, as one mapping."""
    # A key that ends in [] is a list, as in PHP.
    params: dict[str, Any] = {
        key: request.query.getall(key) if key.endswith("[]") else value
        for key, value in request.query.items()
    }
    raw = await request.read()
    if not raw:
        return params
    if request.content_type == "application/x-www-form-urlencoded":
        fields = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True)
        return params | {key: " ".join(values) for key, values in fields.items()}
    try:
        body = json.loads(raw)
    except ValueError:
        return {"_malformed": True}
    return params | body if isinstance(body, dict) else {"_malformed": True}


def _hang_up(request: web.Request) -> web.Response:
    """Close the connection instead of answering."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _status(fault: Fault) -> Answer:
    """Return a plain HTTP failure."""
    status = int(fault.args.get("status", 503))
    headers = {}
    if "retry_after" in fault.args:
        headers["Retry-After"] = str(fault.args["retry_after"])
    return Answer(status=status, headers=headers, body=fault.args.get("body", HTML))


def _stringed(body: Any, path: tuple[str, ...] = ()) -> Any:
    """Return a body whose measured numbers are strings."""
    if isinstance(body, dict):
        return {key: _stringed(item, (*path, key)) for key, item in body.items()}
    if isinstance(body, list):
        return [_stringed(item, path) for item in body]
    if (path and path[-1] in ("errno", "error_code", "failCode")) or not isinstance(
        body, int | float
    ):
        return body
    if isinstance(body, bool):
        return body
    return f"{body:.9E}" if abs(body) >= 10 and int(body) % 2 else str(body)
