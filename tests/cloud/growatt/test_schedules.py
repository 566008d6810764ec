"""The owner's schedule in our words, judged by what the machine holds and does."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Schedule, Window
from custom_components.solar_cloud.cloud.errors import NotSupported, Refused

from .conftest import Steer
from .steered import Steered


def window(start: int, end: int, mode: str, **more: Any) -> Window:
    """Return a window between two hours."""
    return Window(start=int(start * 60), end=int(end * 60), mode=mode, **more)


async def held(world: Steered) -> Schedule:
    """Read the schedule."""
    return await world.steering.schedules.get(world.sn)


async def test_what_the_owner_has(steer: Steer) -> None:
    """Windows that are awake are shown, with the values that are for all of a kind."""
    assert await held(steer("min")) == Schedule(
        enabled=True,
        windows=(Window(start=120, end=270, mode="charge", power=3500, target_soc=95),),
    )
    assert await held(steer("sph")) == Schedule(
        enabled=True,
        windows=(Window(start=60, end=210, mode="charge", power=4800, target_soc=88),),
    )
    assert await held(steer("spa")) == Schedule(enabled=False, windows=())
    storage = steer("storage")
    storage.hold(storage_ac_charge_enable_disenable="1")
    assert await held(storage) == Schedule(
        enabled=True, windows=(Window(start=60, end=270, mode="charge", target_soc=70),)
    )


@pytest.mark.parametrize("name", ["min", "sph", "spa"])
async def test_a_schedule_is_held(steer: Steer, name: str) -> None:
    """What was set is what is read, to the minute, and the battery follows it."""
    world = steer(name)
    rated = world.machine.rated or 0
    wanted = (
        window(0, 3, "charge", power=rated / 2, target_soc=80),
        window(3, 5, "charge", power=rated / 2, target_soc=80),
        window(18, 24, "discharge", power=rated / 4, target_soc=40),
    )
    await world.steering.schedules.set(world.sn, list(reversed(wanted)))
    assert await held(world) == Schedule(enabled=True, windows=wanted)
    since = world.clock.now()
    world.advance(hours=24)
    told = world.told(since)
    assert told["force_charge"] == pytest.approx(5 * 3600, abs=120)
    assert told["force_discharge"] == pytest.approx(6 * 3600, abs=120)
    writes = len(world.written())
    await world.steering.schedules.set(world.sn, wanted)
    assert len(world.written()) == writes
    await world.steering.schedules.set(world.sn, [])
    assert await held(world) == Schedule(enabled=False, windows=())


@pytest.mark.parametrize("name", ["min", "sph", "spa"])
async def test_what_is_not_named_stays(steer: Steer, name: str) -> None:
    """Without power and target those of the machine stay; a mode leaves the grid alone."""
    world = steer(name)
    before = dict(world.device.settings)
    wanted = [window(0, 3, "charge_priority"), window(4, 6, "feed_in_priority")]
    await world.steering.schedules.set(world.sn, wanted)
    for key in (
        "chargePowerCommand",
        "disChargePowerCommand",
        "acChargeEnable",
        "onGridDischargeStopSOC",
        "wdisChargeSOCLowLimit2",
        "wchargeSOCLowLimit2",
    ):
        assert world.device.settings.get(key) == before.get(key), key


async def test_hold_and_the_load_first(steer: Steer) -> None:
    """A hold is battery first without the grid; a MIN knows windows of load first."""
    world = steer("min")
    wanted = (
        window(0, 3, "hold"),
        window(4, 6, "self_consumption"),
        window(7, 8, "discharge", target_soc=30),
    )
    await world.steering.schedules.set(world.sn, wanted)
    found = (await held(world)).windows
    assert [(row.start, row.end, row.mode) for row in found] == [
        (0, 180, "hold"),
        (240, 360, "self_consumption"),
        (420, 480, "discharge"),
    ]
    assert (found[0].power, found[0].target_soc) == (None, None)
    assert found[2].target_soc == 30


async def test_a_storage_machine_has_one_window_of_each(steer: Steer) -> None:
    """One to charge from the grid, and one to discharge; a charge may have a target."""
    world = steer("storage")
    wanted = (window(2, 5, "charge", target_soc=60), window(18, 20, "discharge"))
    await world.steering.schedules.set(world.sn, wanted)
    assert await held(world) == Schedule(enabled=True, windows=wanted)
    since = world.clock.now()
    world.advance(hours=24)
    told = world.told(since)
    assert told["force_charge"] == pytest.approx(3 * 3600, abs=120)
    assert told["force_discharge"] == pytest.approx(2 * 3600, abs=120)
    await world.steering.schedules.set(world.sn, [])
    assert not (await held(world)).enabled


REFUSED: tuple[tuple[str, list[Window], str], ...] = (
    ("min", [window(1, 2, "charge", days=(1,))], "every day"),
    ("min", [window(1, 2, "savings")], "do not offer savings"),
    ("min", [window(2, 1, "charge")], "ends after it starts"),
    ("min", [window(1, 3, "charge"), window(2, 4, "discharge")], "overlap"),
    ("min", [window(i, i + 1, "charge") for i in range(10)], "at most 9"),
    ("min", [window(1, 2, "charge"), window(3, 4, "hold")], "in all such windows"),
    ("min", [window(1, 2, "charge", power=6000)], "at most 5000"),
    ("min", [window(1, 2, "charge", power=0)], "above 0"),
    ("min", [window(1, 2, "charge", target_soc=101)], "between 0 and 100"),
    (
        "min",
        [window(1, 2, "charge", power=1000), window(3, 4, "charge", power=2000)],
        "same power",
    ),
    (
        "min",
        [window(1, 2, "charge", power=1000), window(3, 4, "charge")],
        "same power",
    ),
    ("sph", [window(i, i + 1, "discharge") for i in range(4)], "at most 3"),
    ("sph", [window(1, 2, "self_consumption")], "load comes first"),
    ("storage", [window(1, 2, "charge"), window(3, 4, "charge")], "at most 1"),
    ("storage", [window(1, 2, "charge", power=1000)], "no power"),
    ("storage", [window(1, 2, "discharge", target_soc=50)], "no target"),
    ("storage", [window(1, 2, "charge", target_soc=90)], "between 10 and 80"),
    ("storage", [window(1, 2, "hold")], "do not offer hold"),
)


@pytest.mark.parametrize(("name", "wanted", "words"), REFUSED)
async def test_what_a_machine_cannot_hold(
    steer: Steer, name: str, wanted: list[Window], words: str
) -> None:
    """It is refused before anything is sent, with the reason."""
    world = steer(name)
    with pytest.raises(Refused, match=words):
        await world.steering.schedules.set(world.sn, wanted)
    assert not world.written()


async def test_a_machine_without_windows(steer: Steer) -> None:
    """An inverter has no schedule."""
    world = steer("inverter")
    with pytest.raises(NotSupported):
        await held(world)
    with pytest.raises(NotSupported):
        await world.steering.schedules.set(world.sn, [])


async def test_a_schedule_ends_a_mode(steer: Steer) -> None:
    """A new schedule is the one that a mode puts to sleep from then on."""
    world = steer("min")
    await world.set(battery_mode="charge_priority")
    wanted = (window(5, 6, "discharge", target_soc=20),)
    await world.steering.schedules.set(world.sn, wanted)
    assert (await world.control("battery_mode")).value == "time_of_use"
    await world.set(battery_mode="self_consumption")
    assert not (await held(world)).enabled
    await world.set(battery_mode="time_of_use")
    assert [(row.start, row.mode) for row in (await held(world)).windows] == [
        (300, "discharge")
    ]


async def test_a_rating_that_is_not_known(steer: Steer) -> None:
    """Without it a window has no power in W."""
    world = steer("min")
    world.machine = world.machine.__replace__(rated=None)
    assert (await held(world)).windows[0].power is None
    with pytest.raises(Refused, match="at most 0 W"):
        await world.steering.schedules.set(
            world.sn, [window(1, 2, "charge", power=100)]
        )
