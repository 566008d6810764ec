"""Channels become quantities: the documented ones by table, all others by rule."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.model import DeviceKind
from custom_components.solar_cloud.cloud.quantity import CATALOGUE, Kind, quantity
from custom_components.solar_cloud.cloud.solarlog import channels
from custom_components.solar_cloud.cloud.solarlog.channels import (
    kind_of,
    named,
    rename,
    resolve,
    snake,
)
from custom_components.solar_cloud.cloud.solarlog.inventory import Inventory


@pytest.mark.parametrize(
    "table",
    [
        channels.PLANT,
        channels.INVERTER,
        channels.METER,
        channels.SENSOR,
        {name: f"{key}_N" for name, key in channels.TRACKER.items()},
    ],
)
def test_documented_channels_have_a_row_in_the_catalogue(table: dict[str, str]) -> None:
    """No table names a key that nobody shows."""
    for key in table.values():
        assert key in CATALOGUE or quantity(key).label is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ProdPacNorm", "prod_pac_norm"),
        ("BatSOC", "bat_soc"),
        ("ConsUacPhaseOne", "cons_uac_phase_one"),
        ("Load2Power", "load_2_power"),
        ("§", "§"),
        ("PvPower", "channel_pv_power"),
        ("BatteryState", "channel_battery_state"),
    ],
)
def test_a_name_in_snake_case(name: str, key: str) -> None:
    """A name that would mean something of ours is told apart."""
    assert snake(name) == key


@pytest.mark.parametrize(
    ("unit", "kind", "ours", "factor"),
    [
        ("W", Kind.POWER, "W", 1),
        ("kW", Kind.POWER, "W", 1000),
        ("Wh", Kind.DAY_COUNTER, "kWh", 0.001),
        ("kwh", Kind.DAY_COUNTER, "kWh", 1),
        ("Wh/m2", Kind.DAY_COUNTER, "kWh/m²", 0.001),
        ("%", Kind.MEASUREMENT, "%", 1),
        ("C", Kind.MEASUREMENT, "°C", 1),
        ("VAr", Kind.MEASUREMENT, "var", 1),
        ("W/kWp", Kind.MEASUREMENT, "W/kWp", 1),
        ("", Kind.MEASUREMENT, "", 1),
    ],
)
def test_the_unit_decides(unit: str, kind: Kind, ours: str, factor: float) -> None:
    """The kind, our unit, and the factor to it; the name shown is the channel's."""
    scale = resolve(None, f"Strange{abs(hash(unit))}", unit, None)
    row = quantity(scale.key)
    assert (row.kind, row.unit, scale.factor) == (kind, ours, factor)
    assert row.label
    assert row.label.startswith("Strange")


def test_a_documented_channel_in_another_unit_is_taken_by_the_rule() -> None:
    """A power in percent is no power."""
    assert resolve("pv_power", "ProdPac", "kW", None).key == "pv_power"
    assert resolve("pv_power", "ProdPac", "kW", None).factor == 1000
    scale = resolve("pv_power", "ProdPac", "%", None)
    assert scale.key == "prod_pac"
    assert quantity("prod_pac").unit == "%"


def test_a_tracker_has_a_number() -> None:
    """In its key, and in the name that is shown."""
    assert resolve("string_power", "ProdPdc", "W", 3).key == "string_power_3"
    scale = resolve(None, "ProdPdcNorm", "W/kWp", 2)
    assert scale.key == "prod_pdc_norm_2"
    assert quantity(scale.key).label == "Prod Pdc Norm 2"


def test_names_come_back_after_a_restart() -> None:
    """What the rule has made is stored in words."""
    resolve(None, "BatFuuSoc", "%", None)
    stored = named("bat_fuu_soc")
    assert stored == {"kind": "measurement", "unit": "%", "label": "Bat Fuu Soc"}
    assert named("pv_power") is None
    rename("bat_bar_soc", stored)
    assert quantity("bat_bar_soc").unit == "%"


@pytest.mark.parametrize(
    ("component", "kind"),
    [
        ({"type": "Inverter", "classes": ["production"]}, DeviceKind.INVERTER),
        ({"type": "Inverter", "classes": ["battery"]}, DeviceKind.INVERTER),
        ({"type": "BatteryStorage"}, DeviceKind.BATTERY),
        ({"type": None, "classes": ["consumption", "meter"]}, DeviceKind.METER),
        ({"type": "X", "classes": "sensors"}, DeviceKind.SENSOR),
        ({"type": "Heatpump", "classes": ["other"]}, DeviceKind.CONTROLLER),
        ({"type": "SolarLogIntern", "classes": ["hidden", "intern"]}, None),
        ({}, DeviceKind.CONTROLLER),
    ],
)
def test_what_a_component_is(component: dict[str, Any], kind: DeviceKind) -> None:
    """Its type tells, else its classes; hidden ones are no devices."""
    assert kind_of(component) is kind


def test_components_as_they_are_listed() -> None:
    """The id that stays over epochs is taken; rows without any are left out."""
    rows: list[dict[str, Any]] = [
        {
            "id": "e1",
            "crossEpochId": "x1",
            "type": "Inverter",
            "name": "WR 1",
            "visualizationChannels": ["ProdPac", {"name": "Temp"}, None, {}],
            "mpptrackers": [
                {"id": "t1", "trackerindex": "2", "visualizationChannels": ["ProdPdc"]},
                {"id": "t2", "visualizationChannels": None},
                {"id": None},
                5,
            ],
        },
        {"id": "e2", "type": "Meter", "mpptrackers": None},
        {"type": "Meter"},
    ]
    found = Inventory.read(rows)
    assert [row.id for row in found.components] == ["x1", "e2"]
    inverter = found.components[0]
    assert inverter.channels == ("ProdPac", "Temp")
    assert [(row.id, row.index) for row in inverter.trackers] == [("t1", 2), ("t2", 2)]
    assert Inventory.from_list(found.as_list()) == found
    device = inverter.as_device("p")
    assert (device.id, device.name, device.plant) == ("x1", "WR 1", "p")
