"""The house: feeds put together, aged, guarded, and summed up."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
import json
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.control import Absent, Control, Reason
from custom_components.solar_cloud.cloud.counters import Counters
from custom_components.solar_cloud.cloud.house import (
    Choices,
    House,
    build,
    oldest,
    summed_up,
)
from custom_components.solar_cloud.cloud.model import (
    Device,
    DeviceKind,
    Plant,
    Reading,
    Snapshot,
    Value,
)
from custom_components.solar_cloud.cloud.vendor import Feed

from .conftest import NOON

BERLIN = ZoneInfo("Europe/Berlin")
LIST = Feed(key="devices", interval=3600, essential=True)
LIVE = Feed(key="realtime", interval=300, essential=True, measuring=True)
SETTINGS = Feed(key="settings", interval=3600)
MINUTE = timedelta(minutes=1)


@dataclass
class Home:
    """A home, told by its feeds."""

    now: datetime = NOON
    devices: dict[str, Device] = field(default_factory=dict)
    values: dict[str, dict[str, Reading]] = field(default_factory=dict)
    controls: dict[str, dict[str, Control | Absent]] = field(default_factory=dict)
    more: dict[str, Snapshot] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    choices: Choices = field(default_factory=Choices)

    def has(self, *ids: str, kind: DeviceKind = DeviceKind.INVERTER) -> None:
        """Add devices."""
        for one in ids:
            self.devices[one] = Device(id=one, plant="p", kind=kind)

    def tell(self, subject: str, age: timedelta = 0 * MINUTE, **values: Value) -> None:
        """Let a device measure something."""
        rows = self.values.setdefault(subject, {})
        for key, value in values.items():
            rows[key] = Reading(value=value, at=self.now - age)

    def kill(self) -> None:
        """Start again with the counters that were stored."""
        self.counters = Counters(json.loads(json.dumps(self.counters.as_dict())))

    def look(self, stretch: float = 1.0) -> House:
        """Return the house now."""
        plants = {row: Plant(id=row, name=row) for row in ("p", "q")}
        snapshots: Mapping[str, Snapshot] = {
            LIST.key: Snapshot(at=self.now, plants=plants, devices=self.devices),
            LIVE.key: Snapshot(
                at=self.now, readings=self.values, controls=self.controls
            ),
            **self.more,
        }
        return build(
            (LIST, LIVE, SETTINGS),
            snapshots,
            self.counters,
            self.now,
            self.choices,
            zone={"p": BERLIN},
            default_zone=ZoneInfo("UTC"),
            stretch=stretch,
        )


@pytest.fixture
def home() -> Home:
    """Return a home with two inverters."""
    home = Home()
    home.has("a", "b")
    return home


def test_a_plants_values_are_the_sums_of_its_devices(home: Home) -> None:
    """Powers and energies; the load is what the balance leaves."""
    home.tell("a", pv_power=1000.0, inverter_power=900.0, pv_energy=10.0)
    home.tell("a", grid_power=-300.0, inverter_energy=9.0)
    home.tell("a", grid_import_energy=5.0, grid_export_energy=2.0)
    home.tell("b", 2 * MINUTE, pv_power=500.0, inverter_power=450.0, pv_energy=7.0)
    home.tell("b", inverter_energy=6.0)
    house = home.look()
    shown = {key: row.value for key, row in house.readings["p"].items()}
    assert shown["pv_power"] == 1500
    assert shown["pv_energy"] == 17
    assert shown["load_power"] == 1050
    assert shown["load_energy"] == 18
    assert house.at("p") == home.now
    assert house.readings["p"]["pv_power"].at == home.now - 2 * MINUTE
    assert house.at("q") is None
    assert house.value("q", "pv_power") is None


def test_a_part_is_not_a_sum(home: Home) -> None:
    """A device that is silent, or has not yet said a word, makes the sum unknown."""
    home.tell("a", pv_power=1000.0, pv_energy=10.0)
    house = home.look()
    assert "pv_power" in house.readings["p"]
    assert house.value("p", "pv_power") is None
    assert house.value("p", "pv_energy") is None
    home.tell("b", pv_power=None, pv_energy=5.0)
    assert home.look().value("p", "pv_power") is None
    assert home.look().value("p", "pv_energy") == 15
    del home.values["b"]
    assert home.look().value("p", "pv_energy") == 15


def test_an_inverter_of_another_make_need_not_have_every_value(home: Home) -> None:
    """A battery inverter has no PV."""
    home.tell("a", pv_power=1000.0)
    home.tell("b", battery_power=200.0)
    assert home.look().value("p", "pv_power") == 1000


def test_meters_have_the_last_word_on_the_grid(home: Home) -> None:
    """What an inverter repeats of its meter is not counted twice."""
    home.has("m", kind=DeviceKind.METER)
    home.tell("a", grid_power=100.0)
    home.tell("m", grid_power=101.0)
    assert home.look().value("p", "grid_power") == 101


def test_the_load_of_one_device_is_the_plants(home: Home) -> None:
    """Two that tell it would count it twice: then the balance does."""
    home.tell("a", load_power=700.0, load_energy=3.0, load_energy_today=1.0)
    house = home.look()
    assert house.value("p", "load_power") == 700
    assert house.value("p", "load_energy") == 3
    home.tell("b", load_power=700.0)
    assert home.look().value("p", "load_power") is None
    home.tell("a", inverter_power=-50.0, grid_power=30.0)
    assert home.look().value("p", "load_power") == 0


def test_a_balance_with_an_unknown_part_is_unknown(home: Home) -> None:
    """Not what the rest would make."""
    home.tell("a", inverter_power=500.0, grid_power=None)
    home.tell("a", inverter_energy=9.0, grid_export_energy=1.0)
    assert home.look().readings["p"]["load_power"].value is None
    assert home.look().value("p", "load_energy") is None


def test_pv_beside_the_inverter_feeds_the_load(home: Home) -> None:
    """Its energy is not counted, so no energy is derived."""
    home.tell("a", inverter_power=500.0, grid_power=100.0, external_pv_power=400.0)
    home.tell("a", inverter_energy=9.0, grid_import_energy=1.0, grid_export_energy=1.0)
    home.tell("b", inverter_power=0.0)
    house = home.look()
    assert house.value("p", "load_power") == 1000
    assert house.value("p", "load_energy") is None


def test_the_state_of_charge_is_weighted_by_capacity(home: Home) -> None:
    """And unknown while one is; without capacities, batteries count alike."""
    home.has("x", "y", kind=DeviceKind.BATTERY)
    home.tell("x", battery_soc=100.0, battery_capacity=10.0)
    home.tell("y", battery_soc=40.0, battery_capacity=5.0)
    assert home.look().value("p", "battery_soc") == 80
    assert home.look().value("p", "battery_capacity") == 15
    home.tell("y", battery_capacity=None)
    assert home.look().value("p", "battery_soc") == 70
    home.tell("y", battery_soc=None)
    assert home.look().readings["p"]["battery_soc"].value is None


def test_a_plants_mode_is_what_its_devices_agree_on(home: Home) -> None:
    """Else it is another, or unknown."""
    home.tell("a", active_mode="backup")
    assert home.look().value("p", "active_mode") == "backup"
    home.tell("b", active_mode="self_consumption")
    assert home.look().value("p", "active_mode") == "other"
    home.tell("b", active_mode=None)
    assert home.look().value("p", "active_mode") is None


@pytest.mark.parametrize(
    ("online", "problem", "health"),
    [
        ((True, False), (False, False), "healthy"),
        ((True, True), (False, True), "faulty"),
        ((False, False), (False, False), "disconnected"),
    ],
)
def test_a_plant_is_as_healthy_as_its_inverters(
    home: Home, online: list[bool], problem: list[bool], health: str
) -> None:
    """One that is connected connects it, one fault is its fault."""
    for one, up, bad in zip("ab", online, problem, strict=True):
        home.tell(one, online=up, problem=bad)
    house = home.look()
    assert house.value("p", "plant_health") == health
    assert house.value("p", "online") is any(online)
    assert house.value("p", "problem") is any(problem)


def test_the_vendors_own_sum_counts_more_than_ours(home: Home) -> None:
    """Where it has one."""
    home.tell("a", pv_power=1000.0)
    home.tell("p", pv_power=1010.0)
    assert home.look().value("p", "pv_power") == 1010


def test_an_old_measurement_is_unknown_an_old_counter_is_not(home: Home) -> None:
    """After three publications, and twenty minutes at least."""
    home.has("a")
    home.tell("a", pv_power=5.0, pv_energy=7.0, inverter_state="producing")
    home.now += 20 * MINUTE
    assert home.look().value("a", "pv_power") == 5
    home.now += MINUTE
    house = home.look()
    assert house.value("a", "pv_power") is None
    assert house.value("a", "inverter_state") is None
    assert house.value("a", "pv_energy") == 7
    assert home.look(stretch=2).value("a", "pv_power") == 5


def test_a_slow_feed_ages_slowly() -> None:
    """Three of its own publications."""
    slow = replace(LIVE, interval=3600)
    assert oldest(slow, NOON) == NOON - timedelta(hours=3)
    assert oldest(LIVE, NOON) == NOON - timedelta(minutes=20)
    assert oldest(LIVE, NOON, stretch=2) == NOON - timedelta(minutes=30)


def test_a_device_whose_clock_is_ahead_ages_too(home: Home) -> None:
    """No measurement is newer than the poll that found it."""
    home.tell("a", -5 * 60 * MINUTE, pv_power=5.0)
    polled = home.now
    assert home.look().readings["a"]["pv_power"].at == polled
    home.more[LIVE.key] = Snapshot(at=polled, readings=home.values)
    home.now += 21 * MINUTE
    assert home.look().value("a", "pv_power") is None


def test_an_inverted_meter_is_put_right(home: Home) -> None:
    """Power, phases and counters; for the devices and for the vendor's own sums."""
    home.choices = Choices(inverted=frozenset({"p"}))
    home.tell("a", grid_power=-300.0, grid_power_1=-100.0, grid_power_2=None)
    home.tell("a", grid_import_energy=5.0, grid_export_energy_today=2.0)
    home.tell("a", grid_voltage_1=230.0)
    home.tell("b", grid_power=0.0)
    house = home.look()
    shown = {key: row.value for key, row in house.readings["a"].items()}
    assert shown == {
        "grid_power": 300,
        "grid_power_1": 100,
        "grid_power_2": None,
        "grid_export_energy": 5,
        "grid_import_energy_today": 2,
        "grid_voltage_1": 230,
    }
    assert house.value("p", "grid_power") == 300
    home.tell("p", grid_power=-310.0)
    assert home.look().value("p", "grid_power") == 310


