"""An Enphase account of the simulated cloud, and our vendor on the same clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.enphase.cloud import ENPHASE
from custom_components.solar_cloud.cloud.oauth import Token, Tokens, TokenService
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.vendor import Connection

from tests.simulator import Simulator

NOON = datetime(2026, 6, 17, 10, 2, tzinfo=UTC)
REDIRECT = "https://home.example.org/solar"


@dataclass
class World:
    """An account of the simulator, with a vendor that lives on the simulator's clock."""

    sim: Simulator
    session: ClientSession
    name: str
    step: str = ""
    memory: dict[str, Any] = field(default_factory=dict)
    plants: frozenset[str] | None = None
    token: Token | None = None
    ledger: Any = None

    def __post_init__(self) -> None:
        """Choose the account and the way in."""
        self.clock = Clock(
            now=self.sim.clock.now,
            monotonic=self.sim.clock.seconds,
            sleep=self._sleep,
        )
        self.account: Any = self.sim.account(self.name)
        self.system: Any = self.account.plants[0]
        self.cloud = self.sim.vendors["enphase"]
        self.way = ENPHASE.way(self.step or self.account.step)
        own = self.way.step == self.account.step
        typed = self.account.fields if own else self.account.others[self.way.step]
        self.typed = {**typed, "host": self.sim.url("enphase")}

    async def begin(self, **credentials: str) -> None:
        """Start the vendor, as after a restart: with the same memory and books."""
        stored = self.ledger.as_dict() if self.ledger else None
        fields = {**self.typed, **credentials}
        self.ledger = Ledger(ENPHASE.allowances, self.clock, stored=stored)
        self.tokens = await self._tokens(fields) if self.way.oauth else None
        self.vendor: Any = self.way.connect(
            Connection(
                session=self.session,
                clock=self.clock,
                ledger=self.ledger,
                credentials=fields,
                memory=self.memory,
                token=self.tokens,
                plants=self.plants,
            )
        )

    async def _tokens(self, fields: Mapping[str, str]) -> Tokens:
        """Return the tokens of the owner's consent."""
        assert self.way.oauth
        service = TokenService(self.session, self.clock, self.way.oauth, fields)
        if self.token is None:
            code = self.cloud.oauth.consent(
                fields["client_id"], REDIRECT, (), self.sim.clock.seconds()
            )
            self.token = await service.exchange(code, REDIRECT)
        return Tokens(service, self.clock, self.token, save=self._save)

    async def _save(self, token: Token) -> None:
        self.token = token

    async def _sleep(self, seconds: float) -> None:
        self.sim.clock.advance(seconds + 0.01)

    @property
    def now(self) -> datetime:
        """Return the present."""
        return self.sim.clock.now()

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.sim.clock.advance(timedelta(**span).total_seconds())

    async def poll(self, *feeds: str, dark: Iterable[str] = ()) -> Any:
        """Poll feeds (all when none is named); returns the last snapshot."""
        for feed in feeds or [row.key for row in self.vendor.feeds]:
            snapshot = await self.vendor.poll(feed, dark=frozenset(dark))
        return snapshot

    def readings(self, subject: str | None = None) -> dict[str, Any]:
        """Return what was last told of a system or device: readings by key."""
        subject = subject or self.system.id
        found: dict[str, Any] = {}
        for snapshot in self.vendor.snapshots.values():
            found |= snapshot.readings.get(subject, {})
        return found

    def values(self, subject: str | None = None) -> dict[str, Any]:
        """Return the values that were last told of a system or device."""
        return {key: row.value for key, row in self.readings(subject).items()}

    def fault(self, kind: str, endpoint: str | None = None, **args: Any) -> Any:
        """Switch a fault of the cloud on; an endpoint may be told by its end."""
        if endpoint is not None:
            args["endpoint"] = f"*{endpoint}"
        return self.sim.fault(kind, vendor="enphase", **args)

    def paths(self, since: int = 0) -> list[str]:
        """Return the calls that were made, by the ends of their paths."""
        calls = [row.endpoint for row in self.sim.calls[since:]]
        return [path.rpartition("/")[2] for path in calls if "oauth" not in path]

    @property
    def refused(self) -> list[Any]:
        """Return the calls that the cloud turned away."""
        return [row for row in self.sim.calls if row.refused]
