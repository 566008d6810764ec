"""The life of a command, against a device that behaves as devices do."""

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast

import pytest

from custom_components.solar_cloud.cloud.control import (
    Absent,
    Control,
    Evidence,
    Outcome,
    Reason,
    Setting,
    State,
)
from custom_components.solar_cloud.cloud.dispatch import (
    Dispatcher,
    House,
    Pending,
    agrees,
)
from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    Busy,
    CloudError,
    CloudUnavailable,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.vendor import Vendor

from .conftest import NOON, Time

LOST_BEFORE, LOST_AFTER = "lost before", "lost after"


@dataclass
class Inverter:
    """A device behind a cloud, with faults to come, one for each write."""

    time: Time
    holds: dict[str, Setting] = field(
        default_factory=lambda: {"min_soc": 10.0, "max_soc": 100.0}
    )
    faults: list[Any] = field(default_factory=list)
    refuses: dict[str, CloudError] = field(default_factory=dict)
    takes: float = 0.0
    ignores: bool = False
    deaf: list[Exception] = field(default_factory=list)
    closed_until: datetime | None = None
    tells_when: bool = True
    writes: list[dict[str, Setting]] = field(default_factory=list)
    reads: int = 0
    tasks: bool = False
    late: list[tuple[float, str, Setting]] = field(default_factory=list)

    def lane(self, key: str) -> str:
        """Return one lane for all that goes together."""
        return ""

    async def write(
        self, device: str, changes: Mapping[str, Setting]
    ) -> Mapping[str, CloudError]:
        """Take settings, or do what a fault says."""
        await asyncio.sleep(0)
        if self.closed_until and self.time.now() < self.closed_until:
            raise QuotaExceeded(retry_at=self.closed_until if self.tells_when else None)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        self.writes.append(dict(changes))
        if fault == LOST_BEFORE:
            raise AnswerLost("TimeoutError")
        refused = {key: self.refuses[key] for key in changes if key in self.refuses}
        if not self.ignores:
            self.late += [
                (self.time.true + self.takes, key, value)
                for key, value in changes.items()
                if key not in refused
            ]
        if fault == LOST_AFTER:
            raise AnswerLost("TimeoutError")
        if fault == "nonsense after":
            raise KeyError("result")
        return refused

    async def read(
        self, device: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Tell all settings, asked for or not."""
        await asyncio.sleep(0)
        self.reads += 1
        if self.deaf:
            raise self.deaf.pop(0)
        for row in sorted(self.late, key=lambda row: row[0]):
            if row[0] <= self.time.true:
                self.holds[row[1]] = row[2]
                self.late.remove(row)
        return {
            **{
                key: Control(value=value, at=self.time.now())
                for key, value in self.holds.items()
            },
            "export_limit": Absent(reason=Reason.NO_METER),
        }


@dataclass
class Home:
    """Whoever runs the dispatcher: Home Assistant, in small."""

    time: Time
    device: Inverter
    told: list[Outcome] = field(default_factory=list)
    known: dict[tuple[str, str], Control | Absent] = field(default_factory=dict)
    work: list[asyncio.Task[None]] = field(default_factory=list)
    writes_per_day: int | None = None

    def __post_init__(self) -> None:
        """Build the dispatcher."""
        self.dispatcher = Dispatcher(
            cast(Vendor, self.device),
            self.time.clock,
            House(
                plant_of=lambda device: "p",
                known=lambda device, key: self.known.get((device, key)),
                learned=self.learned,
                report=self.told.append,
                spawn=self.spawn,
                today=lambda: self.time.now().date(),
                writes_per_day=lambda: self.writes_per_day,
            ),
        )

    def learned(self, device: str, found: Mapping[str, Control | Absent]) -> None:
        """Remember settings that were read back."""
        self.known |= {(device, key): row for key, row in found.items()}

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work in the background."""
        self.work.append(asyncio.ensure_future(work))

    def submit(self, key: str, value: Setting) -> Pending:
        """Give a command."""
        return self.dispatcher.submit("d", key, value)

    async def set(self, key: str, value: Setting) -> Outcome:
        """Give a command, and wait for its end."""
        return await self.submit(key, value).outcome

    def states(self, key: str = "min_soc") -> list[str]:
        """Return what was told of a control, in order."""
        return [row.state.value for row in self.told if row.control == key]


@pytest.fixture
def device(time: Time) -> Inverter:
    """Return an inverter without a fault."""
    return Inverter(time)


@pytest.fixture
def home(time: Time, device: Inverter) -> Home:
    """Return a home with it."""
    return Home(time, device)


async def test_a_command_is_accepted_then_read_back(
    home: Home, device: Inverter
) -> None:
    """And told as it goes."""
    outcome = await home.set("min_soc", 20.0)
    assert (outcome.state, outcome.evidence) == (State.CONFIRMED, Evidence.READ_BACK)
    assert (outcome.plant, outcome.device, outcome.value) == ("p", "d", 20.0)
    assert outcome.writes_today == 1
    assert home.states() == ["accepted", "confirmed"]
    assert device.writes == [{"min_soc": 20.0}]


async def test_a_value_that_takes_a_while_is_waited_for(
    home: Home, device: Inverter
) -> None:
    """A logger passes it on when it likes."""
    device.takes = 50.0
    assert (await home.set("min_soc", 20.0)).state is State.CONFIRMED
    assert len(device.writes) == 1


async def test_what_the_device_does_not_show_in_time_has_failed(
    home: Home, device: Inverter
) -> None:
    """Though the vendor said yes."""
    device.ignores = True
    outcome = await home.set("min_soc", 20.0)
    assert (outcome.state, outcome.evidence) == (State.FAILED, None)
    assert len(device.writes) == 1


async def test_without_an_answer_to_the_read_back_nothing_is_proved(
    home: Home, device: Inverter
) -> None:
    """Neither that it happened nor that it did not."""
    device.deaf = [CloudUnavailable(), ValueError(), QuotaExceeded(), Busy()]
    assert (await home.set("min_soc", 20.0)).state is State.UNCONFIRMED


async def test_a_read_back_that_fails_at_first_is_repeated(
    home: Home, device: Inverter
) -> None:
    """Until it answers."""
    device.deaf = [CloudUnavailable(), KeyError()]
    assert (await home.set("min_soc", 20.0)).state is State.CONFIRMED


async def test_a_refusal_is_told_in_the_vendors_words(
    home: Home, device: Inverter
) -> None:
    """All of a request, or one key of it."""
    device.faults = [Refused("SOC out of range", code=40257)]
    outcome = await home.set("min_soc", 200.0)
    assert (outcome.state, outcome.code) == (State.REFUSED, "40257")
    assert outcome.message == "SOC out of range"
    assert outcome.writes_today == 0
    device.refuses = {"max_soc": Refused()}
    both = [home.submit("min_soc", 20.0), home.submit("max_soc", 90.0)]
    found = [(await row.outcome) for row in both]
    assert [row.state for row in found] == [State.CONFIRMED, State.REFUSED]
    assert found[1].message == "refused"
    assert device.writes == [{"min_soc": 20.0, "max_soc": 90.0}]


async def test_two_sliders_at_once_are_sent_together(
    home: Home, device: Inverter
) -> None:
    """And both are proved."""
    both = [home.submit("min_soc", 20.0), home.submit("max_soc", 90.0)]
    states = [(await row.outcome).state for row in both]
    assert states == [State.CONFIRMED, State.CONFIRMED]
    assert len(device.writes) == 1


async def test_a_dragged_slider_sends_its_newest_value(
    home: Home, device: Inverter
) -> None:
    """What never was sent is superseded, and told so."""
    drag = [home.submit("min_soc", float(value)) for value in range(11, 31)]
    states = [(await row.outcome).state for row in drag]
    assert states == [State.SUPERSEDED] * 19 + [State.CONFIRMED]
    assert device.writes == [{"min_soc": 30.0}]


async def test_a_newer_value_does_not_wait_for_the_proof_of_an_older_one(
    home: Home, device: Inverter, time: Time
) -> None:
    """The older one was sent, but nobody wants it any more."""
    device.takes = 1e6
    first = home.submit("min_soc", 20.0)
    while device.reads < 3:
        await asyncio.sleep(0)
    device.takes = 0.0
    second = home.submit("min_soc", 30.0)
    begun = time.true
    assert (await second.outcome).state is State.CONFIRMED
    assert time.true - begun <= 10
    assert first.outcome.result().state is State.SUPERSEDED
    assert home.dispatcher.queued(first).state is State.SUPERSEDED


async def test_a_command_carried_out_whose_answer_was_lost_is_sent_once(
    home: Home, device: Inverter
) -> None:
    """The device is asked first, also when it takes its time."""
    device.faults = [LOST_AFTER]
    assert (await home.set("min_soc", 20.0)).state is State.CONFIRMED
    device.faults, device.takes = [LOST_AFTER], 30.0
    assert (await home.set("min_soc", 30.0)).state is State.CONFIRMED
    device.faults, device.deaf = ["nonsense after"], [CloudUnavailable()]
    assert (await home.set("min_soc", 40.0)).state is State.CONFIRMED
    assert device.writes == [{"min_soc": row} for row in (20.0, 30.0, 40.0)]


async def test_a_command_that_was_lost_on_its_way_is_sent_again(
    home: Home, device: Inverter
) -> None:
    """Once the device shows that it does not hold it."""
    device.faults = [LOST_BEFORE]
    outcome = await home.set("min_soc", 20.0)
    assert outcome.state is State.CONFIRMED
    assert (len(device.writes), outcome.writes_today) == (2, 2)


async def test_after_a_lost_answer_nothing_is_sent_without_asking(
    home: Home, device: Inverter
) -> None:
    """When the device cannot be asked, it ends there."""
    device.faults = [LOST_BEFORE]
    device.deaf = [CloudUnavailable() for _ in range(4)]
    assert (await home.set("min_soc", 20.0)).state is State.UNCONFIRMED
    assert len(device.writes) == 1


async def test_a_command_that_is_lost_twice_has_failed(
    home: Home, device: Inverter
) -> None:
    """It is not sent for ever; a late proof counts."""
    device.faults = [LOST_BEFORE, LOST_BEFORE]
    outcome = await home.set("min_soc", 20.0)
    assert (outcome.state, outcome.message) == (State.FAILED, "TimeoutError")
    device.faults = [LOST_BEFORE, LOST_AFTER]
    assert (await home.set("min_soc", 20.0)).state is State.CONFIRMED
    assert len(device.writes) == 4


async def test_a_code_that_nobody_knows_is_looked_into(
    home: Home, device: Inverter
) -> None:
    """Shown by the device it is confirmed, else refused as the vendor said."""
    device.faults = [UnexpectedAnswer("what?", code=49999)]
    outcome = await home.set("min_soc", 20.0)
    assert (outcome.state, outcome.code) == (State.REFUSED, "49999")
    device.faults = [UnexpectedAnswer("what?", code=49999)]
    assert (await home.set("min_soc", 10.0)).state is State.CONFIRMED
    assert not device.writes


async def test_a_busy_device_is_tried_again_for_a_while(
    home: Home, device: Inverter
) -> None:
    """Attempts are no writes."""
    device.faults = [Busy(), CloudUnavailable()]
    outcome = await home.set("min_soc", 20.0)
    assert (outcome.state, outcome.writes_today) == (State.CONFIRMED, 1)
    device.faults = [Busy("41931", code=41931) for _ in range(4)]
    outcome = await home.set("min_soc", 30.0)
    assert (outcome.state, outcome.code) == (State.FAILED, "41931")


async def test_a_command_for_a_busy_device_can_be_superseded(
    home: Home, device: Inverter
) -> None:
    """What waits is never sent late in place of something newer."""
    device.faults = [Busy(), Busy()]
    first = home.submit("min_soc", 20.0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = home.submit("min_soc", 30.0)
    assert (await second.outcome).state is State.CONFIRMED
    assert first.outcome.result().state is State.SUPERSEDED
    assert device.writes == [{"min_soc": 30.0}]


@pytest.mark.parametrize("tells_when", [True, False])
async def test_a_command_waits_for_the_vendors_limit(
    home: Home, device: Inverter, tells_when: bool
) -> None:
    """Told as queued, then as it goes; attempts are no writes."""
    device.closed_until = NOON + timedelta(hours=1)
    device.tells_when = tells_when
    outcome = await home.set("min_soc", 20.0)
    assert outcome.at >= device.closed_until
    assert outcome.writes_today == 1
    assert home.states()[0] == "queued"
    assert home.states()[-2:] == ["accepted", "confirmed"]


async def test_what_waits_for_the_limit_can_be_superseded(
    home: Home, device: Inverter, time: Time
) -> None:
    """The newest value goes when something may go."""
    device.closed_until = NOON + timedelta(hours=1)
    first = home.submit("min_soc", 20.0)
    while not home.told:
        await asyncio.sleep(0)
    second = home.submit("min_soc", 30.0)
    assert home.dispatcher.queued(second).state is State.QUEUED
    assert (await first.outcome).state is State.SUPERSEDED
    assert (await second.outcome).state is State.CONFIRMED
    assert device.writes == [{"min_soc": 30.0}]


async def test_a_limit_that_stays_closed_for_days_fails_a_command(
    home: Home, device: Inverter
) -> None:
    """Nobody wants yesterday's setting."""
    device.closed_until = NOON + timedelta(days=3)
    outcome = await home.set("min_soc", 20.0)
    assert (outcome.state, outcome.message) == (State.FAILED, "quota")
    device.tells_when = False
    outcome = await home.set("min_soc", 20.0)
    assert outcome.state is State.FAILED
    assert outcome.at <= NOON + timedelta(days=1, minutes=1)


async def test_a_value_that_was_just_read_back_is_not_sent(
    home: Home, device: Inverter, time: Time
) -> None:
    """A read-back older than a minute is none."""
    home.learned("d", {"min_soc": Control(value=20.0, at=NOON)})
    time.advance(seconds=60)
    assert (await home.set("min_soc", 20.0)).state is State.CONFIRMED
    assert not device.writes
    time.advance(seconds=1)
    await home.set("min_soc", 20.0)
    assert device.writes == [{"min_soc": 20.0}]


async def test_a_read_back_from_before_a_write_proves_nothing(
    home: Home, device: Inverter, time: Time
) -> None:
    """Back and forth within a minute, and the device is right."""
    home.learned("d", {"min_soc": Control(value=10.0, at=time.now())})
    time.advance(seconds=1)
    first = home.submit("min_soc", 20.0)
    while State.ACCEPTED not in [row.state for row in home.told]:
        await asyncio.sleep(0)
    device.deaf = [CloudUnavailable()]
    assert (await home.set("min_soc", 10.0)).state is State.CONFIRMED
    assert first.outcome.result().state is State.SUPERSEDED
    assert device.writes == [{"min_soc": 20.0}, {"min_soc": 10.0}]
    assert device.holds["min_soc"] == 10.0


async def test_an_unknown_or_absent_control_is_sent(
    home: Home, device: Inverter
) -> None:
    """The device knows best."""
    home.learned("d", {"min_soc": Absent(reason=Reason.UNKNOWN)})
    assert (await home.set("min_soc", 20.0)).state is State.CONFIRMED


async def test_writes_are_bound_by_device_and_day(
    home: Home, device: Inverter, time: Time
) -> None:
    """What the bound lets through goes; the next day all does."""
    home.writes_per_day = 2
    await home.set("min_soc", 20.0)
    both = [home.submit("min_soc", 30.0), home.submit("max_soc", 90.0)]
    states = [(await row.outcome).state for row in both]
    assert states == [State.CONFIRMED, State.REFUSED]
    assert home.told[-1].control == "min_soc"
    outcome = await home.set("max_soc", 80.0)
    assert (outcome.state, outcome.message) == (State.REFUSED, "writes_spent")
    assert len(device.writes) == 2
    time.advance(days=1)
    assert (await home.set("max_soc", 80.0)).writes_today == 1
    assert home.dispatcher.writes.today("d", date(2026, 6, 17)) == 0


async def test_devices_do_not_wait_for_each_other(home: Home, device: Inverter) -> None:
    """One queue each."""
    one = home.dispatcher.submit("d", "min_soc", 20.0)
    two = home.dispatcher.submit("e", "min_soc", 20.0)
    assert (await one.outcome).state is State.CONFIRMED
    assert (await two.outcome).state is State.CONFIRMED
    assert len(device.writes) == 2


async def test_a_caller_that_gave_up_disturbs_nothing(
    home: Home, device: Inverter
) -> None:
    """Its command is carried out all the same."""
    pending = home.submit("min_soc", 20.0)
    pending.outcome.cancel()
    await asyncio.gather(*home.work)
    assert home.states() == ["accepted", "confirmed"]


@pytest.mark.parametrize(
    ("shown", "asked", "step", "expected"),
    [
        (20.0, 20, None, True),
        (20.0, 20.4, 1.0, True),
        (20.0, 21, 1.0, False),
        (20.0, 20.01, None, False),
        ("backup", "backup", None, True),
        ("backup", "savings", None, False),
        (True, True, None, True),
        (False, True, None, False),
        (90.0, True, None, True),
        (-121.0, True, None, False),
        (None, 20.0, None, False),
    ],
)
def test_a_setting_agrees_within_its_step(
    shown: Setting | None, asked: Setting, step: float | None, expected: bool
) -> None:
    """A clock within two minutes."""
    assert agrees(Control(value=shown, at=NOON, step=step), asked) is expected
