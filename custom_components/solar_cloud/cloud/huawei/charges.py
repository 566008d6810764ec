"""Charge tasks (5.2.1, 5.2.2): given to a plant, carried out by each of its batteries."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import AnswerLost, Occupied, PartlyDone, Refused
from ..quota import Purpose
from ..values import number, text
from . import endpoints as on
from .client import HuaweiClient
from .wire import Reply

STOP, CHARGE, DISCHARGE = 0, 1, 2
BY_DURATION = 2
LONGEST = 1440
FAILED = 2
SAME_TASK = ("same task", "task is being executed", "task is running")
NOT_DELIVERED = "the task was not delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the batteries tell of a charge task: how many are done, at it, or failed.

    One that is done with a message was an `exception` (5.2.2); `words` are the vendor's.
    """

    done: int = 0
    exception: int = 0
    running: int = 0
    failed: int = 0
    words: str = ""

    @property
    def complaint(self) -> str:
        """Return what went wrong, and with how many batteries."""
        words = self.words or "the vendor gives no reason"
        wrong = self.failed + self.exception
        count = wrong + self.done + self.running
        return words if wrong == count else f"{wrong} of {count} batteries: {words}"


class Charges:
    """Gives charge tasks, and asks about them."""

    def __init__(self, client: HuaweiClient) -> None:
        """Share the client."""
        self._client = client

    async def start(
        self, plant: str, switch: int, minutes: int, power: float | None
    ) -> int:
        """Start a forced charge or discharge of some minutes; returns the request's id.

        `power` is each battery's, in W and positive. Raises PartlyDone when only some of
        the batteries took it on.
        """
        fields: dict[str, Any] = {
            "plantCode": plant,
            "dispatchSwitch": switch,
            "controlType": BY_DURATION,
            "dispatchTime": min(max(minutes, 1), LONGEST),
        }
        if power is not None:
            fields["powerDispatch"] = round(power if switch == CHARGE else -power)
        return await self._give(plant, fields)

    async def stop(self, plant: str) -> int:
        """End what is forced; returns the request's id."""
        return await self._give(plant, {"plantCode": plant, "dispatchSwitch": STOP})

    async def _give(self, plant: str, fields: Mapping[str, Any]) -> int:
        reply = await self._client.call(
            on.CHARGE, {"tasks": [fields]}, purpose=Purpose.COMMAND, subject=plant
        )
        return _taken(reply)

    async def status(self, plant: str, request: int) -> Status:
        """Ask how far a task has come."""
        reply = await self._client.call(
            on.CHARGE_STATUS,
            {"requestID": request},
            purpose=Purpose.POLL,
            subject=plant,
        )
        return _status(reply)


def _taken(reply: Reply) -> int:
    """Return the id of a task that all batteries took on."""
    data = reply.data if isinstance(reply.data, Mapping) else {}
    rows = [row for row in data.get("result") or () if isinstance(row, Mapping)]
    failed = [row for row in rows if number(row.get("dispatchResult")) != 0]
    words = next(
        (found for row in failed if (found := text(row.get("description")))), ""
    )
    words = words or reply.words or NOT_DELIVERED
    request = number(data.get("requestID"))
    if any(same in words.lower() for same in SAME_TASK):
        raise Occupied(words)
    if reply.code == FAILED or (rows and len(failed) == len(rows)):
        raise Refused(words)
    if failed:
        raise PartlyDone(f"{len(failed)} of {len(rows)} batteries refused: {words}")
    if request is None:
        raise AnswerLost("no request id")
    return int(request)


def _status(reply: Reply) -> Status:
    """Return what the batteries tell; a finished task with a message has failed."""
    rows = [row for row in reply.data or () if isinstance(row, Mapping)]
    found: Counter[str] = Counter()
    words = ""
    for row in rows:
        told = text(row.get("message")) or ""
        match number(row.get("status")):
            case 0:
                found["exception" if told else "done"] += 1
            case 2:
                found["failed"] += 1
            case _:
                found["running"] += 1
                continue
        words = words or told
    return Status(**found, words=words)
