"""Tasks: settings that a plant carries out by and by (5.2.3 to 5.2.8).

A task is stored before it is given, and under its name afterwards, so that after a crash it
is followed, and not given again. While one is on its way at a plant, no second of its kind
is given. What is already so counts as done.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum, auto
import re
from typing import Any

from ..clock import Clock
from ..control import Evidence, Progress, Setting
from ..errors import (
    AnswerLost,
    Busy,
    CloudError,
    NotSupported,
    Occupied,
    PermissionDenied,
    Refused,
)
from ..quota import Purpose
from ..values import text
from . import endpoints as on
from .client import HuaweiClient
from .endpoints import Endpoint
from .wire import Reply

SAME = "the same as the current value"
NO_PERMISSION = "no permission"
_IDS = re.compile(r"[\s,.]*plantCodes:? *\[[^]]*\]")
# What a status FAIL says in its message (5.2.4, 5.2.6, 5.2.8).
WORDS: dict[str, str] = {
    "FAILURE": "The delivery fails",
    "TIMEOUT": "A timeout occurs",
    "BUSY": "The device is busy",
    "INVALID": "The device is invalid",
    "EXCEPTION": "An exception occurs",
}
DOUBTFUL = ("TIMEOUT", "EXCEPTION")
# Seconds until a task is asked about for the first time, the second, and so on; the last
# one stays. Under OAuth a day has but 100 calls for all that steers.
RHYTHM = (10.0, 62.0, 62.0, 62.0, 120.0, 300.0, 600.0)
RARELY = (60.0, 62.0, 120.0, 300.0, 600.0, 1200.0, 1800.0)
# Seconds until it is tried again what found another one's task running.
OCCUPIED, OCCUPIED_RATIONED = 62.0, 300.0
FORGOTTEN_AFTER = 24 * 3600.0
NOT_THERE = "404"
GONE = ("20616", "20617", "20620")


async def nobody() -> None:
    """Store nothing, as long as nobody has said how."""


class Kind(StrEnum):
    """The kinds of tasks; a plant carries out one of each at a time."""

    MODE = auto()
    BATTERY = auto()
    POWER = auto()


# Where a kind is given and asked about; a server that answers 404 may know the next.
PATHS: dict[Kind, tuple[tuple[Endpoint, Endpoint], ...]] = {
    Kind.MODE: (
        (on.MODE, on.MODE_STATUS),
        (on.MODE_SPACED, on.MODE_SPACED_STATUS),
    ),
    Kind.BATTERY: ((on.BATTERY, on.BATTERY_STATUS),),
    Kind.POWER: ((on.POWER, on.POWER_STATUS),),
}


class End(StrEnum):
    """How a task ended."""

    DONE = auto()
    SHOWN = auto()
    FAILED = auto()
    BUSY = auto()
    UNKNOWN = auto()


@dataclass(slots=True, kw_only=True)
class Task:
    """A task of a plant, as it is stored; instants in seconds since 1970.

    `owner` is the run that it belongs to, empty for a setting. Without an `id` it is not
    known whether it arrived.
    """

    plant: str
    kind: Kind
    changes: dict[str, Setting]
    owner: str = ""
    windows: list[dict[str, Any]] | None = None
    sent: float = 0.0
    id: str | None = None
    ask: float = 0.0
    asked: int = 0
    end: End | None = None
    words: str = ""
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return under what the task is kept."""
        return f"{self.plant}|{self.kind}|{self.owner}"

    @property
    def is_lost(self) -> bool:
        """Return whether it is not known if it arrived."""
        return self.id is None and self.end is None

    @property
    def is_on_its_way(self) -> bool:
        """Return whether the plant is carrying it out, as far as is known."""
        return self.id is not None and self.end is None

    @property
    def may_be_done(self) -> bool:
        """Return whether it failed in a way that leaves open what the plant holds."""
        return self.end is End.FAILED and self.words.startswith(DOUBTFUL)

    @property
    def progress(self) -> Progress:
        """Return how far it has come."""
        match self.end:
            case End.DONE:
                return Progress(done=True, evidence=Evidence.TASK)
            case End.SHOWN:
                return Progress(done=True, evidence=Evidence.READ_BACK)
            case End.FAILED:
                return Progress(done=False, error=Refused(self.words))
            case End.BUSY:
                return Progress(done=False, error=Busy(self.words))
            case None if self.id:
                again_at = datetime.fromtimestamp(self.ask, UTC)
                return Progress(done=None, again_at=again_at)
            case _:
                return Progress(done=None)


