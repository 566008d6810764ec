"""The page about Solar-Log is true to the code's tables."""

from pathlib import Path

from custom_components.solar_cloud.cloud.solarlog import channels
from custom_components.solar_cloud.cloud.solarlog.client import AUTH_HOSTS, HOSTS
from custom_components.solar_cloud.cloud.solarlog.cloud import SOLARLOG

PAGE = (Path(__file__).parents[3] / "docs" / "solarlog.md").read_text()
TABLES = {
    "plant": channels.PLANT,
    "inverter": channels.INVERTER,
    "meter": channels.METER,
    "sensor": channels.SENSOR,
    "MPP tracker": {name: f"{key}_N" for name, key in channels.TRACKER.items()},
}


def test_every_documented_channel_is_there() -> None:
    """With what it is a channel of, and its key."""
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.count("|") > 3]
    told = {(of.strip(), name.strip()): key for of, name, key, *_ in rows}
    for of, table in TABLES.items():
        for name, key in table.items():
            assert f"`{key}`" in told[of, f"`{name}`"], name


def test_every_field_and_host_is_there() -> None:
    """And the key figures that only Advanced holds are named as such."""
    for field in SOLARLOG.ways[0].fields:
        assert f"`{field.key}`" in PAGE
    for host in (*HOSTS, *AUTH_HOSTS):
        assert host in PAGE
    for key in channels.ENERGIES:
        assert f"`{key}`" in PAGE
