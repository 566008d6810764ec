"""The ledger: who may call when, what is left, and what a restart remembers."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.clock import Clock
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

DAY = 86_400.0
BERLIN = ZoneInfo("Europe/Berlin")
READ = Call(endpoint="read")
COMMAND = Call(endpoint="write", purpose=Purpose.COMMAND)
HISTORY = Call(endpoint="history", purpose=Purpose.HISTORY)


def daily(limit: int = 100, reserve: int = 0) -> Allowance:
    """Return an allowance for any 24 hours."""
    return Allowance(name="day", limit=limit, window=Rolling(DAY), reserve=reserve)


async def make(ledger: Ledger, call: Call = READ, times: int = 1) -> None:
    """Make calls."""
    for _ in range(times):
        async with ledger.admit(call):
            pass


async def spend(ledger: Ledger, call: Call = READ) -> int:
    """Make calls until the ledger refuses; returns how many."""
    for made in range(10_000):
        try:
            await make(ledger, call)
        except QuotaExceeded:
            return made
    raise AssertionError


class File:
    """What a ledger stores."""

    def __init__(self) -> None:
        """Start empty."""
        self.data: dict[str, Any] | None = None
        self.saves = 0

    async def save(self, data: dict[str, Any]) -> None:
        """Store the books."""
        self.data = data
        self.saves += 1


async def test_polls_use_all_but_the_reserve_and_commands_that(time: Time) -> None:
    """A spent quota leaves a forced charge possible."""
    ledger = Ledger([daily(limit=100, reserve=10)], time.clock)
    assert await spend(ledger) == 90
    assert await spend(ledger, HISTORY) == 0
    assert await spend(ledger, COMMAND) == 10
    assert ledger.made == {"read": 90, "write": 10}


async def test_history_takes_what_the_feeds_leave(time: Time) -> None:
    """Filling past years never slows a feed down."""
    ledger = Ledger([daily(limit=100, reserve=10)], time.clock)
    demands = [Demand(call=READ, interval=DAY / 60)]
    assert ledger.stretch(demands) == 1
    assert 20 <= await spend(ledger, HISTORY) <= 30
    assert ledger.stretch(demands) == 1
    assert ledger.earliest(HISTORY) > time.now() + timedelta(minutes=30)


async def test_a_refusal_tells_when_by_the_local_clock(time: Time) -> None:
    """Even when the vendor's clock is two days away from ours."""
    ledger = Ledger([daily(limit=1)], time.clock)
    ledger.sync(time.now() + timedelta(days=2))
    await make(ledger)
    with pytest.raises(QuotaExceeded) as refusal:
        await make(ledger)
    assert refusal.value.retry_at
    wait = refusal.value.retry_at - time.now()
    assert timedelta(days=1) < wait < timedelta(days=1, minutes=10)


async def test_spacing_is_waited_for_and_counted_from_the_end(time: Time) -> None:
    """Two calls of one interface keep their distance, others need not."""
    spaced = Allowance(name="query", each=True, spacing=3.0)
    ledger = Ledger([spaced], time.clock)
    async with ledger.admit(READ):
        time.advance(seconds=2)
    begun = time.true
    await make(ledger, Call(endpoint="list"))
    assert time.true == begun
    await make(ledger)
    assert time.true == pytest.approx(begun + 3)


async def test_requests_that_are_made_once_leave_no_books(time: Time) -> None:
    """Spacings that are over are forgotten; those that are not, and windows, stay."""
    slow = Allowance(name="slow", per=Per.SUBJECT, each=True, spacing=300)
    ledger = Ledger([slow, daily(limit=10_000)], time.clock)

    def call(number: int) -> Call:
        return Call(endpoint="read", subjects=(f"page {number}",))

    for number in range(600):
        await make(ledger, call(number))
    assert len(ledger.as_dict()["books"]) == 601
    assert ledger.stretch([Demand(call=call(1), interval=300)]) == 1
    await time.sleep(200)
    await make(ledger, call(600))
    await time.sleep(101)
    await make(ledger, call(601))
    books = ledger.as_dict()["books"]
    assert set(books) == {"slow|read|page 600", "slow|read|page 601", "day||"}
    assert ledger.earliest(call(600)) > time.now()
    assert ledger.stretch([Demand(call=call(1), interval=300)]) == 1