class Tasks:
    """The tasks of an account's plants; `memory` is stored."""

    def __init__(
        self,
        client: HuaweiClient,
        clock: Clock,
        memory: dict[str, Any],
        *,
        rationed: bool,
    ) -> None:
        """Go on with the tasks from before; `rationed` where queries are few."""
        self._client = client
        self._clock = clock
        self._kept: dict[str, dict[str, Any]] = memory.setdefault("tasks", {})
        self._spelling: dict[str, int] = memory.setdefault("spelling", {})
        self._rhythm = RARELY if rationed else RHYTHM
        self._occupied = OCCUPIED_RATIONED if rationed else OCCUPIED
        self.remember: Callable[[], Awaitable[None]] = nobody

    @property
    def now(self) -> float:
        """Return the present in seconds since 1970."""
        return self._clock.now().timestamp()

    def _all(self) -> Iterator[Task]:
        for row in list(self._kept.values()):
            end = row["end"] and End(row["end"])
            yield Task(**{**row, "kind": Kind(row["kind"]), "end": end})

    def find(self, plant: str, kind: Kind, owner: str = "") -> Task | None:
        """Return a task that has been given and not been dropped."""
        wanted = Task(plant=plant, kind=kind, changes={}, owner=owner).name
        return next((task for task in self._all() if task.name == wanted), None)

    def given(self, plant: str, kind: Kind | None) -> list[Task]:
        """Return the tasks of a kind of a plant, whoever's they are."""
        return [
            task for task in self._all() if (task.plant, task.kind) == (plant, kind)
        ]

    def open(self) -> list[Task]:
        """Return the tasks for settings that have not been dropped."""
        return [task for task in self._all() if not task.owner]

    async def drop(self, task: Task) -> None:
        """Forget a task."""
        self._kept.pop(task.name, None)
        await self.remember()

    async def found_so(self, task: Task) -> None:
        """Note that a task that was lost has been carried out, as the plant shows."""
        task.end = End.SHOWN
        await self._keep(task)

    async def _keep(self, task: Task) -> None:
        self._kept[task.name] = asdict(task)
        await self.remember()

    # --- give --------------------------------------------------------------------------

    async def give(self, task: Task, body: Mapping[str, Any]) -> Task:
        """Give a task; returns it with what is known of it.

        Raises Occupied while one of its kind is on its way at the plant, AnswerLost when
        it may have arrived, and what the vendor refuses.
        """
        await self._wait_for_others(task)
        older = self.find(task.plant, task.kind, task.owner)
        task.sent = self.now
        await self._keep(task)
        try:
            reply = await self._call(task, 0, {"tasks": [body]}, Purpose.COMMAND)
        except AnswerLost:
            raise
        except CloudError as err:
            await self._take_back(task, older)
            if isinstance(err, Occupied):
                retry_at = datetime.fromtimestamp(self.now + self._occupied, UTC)
                raise Occupied(err.words, code=err.code, retry_at=retry_at) from None
            raise
        self._given(task, reply)
        if task.end in (End.FAILED, End.BUSY):
            await self.drop(task)
            raise _refusal(task)
        await self._keep(task)
        if task.is_lost:
            raise AnswerLost("no task id")
        return task

    async def _take_back(self, task: Task, older: Task | None) -> None:
        """Store again what was there; a task whose answer was lost may have arrived."""
        if older and older.is_lost:
            await self._keep(older)
        else:
            await self.drop(task)

    async def _wait_for_others(self, task: Task) -> None:
        """Raise Occupied while a task of the same kind is on its way at the plant."""
        for other in self.given(task.plant, task.kind):
            if not other.is_on_its_way:
                continue
            if self.now - other.sent > FORGOTTEN_AFTER:
                await self.drop(other)
                continue
            await self._ask(other)
            if other.is_on_its_way:
                retry_at = datetime.fromtimestamp(max(other.ask, self.now + 1), UTC)
                raise Occupied("a task of this kind is running", retry_at=retry_at)

    def _given(self, task: Task, reply: Reply) -> None:
        """Take over what the vendor answered to a task."""
        data = reply.data if isinstance(reply.data, Mapping) else {}
        row = _row_of(data.get("result"), task.plant)
        words = text(row.get("message")) or ""
        failed = str(row.get("status") or "").upper() == "FAIL" or reply.code == 2
        if failed:
            _fail(task, words or reply.words)
            return
        task.id = text(data.get("taskId"))
        task.ask = self.now + self._rhythm[0]

    # --- follow ------------------------------------------------------------------------

    async def follow(self, task: Task) -> Progress:
        """Return how far a task has come; asks when it is time to."""
        if task.is_on_its_way:
            await self._ask(task)
        return task.progress

    async def _ask(self, task: Task) -> None:
        if self.now < task.ask:
            return
        try:
            reply = await self._call(task, 1, {"taskId": task.id}, Purpose.POLL)
        except Refused as err:
            if err.code not in GONE:
                raise
            task.end = End.UNKNOWN
        else:
            self._told(task, reply)
        if not task.end:
            task.asked += 1
            pause = self._rhythm[min(task.asked, len(self._rhythm) - 1)]
            task.ask = self.now + pause
        await self._keep(task)

    def _told(self, task: Task, reply: Reply) -> None:
        """Take over what the vendor tells of a task."""
        data = reply.data if isinstance(reply.data, Mapping) else {}
        row = _row_of(data.get("dispatchResult"), task.plant)
        match str(row.get("status") or "").upper():
            case "SUCCESS":
                task.end, task.told = End.DONE, dict(row)
            case "FAIL":
                _fail(task, text(row.get("message")) or reply.words)
            case _:
                pass

    async def _call(
        self, task: Task, which: int, body: Mapping[str, Any], purpose: Purpose
    ) -> Reply:
        """Make a call at the path that the server knows."""
        paths = PATHS[task.kind]
        spelling = self._spelling.get(task.kind, 0)
        while True:
            try:
                reply = await self._client.call(
                    paths[spelling][which], body, purpose=purpose, subject=task.plant
                )
            except NotSupported as err:
                if err.code != NOT_THERE or spelling + 1 == len(paths):
                    raise
                spelling += 1
            else:
                self._spelling[task.kind] = spelling
                return reply


def _row_of(rows: Any, plant: str) -> Mapping[str, Any]:
    """Return what a result tells of a plant."""
    found = [row for row in rows or () if isinstance(row, Mapping)]
    own = [row for row in found if row.get("plantCode") == plant]
    return next(iter(own or found), {})


def _fail(task: Task, words: str) -> None:
    """Note that a task failed; when everything was so already, it is done."""
    if SAME in words.lower():
        task.end = End.DONE
        return
    task.end = End.BUSY if words.upper() == "BUSY" else End.FAILED
    meaning = WORDS.get(words.upper())
    task.words = f"{words}: {meaning}" if meaning else words


def _refusal(task: Task) -> CloudError:
    """Return what it means that a task was not taken on; ids are nobody's business."""
    words = _IDS.sub("", task.words)
    if NO_PERMISSION in words.lower():
        return PermissionDenied(words)
    return Busy(words) if task.end is End.BUSY else Refused(words)
