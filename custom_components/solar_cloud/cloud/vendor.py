"""What a vendor must answer: the protocol between a cloud and everything above it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum, auto
from typing import Any, Protocol

from aiohttp import ClientSession

from .clock import Clock
from .control import Absent, Control, Progress, Run, RunRange, Schedule, Setting, Window
from .errors import CloudError
from .model import Device, Energies, Plant, Snapshot
from .oauth import AccessToken, OAuth
from .quota import Allowance, Call, Ledger, Purpose


class FieldKind(StrEnum):
    """How a sign-in field is asked for."""

    HOST = auto()
    CHOICE = auto()
    TEXT = auto()
    SECRET = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInField:
    """One field of a sign-in form; a host also takes a URL, a choice nothing else."""

    key: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    optional: bool = False


# What each OAuth form asks for beside its hosts.
CLIENT_FIELDS = (
    SignInField(key="client_id", kind=FieldKind.TEXT),
    SignInField(key="client_secret", kind=FieldKind.SECRET),
    SignInField(key="redirect_uri", kind=FieldKind.TEXT, optional=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One kind of poll: `interval` is the vendor's publication rhythm in s.

    `essential` feeds are awaited at set-up; a `measuring` feed carries values that age;
    a feed that `sleeps` is polled rarely while the plants it is about are dark. Lifetime
    counters that `accumulates` names are made of the feed's counters of the day, for devices
    that have no others.
    """

    key: str
    interval: float
    essential: bool = False
    measuring: bool = False
    accumulates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a vendor is built from; `memory` is JSON that is stored with the account.

    `token` gives the access token where the way in is OAuth. Only `plants` are to cost
    calls, all where it is None.
    """

    session: ClientSession
    clock: Clock
    ledger: Ledger
    credentials: Mapping[str, str]
    memory: dict[str, Any] = field(default_factory=dict)
    language: str = "en"
    token: AccessToken | None = None
    plants: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signed in: the account's id where the vendor has one, and its plants."""

    account: str | None
    plants: Mapping[str, Plant]

    @property
    def unique_id(self) -> str:
        """Return the account's identity, else the smallest plant id."""
        return self.account or min(self.plants)


class Vendor(Protocol):
    """One signed-in account at a vendor.

    What is steered belongs to a device, or to a plant as a whole. `tasks` tells that the
    vendor carries settings out by and by: they are followed, otherwise read back. So
    many days as `rereads` says its reports of the past may still change.
    """

    ledger: Ledger
    tasks: bool
    rereads: int
    feeds: tuple[Feed, ...]
    memory: dict[str, Any]

    @property
    def raw(self) -> Mapping[str, Any]:
        """Return the last answers as the vendor sent them, by endpoint."""
        ...

    @property
    def snapshots(self) -> Mapping[str, Snapshot]:
        """Return what has been fetched so far, by feed; a part where one was ended."""
        ...

    @property
    def warnings(self) -> frozenset[str]:
        """Return what only the owner can put right, by the names in repairs."""
        ...

    def remember(self, save: Callable[[], Awaitable[None]]) -> None:
        """Take what stores the memory at once, before something depends on it."""
        ...

    async def identify(self) -> Identity:
        """Sign in and list the plants; raises any CloudError."""
        ...

    async def restore(self, feed: str, snapshot: Snapshot) -> None:
        """Take over what an earlier poll of a feed delivered."""
        ...

    async def poll(self, feed: str, *, dark: Collection[str] = ()) -> Snapshot:
        """Fetch a feed; `dark` are the plants at which it is night."""
        ...

    def calls(self, feed: str) -> tuple[Call, ...]:
        """Return the calls that a poll of a feed makes, for planning."""
        ...

    def due(self, feed: str, stretch: float, dark: Collection[str] = ()) -> datetime:
        """Return when a feed should be polled next."""
        ...

    def lane(self, key: str) -> str:
        """Return which settings of a device go together, and wait for each other."""
        ...

    async def write(
        self, device: str, changes: Mapping[str, Setting]
    ) -> Mapping[str, CloudError]:
        """Send settings; returns those the vendor refused, raises when none was sent.

        A vendor of tasks stores that it sends one before it does, and what the task is
        called after; when the answer to the last one was lost, it finds out first.
        """
        ...

    async def follow(self, device: str, keys: Collection[str]) -> Progress:
        """Return how far the task has come that the last `write` of a lane gave."""
        ...

    def unfinished(self) -> Collection[tuple[str, Mapping[str, Setting]]]:
        """Return the settings whose tasks were given and not followed to their end."""
        ...

    async def read(
        self, device: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Read settings afresh from the device."""
        ...

    def run_range(self, device: Device) -> RunRange | None:
        """Return what a forced run may ask of a device, None where there is none."""
        ...

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Return, as JSON, what the run will change and so must be put back."""
        ...

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Send a run to its devices; never a second time what may be running."""
        ...

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Find out whether the devices hold the run."""
        ...

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take a run out and put back what was there before; nothing that is done."""
        ...

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Find out whether everything is as it was before the run."""
        ...

    def scheduled(self, plant: str) -> tuple[str, ...]:
        """Return what holds a schedule: devices of a plant, or the plant itself."""
        ...

    async def set_schedule(self, device: str, windows: Collection[Window]) -> None:
        """Write a schedule and turn the device's scheduler on."""
        ...

    async def get_schedule(self, device: str) -> Schedule:
        """Read the schedule that the device holds."""
        ...

    def together(self, plants: Collection[str]) -> Collection[Collection[str]]:
        """Return which plants one batch of calls about the past tells of together."""
        ...

    async def energy(
        self,
        plants: Collection[str],
        first: date,
        last: date,
        purpose: Purpose = Purpose.HISTORY,
    ) -> Energies:
        """Return the energy of days up to `last`, in hours where the vendor has them.

        It goes back as far as one batch of calls reaches, at most to `first`. Days are
        the plants' own. Of the present day it tells the hours that are over.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """One way to sign in at a vendor: a step of the config flow.

    With `oauth` the owner's consent follows the form. `budget` names the fields whose
    values say to whom the vendor counts the calls, all where it is empty.
    """

    step: str
    fields: tuple[SignInField, ...]
    connect: Callable[[Connection], Vendor]
    oauth: OAuth | None = None
    budget: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[SignInField, ...]:
        """Return the fields that reauthentication asks for again."""
        return tuple(row for row in self.fields if row.kind is FieldKind.SECRET)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorInfo:
    """A vendor as the registry knows it; `menu` asks for the way in first.

    One without `control` offers nothing to steer, one without `alarms` tells of none.
    `private_fields` are the wire's names for what tells who the owner is.
    """

    slug: str
    name: str
    ways: tuple[WayIn, ...]
    allowances: tuple[Allowance, ...]
    control: bool = True
    alarms: bool = True
    menu: bool = False
    private_fields: frozenset[str] = frozenset()

    def way(self, step: str) -> WayIn:
        """Return the way in that a step of the config flow is about."""
        return next(way for way in self.ways if way.step == step)