@pytest.mark.parametrize(
    "midnight",
    [
        datetime(2026, 6, 18, tzinfo=BERLIN),
        datetime(2026, 3, 29, tzinfo=BERLIN),
        datetime(2026, 3, 30, tzinfo=BERLIN),
        datetime(2026, 10, 25, tzinfo=BERLIN),
        datetime(2026, 10, 26, tzinfo=BERLIN),
    ],
)
def test_a_day_begins_at_the_plants_midnight(home: Home, midnight: datetime) -> None:
    """Not at UTC's, and on the days on which the clocks change, too."""
    start = midnight.astimezone(UTC)
    home.now = start - 5 * MINUTE
    home.tell("a", pv_energy_today=20.0)
    home.tell("b", pv_energy_today=5.0)
    assert home.look().value("p", "pv_energy_today") == 25
    home.now = start - timedelta(seconds=1)
    assert home.look().value("p", "pv_energy_today") == 25
    home.now = start
    assert home.look().value("p", "pv_energy_today") == 0
    home.kill()
    home.now += 60 * MINUTE
    home.tell("a", pv_energy_today=20.0)
    assert home.look().value("a", "pv_energy_today") == 0
    home.tell("a", pv_energy_today=0.5)
    house = home.look()
    assert house.value("a", "pv_energy_today") == 0.5
    assert house.value("b", "pv_energy_today") == 0
    assert house.value("p", "pv_energy_today") == 0.5