async def test_a_step_of_the_vendors_clock_does_not_shorten_the_spacing(
    time: Time,
) -> None:
    """Spacing passes in real time."""
    ledger = Ledger([Allowance(name="five minutes", spacing=300.0)], time.clock)
    await make(ledger)
    ledger.sync(time.now() + timedelta(hours=1))
    assert ledger.earliest(READ) - time.now() == timedelta(minutes=5)
    ledger.sync(time.now() - timedelta(hours=1))
    assert ledger.earliest(READ) - time.now() <= timedelta(minutes=5)


async def test_a_command_goes_before_polls_that_wait(time: Time) -> None:
    """However many polls are queued."""
    ledger = Ledger([Allowance(name="query", spacing=1.0)], time.clock)
    order: list[str] = []

    async def call(row: Call) -> None:
        await make(ledger, row)
        order.append(row.endpoint)

    await make(ledger)
    polls = [call(READ) for _ in range(3)]
    await asyncio.gather(*polls, call(COMMAND))
    assert order == ["write", "read", "read", "read"]


async def test_a_call_waits_no_longer_than_its_purpose_allows(time: Time) -> None:
    """A poll comes again by itself, a command has somebody waiting."""
    ledger = Ledger([Allowance(name="query", spacing=20.0)], time.clock)
    await make(ledger)
    with pytest.raises(QuotaExceeded):
        await make(ledger)
    await make(ledger, COMMAND)
    assert ledger.made == {"read": 1, "write": 1}


async def test_a_batch_that_no_window_can_hold_is_refused(time: Time) -> None:
    """It is not waited for in vain."""
    ledger = Ledger([daily(limit=5)], time.clock)
    batch = Call(endpoint="read", subjects=("a", "b"), cost=6)
    with pytest.raises(QuotaExceeded):
        await make(ledger, batch)
    assert ledger.earliest(batch) > time.now()


async def test_an_allowance_counts_only_its_endpoints(time: Time) -> None:
    """Other calls are free."""
    allowance = Allowance(
        name="reads", limit=1, window=Rolling(DAY), endpoints=frozenset({"read"})
    )
    ledger = Ledger([allowance], time.clock)
    await make(ledger, COMMAND, times=3)
    assert await spend(ledger) == 1
    assert ledger.earliest(COMMAND) == time.now()


async def test_a_call_about_no_device_counts_for_all(time: Time) -> None:
    """The safe reading of "per inverter"."""
    each = Allowance(name="each", limit=2, window=Rolling(DAY), per=Per.SUBJECT)
    ledger = Ledger([each], time.clock)
    ledger.allow([each], ["a", "b"])
    await make(ledger, Call(endpoint="read", subjects=("a",)))
    await make(ledger)
    assert await spend(ledger, Call(endpoint="read", subjects=("a",))) == 0
    assert await spend(ledger, Call(endpoint="read", subjects=("b",))) == 1


async def test_a_limit_that_grows_with_the_devices_opens_at_once(time: Time) -> None:
    """What was spent stays spent."""
    ledger = Ledger([daily(limit=10)], time.clock)
    assert await spend(ledger) == 10
    ledger.allow([daily(limit=20)], ["a", "b"])
    assert await spend(ledger) == 10


async def test_a_refused_window_closes_longer_each_time_until_a_call_succeeds(
    time: Time,
) -> None:
    """And closes nothing but itself."""
    query = Allowance(name="query", each=True, spacing=1.0)
    ledger = Ledger([daily(), query], time.clock)
    pauses = []
    for _ in range(4):
        until = ledger.close("query", READ, 10.0, 60.0)
        pauses.append((until - time.now()).total_seconds())
        time.advance(seconds=pauses[-1])
    assert pauses == [10, 20, 40, 60]
    assert ledger.refused == {"read": 4}
    await make(ledger, Call(endpoint="list"))
    ledger.succeeded(READ)
    assert ledger.close("query", READ, 10.0, 60.0) - time.now() == timedelta(seconds=10)


async def test_a_closed_window_has_nothing_left(time: Time) -> None:
    """The vendor's word counts more than our sum."""
    ledger = Ledger([daily()], time.clock)
    until = ledger.close("day", READ, 900.0, 7200.0)
    left = ledger.left()
    assert left and (left.polls, left.commands, left.resets) == (0, 0, until)


async def test_a_refusal_under_a_wrong_clock_does_not_close_for_days(
    time: Time,
) -> None:
    """The vendor's clock, once seen, puts the pause right."""
    time.local_offset = 5 * DAY
    ledger = Ledger([daily()], time.clock)
    await make(ledger)
    ledger.close("day", READ, 900.0, 7200.0)
    ledger.sync(time.vendor)
    assert ledger.earliest(READ) - time.now() <= timedelta(minutes=15)


