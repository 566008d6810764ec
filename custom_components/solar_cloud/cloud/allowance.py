"""What a vendor allows, and the calls that are counted against it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto

from .windows import Window


class Purpose(StrEnum):
    """Why a call is made: a reserve is kept for commands, history takes what is left."""

    COMMAND = auto()
    POLL = auto()
    HISTORY = auto()


class Per(StrEnum):
    """Whose calls an allowance counts together."""

    ACCOUNT = auto()
    SUBJECT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a vendor allows: `limit` calls a window, and `spacing` seconds in between.

    `endpoints` is empty where every endpoint counts; `each` counts them one by one;
    `reserve` calls are kept for commands; one that `stretches` slows the feeds down where
    they ask too much, which makes no sense for a window as short as their rhythm.
    """

    name: str
    limit: int | None = None
    window: Window | None = None
    endpoints: frozenset[str] = frozenset()
    each: bool = False
    per: Per = Per.ACCOUNT
    spacing: float = 0.0
    reserve: int = 0
    stretches: bool = True

    def cost(self, call: Call) -> int:
        """Return what a call costs; a subject's own book counts it once."""
        return call.cost if self.per is Per.ACCOUNT else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that somebody wants to make; `subjects` are the devices it is about."""

    endpoint: str
    purpose: Purpose = Purpose.POLL
    subjects: tuple[str, ...] = ()
    cost: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A call that is repeated every `interval` seconds."""

    call: Call
    interval: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left of an allowance: for everybody, and for commands.

    At the pace of the window so far the polls are `spent` at an instant before it `resets`.
    """

    allowance: str
    polls: int
    commands: int
    limit: int
    resets: datetime | None
    spent: datetime | None = None
