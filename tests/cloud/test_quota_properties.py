"""No sequence of calls, failures, restarts and clock jumps makes a vendor refuse one."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
import json
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.solar_cloud.cloud.errors import QuotaExceeded
from custom_components.solar_cloud.cloud.quota import (
    Allowance,
    Calendar,
    Call,
    Demand,
    Ledger,
    Per,
    Purpose,
    Rolling,
)

from .conftest import Time
from .referee import Arrival, Referee, Rule

DAY = 86_400.0
BERLIN = ZoneInfo("Europe/Berlin")
SANTIAGO = ZoneInfo("America/Santiago")  # its clocks change at midnight
ENDPOINTS = ("read", "list", "write")
STARTS = (
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 9, 5, 22, tzinfo=UTC),
    datetime(2026, 4, 4, 22, tzinfo=UTC),
    datetime(2026, 12, 31, 21, 59, 30, tzinfo=UTC),
)


@dataclass(frozen=True)
class Plan:
    """The allowances of a vendor, in its words and in ours."""

    rules: tuple[Rule, ...]
    allowances: Callable[[int], tuple[Allowance, ...]]


BATCHES = Plan(
    (
        Rule(per_device=12, rolling=DAY),
        Rule(limit=12, rolling=DAY, of_subject=True),
        Rule(spacing=1.0, of_endpoint=True, endpoints=("read", "list")),
        Rule(spacing=2.0, of_endpoint=True, endpoints=("write",)),
    ),
    lambda devices: (
        Allowance(name="day", limit=12 * devices, window=Rolling(DAY), reserve=2),
        Allowance(
            name="each", limit=12, window=Rolling(DAY), reserve=2, per=Per.SUBJECT
        ),
        Allowance(
            name="query",
            endpoints=frozenset({"read", "list"}),
            each=True,
            spacing=1.0,
        ),
        Allowance(
            name="update", endpoints=frozenset({"write"}), each=True, spacing=2.0
        ),
    ),
)
DAYS = Plan(
    (Rule(limit=7, zone=SANTIAGO), Rule(limit=60, zone=BERLIN, monthly=True)),
    lambda devices: (
        Allowance(name="day", limit=7, window=Calendar(SANTIAGO), reserve=1),
        Allowance(name="month", limit=60, window=Calendar(BERLIN, monthly=True)),
    ),
)
MINUTES = Plan(
    (
        Rule(limit=4, rolling=60.0),
        Rule(limit=2, rolling=600.0, of_endpoint=True, of_subject=True),
        Rule(spacing=300.0, of_subject=True, endpoints=("write",)),
    ),
    lambda devices: (
        Allowance(name="minute", limit=4, window=Rolling(60.0)),
        Allowance(
            name="ten", limit=2, window=Rolling(600.0), each=True, per=Per.SUBJECT
        ),
        Allowance(
            name="rest",
            endpoints=frozenset({"write"}),
            spacing=300.0,
            per=Per.SUBJECT,
        ),
    ),
)
HUNDREDS = Plan(
    (Rule(limit=300, rolling=3600.0),),
    lambda devices: (Allowance(name="day", limit=300, window=Rolling(3600.0)),),
)
PLANS = (BATCHES, DAYS, MINUTES, HUNDREDS)


@dataclass
class Life:
    """A process with a ledger, the file it keeps, and the vendor."""

    plan: Plan
    time: Time
    vendor: Referee
    file: str | None = None
    made: int = 0
    refused: list[Rule] = field(default_factory=list)
    retries: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the first process."""
        self.start()

    def start(self) -> None:
        """Start a process on what is stored."""
        self.time.process_offset = self.time.true
        self.ledger = Ledger(
            self.plan.allowances(1),
            self.time.clock,
            stored=self.file and json.loads(self.file),
            save=self.save,
        )
        self.allow()

    async def save(self, data: dict[str, Any]) -> None:
        """Store the books."""
        self.file = json.dumps(data)

    def allow(self) -> None:
        """Tell the ledger how many devices there are."""
        devices = self.vendor.devices
        self.ledger.allow(
            self.plan.allowances(devices), [f"d{n}" for n in range(devices)]
        )

    async def call(
        self,
        endpoint: str,
        purpose: Purpose,
        subjects: int,
        latency: float,
        answer: str,
    ) -> None:
        """Make a call; it may be lost, before or after it was counted, or kill us."""
        named = tuple(f"d{n}" for n in range(min(subjects, self.vendor.devices)))
        call = Call(
            endpoint=endpoint,
            purpose=purpose,
            subjects=named,
            cost=max(1, len(named)),
        )
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self.ledger.admit(call))
            except QuotaExceeded as err:
                self.retries.append((self.time.now(), err.retry_at))
                return
            self.time.true += latency
            if answer != "never arrived":
                self.arrive(endpoint, named)
            if answer == "killed":
                self.time.local_offset = min(0.0, self.time.local_offset)
                self.start()
                return
            self.time.true += latency
        if answer == "dated":
            shown = datetime.fromtimestamp(
                int(self.time.true + self.vendor.offset), UTC
            )
            self.ledger.sync(shown)
            self.ledger.succeeded(call)

    def arrive(self, endpoint: str, subjects: tuple[str, ...]) -> None:
        """Let the vendor count a call."""
        self.made += 1
        rule = self.vendor.refuses(Arrival(self.time.true, endpoint, subjects))
        if rule:
            self.refused.append(rule)

    async def restart(self, clean: bool, down: float, local: float) -> None:
        """Stop or crash, and start again under a clock that may have gone back."""
        if clean:
            await self.ledger.flush()
        self.time.true += down
        self.time.local_offset = local
        self.start()

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.time.true += seconds

    async def jump(self, offset: float) -> None:
        """Move the local clock while we run."""
        self.time.local_offset = offset

    async def suspend(self, seconds: float) -> None:
        """Sleep as a machine does: the monotonic clock stands still."""
        self.time.true += seconds
        self.time.process_offset += seconds

    async def grow(self) -> None:
        """Add a device."""
        self.vendor.devices = min(self.vendor.devices + 1, 3)
        self.allow()

    async def foreign(self, calls: int) -> None:
        """Let another client make calls, and learn of them from the vendor's count."""
        rule = self.vendor.rules[0]
        if rule.of_subject or rule.of_endpoint:
            return
        made = self.made
        await self.call("list", Purpose.POLL, 0, 0.1, "dated")
        if self.made == made:
            return
        for _ in range(min(calls, self.vendor.free(rule, self.time.true))):
            self.vendor.arrivals.append(Arrival(self.time.true, "other", ()))
        name = self.plan.allowances(1)[0].name
        self.ledger.learn(name, self.vendor.free(rule, self.time.true))
        await self.call("list", Purpose.POLL, 0, 0.1, "dated")

    async def burst(self, calls: int) -> None:
        """Poll as fast as it goes."""
        for _ in range(calls):
            await self.call("read", Purpose.POLL, 1, 0.05, "dated")


