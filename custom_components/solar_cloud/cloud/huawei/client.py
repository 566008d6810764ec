"""The interfaces of SmartPVMS for one account, one method an interface."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..errors import UnexpectedAnswer
from ..quota import Call, Purpose
from ..values import number
from . import endpoints as on
from .codes import SessionLost, TypeUnknown
from .endpoints import Endpoint
from .session import Access
from .wire import Reply, Wire

HOSTS = tuple(
    f"https://{region}.fusionsolar.huawei.com"
    for region in ("eu5", "intl", "la5", "sg5", "au5", "me5", "af5", "cn5")
)

# What an answer is about, for the name under which it is kept.
ABOUT = (
    "subject",
    "pageNo",
    "devTypeId",
    "plantCode",
    "taskId",
    "requestID",
    "collectTime",
)


class HuaweiClient:
    """The interfaces of SmartPVMS; every method may raise a CloudError."""

    def __init__(self, wire: Wire, access: Access) -> None:
        """Sign calls with what `access` gives."""
        self._wire = wire
        self._access = access
        self._as_text: dict[int, bool] = {}
        self.raw: dict[str, Any] = {}

    @property
    def warnings(self) -> frozenset[str]:
        """Return what the owner should know about the sign-in."""
        return self._access.warnings

    async def call(
        self,
        endpoint: Endpoint,
        body: Mapping[str, Any],
        *,
        purpose: Purpose = Purpose.POLL,
        subject: str = "",
    ) -> Reply:
        """Make one call, signed in again once where the session was lost.

        `subject` is the plant that a command is about, or the part of the plants or devices
        that a poll is about. Code 0 returns, and so do 1 and 2 of
        a task (partly, failed), whose data tells what became of each plant.
        """
        call = Call(
            endpoint=endpoint.path,
            purpose=purpose,
            subjects=(subject,) if subject else (),
        )
        headers = await self._access.headers(purpose)
        try:
            reply = await self._wire.send(call, endpoint, body, headers)
        except SessionLost:
            await self._access.renew(headers, purpose)
            headers = await self._access.headers(purpose)
            reply = await self._wire.send(call, endpoint, body, headers)
        self._access.used()
        self._keep(endpoint, {**body, "subject": subject}, reply)
        return reply

    def _keep(self, endpoint: Endpoint, body: Mapping[str, Any], reply: Reply) -> None:
        """Remember the last answer of each interface and subject, for diagnostics."""
        about = "/".join(str(body[key]) for key in ABOUT if body.get(key))
        self.raw[f"{endpoint.path} {about}".strip()] = reply.data

    async def plants(self) -> list[dict[str, Any]]:
        """Return the plants of all pages: plantCode, capacity in kWp (5.1.1.1)."""
        rows: list[dict[str, Any]] = []
        page = 0
        while True:
            page += 1
            reply = await self.call(on.PLANTS, {"pageNo": page})
            data = reply.data if isinstance(reply.data, Mapping) else {}
            rows += (found := _rows(data.get("list")))
            if not found or page >= (number(data.get("pageCount")) or 1):
                return rows

    async def devices(self, plants: Sequence[str]) -> list[dict[str, Any]]:
        """Return the devices of up to 100 plants (5.1.1.2)."""
        body = {"stationCodes": ",".join(plants)}
        return _rows((await self.call(on.DEVICES, body)).data)

    async def plant_values(self, plants: Sequence[str], part: str) -> Reply:
        """Return the real-time data of up to 100 plants (5.1.2.1)."""
        body = {"stationCodes": ",".join(plants)}
        return await self.call(on.PLANT_REAL, body, subject=part)

    async def device_values(
        self, kind: int, devices: Sequence[str], part: str
    ) -> Reply:
        """Return the real-time data of up to 100 devices of a type (5.1.2.2).

        Some servers only take the type as a text.
        """
        body = {"devIds": ",".join(devices)}
        return await self._by_type(on.DEVICE_REAL, kind, body, Purpose.POLL, part)

    async def device_history(
        self,
        kind: int,
        devices: Sequence[str],
        start: datetime,
        end: datetime,
        purpose: Purpose = Purpose.HISTORY,
    ) -> Reply:
        """Return samples of up to 10 devices in up to three days (5.1.2.3)."""
        body = {
            "devIds": ",".join(devices),
            "startTime": _ms(start),
            "endTime": _ms(end),
        }
        return await self._by_type(on.DEVICE_HISTORY, kind, body, purpose)

    async def alarms(
        self, plants: Sequence[str], begin: datetime, end: datetime, language: str
    ) -> list[dict[str, Any]]:
        """Return the active alarms of up to 100 plants that arose in a span (5.1.3.1)."""
        body = {
            "stationCodes": ",".join(plants),
            "beginTime": _ms(begin),
            "endTime": _ms(end),
            "language": language,
        }
        return _rows((await self.call(on.ALARMS, body)).data)

    async def plant_report(
        self,
        endpoint: Endpoint,
        plants: Sequence[str],
        at: datetime,
        purpose: Purpose = Purpose.POLL,
    ) -> list[dict[str, Any]]:
        """Return a report of up to 100 plants (5.1.4.1 to 5.1.4.4).

        The hours of the day of `at`, the days of its month, the months of its year, or all
        years.
        """
        body = {"stationCodes": ",".join(plants), "collectTime": _ms(at)}
        return _rows((await self.call(endpoint, body, purpose=purpose)).data)

    async def device_report(
        self,
        endpoint: Endpoint,
        kind: int,
        devices: Sequence[str],
        at: datetime,
        purpose: Purpose = Purpose.POLL,
    ) -> list[dict[str, Any]]:
        """Return a report of up to 100 devices of a type (5.1.4.5 to 5.1.4.7)."""
        body = {"devIds": ",".join(devices), "collectTime": _ms(at)}
        return _rows((await self._by_type(endpoint, kind, body, purpose)).data)

    def has_tried(self, kind: int) -> bool:
        """Return whether a type was refused as a text, too."""
        return self._as_text.get(kind) is False

    async def _by_type(
        self,
        endpoint: Endpoint,
        kind: int,
        body: Mapping[str, Any],
        purpose: Purpose,
        part: str = "",
    ) -> Reply:
        """Call with the type as a number; a server that refuses it may take a text.

        It is asked in the other form the next time, as a second call now may be too many.
        """
        as_text = self._as_text.get(kind, False)
        told = str(kind) if as_text else kind
        try:
            return await self.call(
                endpoint, {**body, "devTypeId": told}, purpose=purpose, subject=part
            )
        except TypeUnknown:
            self._as_text[kind] = not as_text
            raise


def _rows(data: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; nothing where the server has nothing to tell."""
    if data is None:
        return []
    if not isinstance(data, list):
        raise UnexpectedAnswer(f"data is {type(data).__name__}, not a list")
    return [row for row in data if isinstance(row, dict)]


def _ms(at: datetime) -> int:
    """Return an instant in ms since 1970."""
    return round(at.timestamp() * 1000)