async def test_the_tightest_window_is_told(time: Time) -> None:
    """With what polls and commands have, and when a call comes free."""
    each = Allowance(
        name="each", limit=10, window=Rolling(DAY), reserve=2, per=Per.SUBJECT
    )
    ledger = Ledger([], time.clock)
    assert ledger.left() is None
    ledger.allow([daily(), each, Allowance(name="query", spacing=1.0)], ["a", "b"])
    await make(ledger, Call(endpoint="read", subjects=("b",)), times=4)
    left = ledger.left()
    assert left and (left.allowance, left.polls, left.commands) == ("each", 4, 6)
    assert left.resets and left.resets > time.now() + timedelta(days=1)
    time.advance(days=2)
    left = ledger.left()
    assert left and (left.polls, left.commands, left.resets) == (8, 10, None)


async def test_the_vendors_count_is_believed(time: Time) -> None:
    """Foreign use is booked; calls that it does not count are taken out, oldest first."""
    ledger = Ledger([daily()], time.clock)
    await make(ledger, times=10)
    ledger.learn("day", 50)
    assert ledger.left().commands == 50  # type: ignore[union-attr]
    time.advance(hours=12)
    await make(ledger, times=20)
    ledger.learn("day", 75)
    time.advance(hours=13)
    assert ledger.left().commands == 80  # type: ignore[union-attr]
    assert await spend(ledger) == 80


async def test_a_generous_count_does_not_raise_the_limit_for_ever(time: Time) -> None:
    """What expired here is not added to what the vendor never counted."""
    ledger = Ledger([daily()], time.clock)
    await make(ledger, times=60)
    ledger.learn("day", 200)
    time.advance(hours=26)
    assert await spend(ledger) == 100


async def test_a_count_of_something_else_changes_nothing(time: Time) -> None:
    """An allowance without a window has no count."""
    ledger = Ledger([Allowance(name="query", spacing=1.0), daily()], time.clock)
    ledger.learn("query", 0)
    ledger.learn("unheard of", 0)
    assert ledger.earliest(READ) == time.now()


async def test_the_count_of_one_device_is_believed_for_it(time: Time) -> None:
    """Where a vendor counts by device."""
    each = Allowance(name="each", limit=5, window=Rolling(DAY), per=Per.SUBJECT)
    ledger = Ledger([each], time.clock)
    one, two = (Call(endpoint="read", subjects=(row,)) for row in "ab")
    ledger.learn("each", 0, one)
    assert await spend(ledger, one) == 0
    assert await spend(ledger, two) == 5