# Hypothesis keeps its own generator in a way that Python 3.14 hides from it.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like `register_random`")
REPEATABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
waits = st.one_of(
    st.sampled_from([0.2, 1.0, 55.0, 61.0, 299.0, 601.0, 3600.0, 20_000.0, DAY]),
    st.floats(0.0, 2 * DAY),
)
calls = st.tuples(
    st.just("call"),
    st.sampled_from(ENDPOINTS),
    st.sampled_from(Purpose),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.2, 3.0, 14.0]),
    st.sampled_from(["dated"] * 4 + ["no date", "never arrived", "killed"]),
)
steps = st.one_of(
    calls,
    calls,
    st.tuples(st.just("burst"), st.sampled_from([3, 15, 40])),
    st.tuples(st.just("wait"), waits),
    st.tuples(st.just("grow")),
    st.tuples(st.just("foreign"), st.integers(0, 9)),
    st.tuples(st.just("suspend"), waits),
    st.tuples(st.just("jump"), st.floats(-3 * DAY, 3 * DAY)),
)
behind = st.sampled_from([0.0, -4.0, -3600.0, -5 * DAY])
restarts = st.tuples(st.just("restart"), st.booleans(), st.floats(0.0, DAY), behind)


async def run(life: Life, sequence: list[tuple[Any, ...]]) -> None:
    """Let a life happen."""
    for name, *arguments in sequence:
        await getattr(life, name)(*arguments)