def test_a_day_counter_that_is_not_told_is_unknown(home: Home) -> None:
    """A lifetime counter stays as it was; across a kill, too."""
    home.tell("a", pv_energy=9.0, pv_energy_today=1.0)
    home.look()
    home.kill()
    home.values = {}
    house = home.look()
    assert house.value("a", "pv_energy") == 9
    assert house.value("a", "pv_energy_today") is None


def test_counters_do_not_fall_and_sums_of_them_neither(home: Home) -> None:
    """A dip of one inverter is no dip of the plant."""
    home.tell("a", pv_energy=100.0)
    home.tell("b", pv_energy=50.0)
    assert home.look().value("p", "pv_energy") == 150
    home.now += 5 * MINUTE
    home.tell("b", pv_energy=0.0)
    home.kill()
    assert home.look().value("p", "pv_energy") == 150
    assert home.look().value("b", "pv_energy") == 50


def test_plants_that_were_not_chosen_are_not_shown(home: Home) -> None:
    """With their devices and controls."""
    home.controls = {"a": {"min_soc": Control(value=10.0, at=NOON)}}
    home.choices = Choices(plants=frozenset({"q"}))
    home.tell("a", pv_power=1.0)
    house = home.look()
    assert set(house.plants) == {"q"}
    assert not house.devices and not house.controls
    assert "a" not in house.readings