@pytest.mark.parametrize(
    ("start", "hours"),
    [
        (datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
    ],
)
async def test_a_day_of_the_vendor_is_as_long_as_it_is(
    start: datetime, hours: int
) -> None:
    """On the days on which the clocks change, too."""
    time = Time(start + timedelta(minutes=2))
    ledger = Ledger(
        [Allowance(name="day", limit=3, window=Calendar(BERLIN))], time.clock
    )
    assert await spend(ledger) == 3
    opens = ledger.earliest(READ)
    assert opens == start + timedelta(hours=hours, minutes=1)
    time.true = opens.timestamp()
    assert await spend(ledger) == 3


async def test_a_call_at_midnight_counts_on_both_sides() -> None:
    """The vendor's clock may be a few seconds ahead of what we take it for."""
    midnight = datetime(2026, 6, 17, 22, tzinfo=UTC)
    time = Time(midnight + timedelta(seconds=1))
    time.local_offset = -4.0
    allowance = Allowance(name="day", limit=3, window=Calendar(BERLIN))
    ledger = Ledger([allowance], time.clock)
    await make(ledger)
    ledger.sync(time.vendor)
    time.advance(minutes=5)
    assert await spend(ledger) == 2


async def test_a_clock_a_few_seconds_off_opens_no_window_early(time: Time) -> None:
    """Nor does its correction by a restart."""
    file = File()
    allowance = Allowance(name="minute", limit=2, window=Rolling(60.0))
    time.local_offset = -4.9
    ledger = Ledger([allowance], time.clock, save=file.save)
    await make(ledger, times=2)
    ledger.sync(time.vendor)
    await ledger.flush()
    time.local_offset = 0.0
    ledger = Ledger([allowance], time.clock, stored=file.data)
    opens = ledger.earliest(READ) - time.now()
    assert timedelta(seconds=60) <= opens <= timedelta(seconds=67)


async def test_a_month_ends_with_the_month(time: Time) -> None:
    """In the vendor's time zone."""
    window = Calendar(BERLIN, monthly=True)
    ledger = Ledger([Allowance(name="month", limit=2, window=window)], time.clock)
    assert await spend(ledger) == 2
    assert ledger.earliest(READ) == datetime(2026, 6, 30, 22, 1, tzinfo=UTC)


def test_nothing_demanded_stretches_nothing(time: Time) -> None:
    """An account without feeds."""
    assert Ledger([daily()], time.clock).stretch([]) == 1.0


def test_demands_that_exceed_the_spacing_are_stretched(time: Time) -> None:
    """By calls, not by what they cost."""
    ledger = Ledger([Allowance(name="query", spacing=2.0)], time.clock)
    batch = Call(endpoint="read", subjects=("a", "b"), cost=2)
    assert ledger.stretch([Demand(call=batch, interval=10.0)]) == 1.0
    assert ledger.stretch([Demand(call=batch, interval=1.0)]) == 2.0


def test_a_calendar_day_begun_late_has_all_of_its_calls(time: Time) -> None:
    """The time left is what the calls left must cover."""
    zone = ZoneInfo("UTC")
    ledger = Ledger(
        [Allowance(name="day", limit=120, window=Calendar(zone))], time.clock
    )
    assert ledger.stretch([Demand(call=READ, interval=360.0)]) < 1.01


async def test_a_burst_slows_what_follows(time: Time) -> None:
    """What a busy hour took is missing until it expires."""
    ledger = Ledger([daily()], time.clock)
    demand = Demand(call=READ, interval=DAY / 50)
    assert ledger.stretch([demand]) == 1.0
    await make(ledger, times=90)
    assert ledger.stretch([demand]) > 2.0


async def test_a_full_window_that_empties_evenly_stretches_little(time: Time) -> None:
    """The slots in which calls expire are no shortage."""
    ledger = Ledger([daily(limit=1440)], time.clock)
    for _ in range(1500):
        await make(ledger)
        time.advance(seconds=61)
    for _ in range(20):
        time.advance(seconds=20)
        assert ledger.stretch([Demand(call=READ, interval=61)]) < 1.2


async def test_a_clean_stop_costs_nothing(time: Time) -> None:
    """And nothing is forgotten."""
    file = File()
    ledger = Ledger([daily()], time.clock, save=file.save)
    await make(ledger, times=30)
    await ledger.flush()
    again = Ledger([daily()], time.clock, stored=file.data)
    assert await spend(again) == 70
    await again.flush()


async def test_a_crash_costs_a_hundredth_at_most(time: Time) -> None:
    """As that many calls are stored before they are made."""
    file = File()
    allowances = [
        daily(limit=1000),
        Allowance(name="new", limit=9, window=Rolling(DAY)),
    ]
    ledger = Ledger(allowances[:1], time.clock, save=file.save)
    await make(ledger, times=205)
    assert file.saves == 21
    again = Ledger(allowances, time.clock, stored=file.data)
    left = again.left()
    assert left and 785 <= left.commands <= 795


async def test_a_crash_in_the_first_call_is_remembered(time: Time) -> None:
    """Though nothing was stored before it."""
    file = File()
    spaced = Allowance(name="rest", spacing=300.0)
    ledger = Ledger([daily(limit=25), spaced], time.clock, save=file.save)
    await make(ledger)
    again = Ledger([daily(limit=25), spaced], time.clock, stored=file.data)
    time.advance(minutes=4)
    assert again.earliest(READ) - time.now() == timedelta(minutes=1)
    time.advance(minutes=1)
    await make(again)
    assert again.left().commands == 23  # type: ignore[union-attr]


async def test_what_the_vendor_told_is_stored_with_the_next_attempt(
    time: Time,
) -> None:
    """Foreign use that leaves us no call, and a refusal's pause."""
    file = File()
    ledger = Ledger([daily()], time.clock, save=file.save)
    await make(ledger)
    ledger.learn("day", 0)
    assert await spend(ledger) == 0
    assert await spend(ledger) == 0
    assert file.saves == 2
    assert await spend(Ledger([daily()], time.clock, stored=file.data)) == 0
    ledger = Ledger([daily()], time.clock)
    ledger.close("day", READ, 900.0, 7200.0)
    assert await spend(ledger) == 0


async def test_a_call_that_cannot_be_stored_is_not_made(time: Time) -> None:
    """And the next one tries to store again."""
    file = File()

    async def full(data: dict[str, Any]) -> None:
        raise OSError

    ledger = Ledger([daily()], time.clock, save=full)
    with pytest.raises(OSError):
        await make(ledger)
    assert not ledger.made
    ledger._save = file.save  # noqa: SLF001
    await make(ledger)
    assert file.saves == 1


async def test_calls_of_a_clock_that_was_behind_are_not_forgotten_early(
    time: Time,
) -> None:
    """A machine without a clock of its own calls before it knows the time."""
    time.local_offset = -3 * DAY
    ledger = Ledger([daily(limit=10)], time.clock)
    await make(ledger, times=10)
    ledger.sync(time.vendor)
    assert await spend(ledger) == 0


async def test_calls_of_a_clock_that_was_ahead_are_not_kept_too_long(
    time: Time,
) -> None:
    """They are dated as soon as the vendor's clock is known."""
    time.local_offset = 300 * DAY
    ledger = Ledger([daily(limit=10)], time.clock)
    await make(ledger, times=4)
    ledger.sync(time.vendor)
    assert await spend(ledger) == 6
    time.advance(hours=25)
    assert await spend(ledger) == 10


async def test_the_books_of_another_secret_are_added(time: Time) -> None:
    """A new API key does not bring a new quota."""
    old, new = (Ledger([daily()], time.clock) for _ in range(2))
    await make(old, times=30)
    old.close("day", READ, 900.0, 7200.0)
    await make(new, times=3)
    new.adopt(old)
    assert new.earliest(READ) - time.now() == timedelta(minutes=15)
    time.advance(minutes=15)
    assert await spend(new) == 67
    old.adopt(new)
    assert old.left().commands == 0  # type: ignore[union-attr]


async def test_the_clock_of_the_house_is_the_real_one() -> None:
    """Unless a test brings its own."""
    clock = Clock()
    begun = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - begun >= 0.009
    assert clock.now().utcoffset() == timedelta(0)


async def test_a_call_that_was_counted_for_nobody_is_taken_back(time: Time) -> None:
    """It may be made again at once, but for what keeps calls apart."""
    allowances = (
        Allowance(name="gap", spacing=2.0),
        Allowance(name="each", spacing=300.0),
        Allowance(name="day", limit=1, window=Rolling(86_400)),
    )
    ledger = Ledger(allowances, time.clock)
    call = Call(endpoint="a")
    async with ledger.admit(call):
        pass
    assert ledger.earliest(call) - time.now() > timedelta(hours=23)
    ledger.forgive(call, "gap")
    assert ledger.earliest(call) - time.now() <= timedelta(seconds=2)
    assert ledger.limits("day", "a")
    assert not ledger.limits("month", "a")


def test_a_window_as_short_as_the_rhythm_slows_nothing_down(time: Time) -> None:
    """The ledger's turn is enough; what is left of it is no news."""
    short = Allowance(name="five", limit=1, window=Rolling(300), stretches=False)
    ledger = Ledger((short,), time.clock)
    call = Call(endpoint="a")
    assert ledger.stretch([Demand(call=call, interval=100)]) == 1.0
    assert ledger.left() is None


def test_what_all_ask_must_fit(time: Time) -> None:
    """Accounts that the vendor counts together slow each other down, while they run."""
    day = Allowance(name="day", limit=1440, window=Rolling(86_400))
    ledger = Ledger((day,), time.clock)
    demand = Demand(call=Call(endpoint="a"), interval=60)
    assert ledger.stretch([demand], "one") == pytest.approx(1.0, abs=0.01)
    assert ledger.stretch([demand], "other") == pytest.approx(2.0, abs=0.01)
    assert ledger.stretch([demand], "one") == pytest.approx(2.0, abs=0.01)
    ledger.leave("other")
    ledger.leave("nobody")
    assert ledger.stretch([demand], "one") == pytest.approx(1.0, abs=0.01)


async def test_books_are_given_to_another_ledger(time: Time) -> None:
    """Whole: the one has them afterwards, and the other starts anew."""
    day = Allowance(name="day", limit=2, window=Rolling(86_400))
    one, other = Ledger((day,), time.clock), Ledger((day,), time.clock)
    call = Call(endpoint="a")
    async with one.admit(call):
        pass
    other.adopt(one)
    one.clear()
    left = other.left()
    assert left
    assert left.polls == 1
    for _ in range(2):
        async with one.admit(call):
            pass
    with pytest.raises(QuotaExceeded):
        async with one.admit(call):
            pass