@settings(REPEATABLE, max_examples=250)
@given(
    st.sampled_from(PLANS),
    st.sampled_from(STARTS),
    st.sampled_from([0.0, 30.0, 3600.0]),
    st.lists(st.one_of(steps, steps, restarts), max_size=40),
)
def test_the_vendor_never_refuses(
    plan: Plan, start: datetime, offset: float, sequence: list[tuple[Any, ...]]
) -> None:
    """Whatever happens, as long as no restart finds the local clock ahead."""
    life = Life(plan, Time(start), Referee(plan.rules, offset))
    asyncio.run(run(life, sequence))
    assert not life.refused
    assert all(retry_at and retry_at > now for now, retry_at in life.retries)


@settings(REPEATABLE, max_examples=100)
@given(
    st.sampled_from(PLANS),
    st.lists(st.one_of(calls, calls, st.tuples(st.just("wait"), waits)), max_size=30),
    st.floats(0.0, 40 * DAY),
    st.lists(st.tuples(st.just("burst"), st.sampled_from([3, 40])), max_size=4),
)
def test_a_clock_that_runs_ahead_after_a_restart_costs_one_call_at_most(
    plan: Plan,
    before: list[tuple[Any, ...]],
    ahead: float,
    after: list[tuple[Any, ...]],
) -> None:
    """The first answer shows the vendor's clock, and nothing was forgotten till then."""
    life = Life(plan, Time(STARTS[0]), Referee(plan.rules))
    restart = ("restart", True, 1.0, ahead)
    asyncio.run(run(life, [*before, ("burst", 20), restart, *after]))
    assert len(life.refused) <= 1


@settings(REPEATABLE, max_examples=30)
@given(
    st.lists(st.one_of(steps, restarts), max_size=15),
    st.sampled_from([BATCHES, DAYS, HUNDREDS]),
)
def test_whatever_happened_the_next_window_is_usable(
    sequence: list[tuple[Any, ...]], plan: Plan
) -> None:
    """No jump, crash or foreign use closes the books for longer than a window."""
    life = Life(plan, Time(STARTS[0]), Referee(plan.rules))
    asyncio.run(run(life, [*sequence, ("jump", 0.0)]))
    life.time.true += 40 * DAY
    asyncio.run(life.call("list", Purpose.COMMAND, 0, 0.1, "dated"))
    life.time.true += 40 * DAY
    made = life.made
    asyncio.run(life.burst(5))
    assert life.made == made + 5


@settings(REPEATABLE, max_examples=6)
@given(st.floats(1.2, 20.0), st.sampled_from([200, 600]), st.floats(0.0, 3600.0))
def test_demands_beyond_the_allowance_are_spread_over_the_day(
    excess: float, limit: int, phase: float
) -> None:
    """The quota is neither gone by noon nor left over."""
    time = Time()
    time.true += phase
    reserve = limit // 10
    allowance = Allowance(name="day", limit=limit, window=Rolling(DAY), reserve=reserve)
    ledger = Ledger([allowance], time.clock)
    call = Call(endpoint="read")
    interval = DAY / (limit - reserve) / excess
    made: list[float] = []

    async def poll() -> None:
        begun = time.true
        while time.true < begun + 3 * DAY:
            async with ledger.admit(call):
                made.append(time.true - begun)
            stretch = ledger.stretch([Demand(call=call, interval=interval)])
            time.true += interval * stretch

    asyncio.run(poll())
    third = [at for at in made if at >= 2 * DAY]
    assert len(third) >= 0.9 * (limit - reserve)
    quarters = [sum(n <= at / DAY * 4 - 8 < n + 1 for at in third) for n in range(4)]
    assert max(quarters) <= 1.3 * min(quarters)
