"""A FusionSolar account of the simulated cloud, and our client on the same clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.huawei.cloud import FEEDS, HUAWEI
from custom_components.solar_cloud.cloud.oauth import Token, Tokens, TokenService
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.vendor import Connection

from tests.simulator import Simulator

NOON = datetime(2026, 6, 17, 10, 2, 0, tzinfo=UTC)
REDIRECT = "https://home.example.org/solar"


@dataclass
class World:
    """An account of the simulator, with a vendor that lives on the simulator's clock."""

    sim: Simulator
    session: ClientSession
    name: str
    memory: dict[str, Any] = field(default_factory=dict)
    plants: frozenset[str] | None = None
    language: str = "en"
    token: Token | None = None
    ledger: Any = None

    def __post_init__(self) -> None:
        """Choose the account."""
        self.clock = Clock(
            now=self.sim.clock.now,
            monotonic=self.sim.clock.seconds,
            sleep=self._sleep,
        )
        self.account = self.sim.account(self.name)
        self.plant = self.account.plants[0]
        self.cloud = self.sim.vendors["huawei"]
        self.way = HUAWEI.way(self.account.step)

    async def begin(self, **credentials: str) -> None:
        """Start the vendor, as after a restart: with the same memory and books."""
        stored = self.ledger.as_dict() if self.ledger else None
        fields = {**self.account.fields, **credentials}
        self.ledger = Ledger(HUAWEI.allowances, self.clock, stored=stored)
        self.fields = fields
        self.tokens = await self._tokens(fields) if self.way.oauth else None
        self.vendor: Any = self.way.connect(self.connection())

    def connection(self, **changes: Any) -> Connection:
        """Return what the vendor is built from."""
        given: dict[str, Any] = {
            "session": self.session,
            "clock": self.clock,
            "ledger": self.ledger,
            "credentials": self.fields,
            "memory": self.memory,
            "language": self.language,
            "token": self.tokens,
            "plants": self.plants,
        }
        return Connection(**(given | changes))

    async def _tokens(self, fields: Mapping[str, str]) -> Tokens:
        """Return the tokens of the owner's consent."""
        assert self.way.oauth
        service = TokenService(self.session, self.clock, self.way.oauth, fields)
        if self.token is None:
            code = self.cloud.oauth.consent(
                fields["client_id"],
                REDIRECT,
                self.way.oauth.scopes,
                self.sim.clock.seconds(),
            )
            self.token = await service.exchange(code, REDIRECT)
        return Tokens(service, self.clock, self.token, save=self._save)

    async def _save(self, token: Token) -> None:
        self.token = token

    async def _sleep(self, seconds: float) -> None:
        self.sim.clock.advance(seconds + 0.01)

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.sim.clock.advance(timedelta(**span).total_seconds())

    async def poll(self, *feeds: str, dark: Iterable[str] = ()) -> Any:
        """Poll feeds (all when none is named); returns the last snapshot."""
        for feed in feeds or [row.key for row in FEEDS]:
            snapshot = await self.vendor.poll(feed, dark=frozenset(dark))
        return snapshot

    async def readings(self, feed: str = "realtime") -> dict[str, dict[str, Any]]:
        """Poll a feed and return its values by subject and key."""
        return values(await self.poll(feed))

    def fault(self, kind: str, endpoint: str | None = None, **args: Any) -> Any:
        """Switch a fault of the cloud on; an endpoint may be told by its end."""
        if endpoint is not None:
            args["endpoint"] = f"*{endpoint}"
        return self.sim.fault(kind, vendor="huawei", **args)

    def paths(self, since: int = 0) -> list[str]:
        """Return the interfaces that were called, by the end of their paths."""
        return [row.endpoint.rpartition("/")[2] for row in self.sim.calls[since:]]

    @property
    def refused(self) -> list[Any]:
        """Return the calls that the cloud turned away."""
        return [row for row in self.sim.calls if row.refused]

    def of(self, kind: int, plant: Any = None) -> Any:
        """Return the only device of a type of a plant."""
        (found,) = (plant or self.plant).of(kind)
        return found


def values(snapshot: Any) -> dict[str, dict[str, Any]]:
    """Return the values of a snapshot by subject and key."""
    return {
        subject: {key: row.value for key, row in rows.items()}
        for subject, rows in snapshot.readings.items()
    }