def test_a_later_feed_has_the_last_word_on_a_key(home: Home) -> None:
    """And adds to what an earlier one said; what was never polled says nothing."""
    soc = Control(value=10.0, at=NOON)
    absent = Absent(reason=Reason.UNSUPPORTED)
    home.controls = {"a": {"min_soc": absent, "max_soc": absent}}
    assert home.look().controls == home.controls
    home.tell("a", fault_code="1")
    home.more[SETTINGS.key] = Snapshot(
        at=NOON,
        readings={"a": {"fault_code": Reading(value="2", at=NOON)}},
        controls={"a": {"min_soc": soc}},
    )
    house = home.look()
    assert house.controls == {"a": {"min_soc": soc, "max_soc": absent}}
    assert house.value("a", "fault_code") == "2"


def test_the_devices_of_a_plant_are_its_own(home: Home) -> None:
    """Another plant has others."""
    home.devices["c"] = Device(id="c", plant="q", kind=DeviceKind.INVERTER)
    house = home.look()
    assert [row.id for row in house.of_plant("p")] == ["a", "b"]
    assert [row.id for row in house.of_plant("q")] == ["c"]


@pytest.mark.parametrize(
    ("controls", "mode"),
    [
        ({"battery_mode": "backup"}, "backup"),
        ({"battery_mode": None}, "other"),
        ({"battery_mode": "backup", "schedule_enabled": True}, "schedule"),
        ({"battery_mode": "backup", "schedule_enabled": False}, "backup"),
        ({"schedule_enabled": False}, None),
    ],
)
def test_the_controls_tell_what_steers_a_battery(
    home: Home, controls: dict[str, bool | str | None], mode: str | None
) -> None:
    """The schedule while it is on, else the mode; unless the device says it itself."""
    home.controls["a"] = {
        key: Control(value=value, at=NOON) for key, value in controls.items()
    }
    assert home.look().value("p", "active_mode") == mode
    home.tell("a", active_mode="external")
    assert home.look().value("p", "active_mode") == "external"


def test_an_inverter_that_sleeps_is_not_disconnected(home: Home) -> None:
    """It will be back in the morning."""
    home.tell("a", online=False, inverter_state="standby")
    assert home.look().value("p", "plant_health") == "healthy"
    home.tell("a", inverter_state="offline")
    assert home.look().value("p", "plant_health") == "disconnected"


def test_an_older_counter_of_a_later_feed_is_passed_over(home: Home) -> None:
    """The newest value of a counter counts."""
    home.tell("a", pv_energy=10.0, fault_code="1")
    before = NOON - 60 * MINUTE
    old = {
        "pv_energy": Reading(value=9.0, at=before),
        "fault_code": Reading(value="2", at=before),
    }
    home.more[SETTINGS.key] = Snapshot(at=before, readings={"a": old})
    house = home.look()
    assert house.value("a", "pv_energy") == 10
    assert house.readings["a"]["pv_energy"].at == NOON
    assert house.value("a", "fault_code") == "2"


def test_what_is_shown_is_there(home: Home) -> None:
    """Plants and devices alike."""
    house = home.look()
    assert house.has("p") and house.has("a")
    assert not house.has("z")


def test_the_load_follows_from_what_is_told_of_the_plant() -> None:
    """What a vendor says of the whole plant counts more than the sum of its meters."""
    devices = [
        Device(id="i", plant="p", kind=DeviceKind.INVERTER),
        Device(id="m", plant="p", kind=DeviceKind.METER),
    ]

    def rows(**values: float) -> dict[str, Reading]:
        return {key: Reading(value=value, at=NOON) for key, value in values.items()}

    readings = {
        "i": rows(inverter_power=2000.0, inverter_energy_today=9.0),
        "m": rows(grid_power=500.0),
    }
    told = rows(
        grid_power=-700.0, grid_import_energy_today=1.5, grid_export_energy_today=4.0
    )
    found = summed_up(devices, readings, told)
    assert found["load_power"].value == 1300.0
    assert found["load_energy_today"].value == 6.5
    assert summed_up(devices, readings)["load_power"].value == 2500.0
