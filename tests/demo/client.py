"""Home Assistant's REST and WebSocket API."""

import asyncio
from itertools import count
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from .processes import DemoError

from tests.consent import ConsentError, consent

USER = PASSWORD = "demo"


class CommandError(Exception):
    """Home Assistant refused a WebSocket command."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code, and show the message."""
        super().__init__(message)
        self.code = code


class Client:
    """A signed-in owner of a Home Assistant."""

    def __init__(self, session: ClientSession, url: str) -> None:
        """Take the address; nothing is connected yet."""
        self._session = session
        self.url = url
        self._token = ""
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._socket: ClientWebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        """Make the owner's account and connect."""
        await self._create_owner()
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        if self._reader:
            self._reader.cancel()
        if self._socket:
            await self._socket.close()

    async def request(self, method: str, path: str, json: Any = None) -> Any:
        """Make a REST call; raises when it is refused."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "HA-Frontend-Base": self.url,
        }
        async with self._session.request(
            method, f"{self.url}{path}", json=json, headers=headers
        ) as response:
            if response.status >= 400:
                text = await response.text()
                raise DemoError(f"{method} {path}: {response.status} {text}")
            return await response.json()

    async def consent(self, page: str) -> str:
        """Allow Home Assistant the access on a vendor's page, as the owner does."""
        try:
            return await consent(self._session, page)
        except ConsentError as err:
            raise DemoError(str(err)) from None

    async def command(self, kind: str, **fields: Any) -> Any:
        """Send a WebSocket command and return its result."""
        number, answer = await self._send(kind, fields)
        try:
            return await answer
        finally:
            self._answers.pop(number, None)

    async def service(self, domain: str, name: str, entity: str, **data: Any) -> None:
        """Carry out an action on an entity."""
        await self.command(
            "call_service",
            domain=domain,
            service=name,
            service_data=data,
            target={"entity_id": entity},
        )

    async def subscribe(self, event_type: str) -> asyncio.Queue[dict[str, Any]]:
        """Return a queue that all events of a type go into."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        number, answer = await self._send(
            "subscribe_events", {"event_type": event_type}, queue
        )
        await answer
        self._answers.pop(number, None)
        return queue

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return the states of all entities."""
        return {row["entity_id"]: row for row in await self.command("get_states")}

    async def _create_owner(self) -> None:
        client_id = f"{self.url}/"
        created = await self.request(
            "POST",
            "/api/onboarding/users",
            {
                "client_id": client_id,
                "name": USER.title(),
                "username": USER,
                "password": PASSWORD,
                "language": "en",
            },
        )
        form = {
            "grant_type": "authorization_code",
            "code": created["auth_code"],
            "client_id": client_id,
        }
        async with self._session.post(f"{self.url}/auth/token", data=form) as response:
            response.raise_for_status()
            self._token = (await response.json())["access_token"]

    async def _connect(self) -> None:
        address = f"{self.url.replace('http', 'ws', 1)}/api/websocket"
        self._socket = await self._session.ws_connect(address, max_msg_size=0)
        await self._socket.receive_json()
        await self._socket.send_json({"type": "auth", "access_token": self._token})
        answer = await self._socket.receive_json()
        if answer["type"] != "auth_ok":
            raise DemoError(f"Home Assistant does not let us in: {answer}")
        self._reader = asyncio.create_task(self._read(self._socket))

    async def _send(
        self,
        kind: str,
        fields: dict[str, Any],
        events: asyncio.Queue[dict[str, Any]] | None = None,
    ) -> tuple[int, asyncio.Future[Any]]:
        if self._socket is None or self._socket.closed:
            raise DemoError("Home Assistant has closed the connection")
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        if events is not None:
            self._events[number] = events
        await self._socket.send_json({"id": number, "type": kind, **fields})
        return number, answer

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._take(message.json())
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(DemoError("Home Assistant closed the connection"))

    def _take(self, message: dict[str, Any]) -> None:
        number = message["id"]
        if message["type"] == "event":
            self._events[number].put_nowait(message["event"])
            return
        answer = self._answers.get(number)
        if answer is None or answer.done():
            return
        if message["success"]:
            answer.set_result(message["result"])
        else:
            error = message["error"]
            answer.set_exception(CommandError(error["code"], error["message"]))
