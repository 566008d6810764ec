"""The documentation: complete, and true to the code's tables.

`python -m tests.test_docs` brings the tables of the README up to date; the meanings in
them are written by hand.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
import json
from pathlib import Path
import re
import subprocess
from typing import Any
from urllib.parse import unquote

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
    async_mock_service,
)
import yaml

from custom_components.solar_cloud import button, number, sensor, services
from custom_components.solar_cloud.account import STATUSES
from custom_components.solar_cloud.cloud.control import CONTROLS, Platform, State
from custom_components.solar_cloud.cloud.enphase import settings as enphase_settings
from custom_components.solar_cloud.cloud.foxess import items, limits, readings
from custom_components.solar_cloud.cloud.foxess.cloud import FEEDS
from custom_components.solar_cloud.cloud.foxess.errnos import ERRORS
from custom_components.solar_cloud.cloud.growatt import (
    fields as growatt_fields,
    items as growatt_items,
)
from custom_components.solar_cloud.cloud.house import summed_up
from custom_components.solar_cloud.cloud.huawei import (
    items as huawei_items,
    readings as huawei_readings,
    types as huawei_types,
)
from custom_components.solar_cloud.cloud.model import Device, DeviceKind, Reading
from custom_components.solar_cloud.cloud.quantity import (
    BATTERY_MODES,
    BATTERY_STATES,
    CATALOGUE,
    INVERTER_STATES,
    TODAY,
    Kind,
    quantity,
)
from custom_components.solar_cloud.cloud.registry import VENDORS
from custom_components.solar_cloud.cloud.solarlog import channels
from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint.models import Blueprint, BlueprintInputs
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (
    README,
    ROOT / "info.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
)
BLUEPRINTS = sorted((ROOT / "blueprints").rglob("*.yaml"))
REPOSITORY = "https://github.com/solar-cloud/solar-cloud"
TEXTS = json.loads(
    (ROOT / "custom_components/solar_cloud/translations/en.json").read_text()
)
ON, OFF = "on", "*off*"

# Where each documentation rule of the quality scale is met.
RULES = {
    "docs-actions": ("Actions",),
    "docs-high-level-description": ("Solar Cloud",),
    "docs-installation-instructions": ("Installation", "What you need"),
    "docs-removal-instructions": ("Removal",),
    "docs-installation-parameters": ("Set-up",),
    "docs-configuration-parameters": ("Options",),
    "docs-data-update": ("Data updates",),
    "docs-examples": ("Examples", "Blueprints"),
    "docs-known-limitations": ("Known limitations",),
    "docs-supported-devices": ("Supported devices",),
    "docs-supported-functions": ("Supported functions", "Entities", "Controls"),
    "docs-troubleshooting": ("Troubleshooting",),
    "docs-use-cases": ("Use cases",),
}
# Names that Home Assistant gives by the device class.
BY_DEVICE_CLASS = {
    "battery_charging": "Charging",
    "online": "Connectivity",
    "problem": "Problem",
}
REGION = re.compile(r"https://(\w+)\.")
LOAD = re.compile(r"(?<=^load_control)_\d$")
_TABLE = re.compile(r"<!-- table: ([a-z ]+) -->\n(.*?)<!-- end -->", re.DOTALL)
HEAD = "| Name | Key | At first | Unit | What it means |\n|---|---|---|---|---|\n"


# --- what the code has ------------------------------------------------------------------


@cache
def _told_by_foxess() -> dict[str, set[str]]:
    """Return the keys that devices of FoxESS can have."""
    variables = [
        row.variable.replace("#", "1")
        for row in (*readings.INVERTER_ROWS, *readings.BATTERY_ROWS)
    ]
    datas = [
        {"variable": name, "value": "1", "unit": ""}
        for name in (*variables, *readings.COMPOSED)
    ]
    sample = readings.read(datas, {1: 10.0})
    today = {f"{key}{TODAY}" for key in readings.REPORT_ROWS.values()}
    return {
        "inverter": {*sample.inverter, *today, "active_mode", "online"},
        "battery": set(sample.batteries[1]),
        "meter": {"problem", "online"},
        "logger": {"online", "signal_quality"},
    }


def _told_by_growatt() -> dict[str, set[str]]:
    """Return the keys that Growatt's tables of fields have."""
    families = growatt_fields.TABLES.values()
    own = [part for row in families for part in (*row.parts, row.grid)]
    meter = growatt_fields.METER
    return {
        "inverter": {row.key for table in families for row in table.rows}
        | _of_parts(own),
        "battery": _of_parts(part for row in families for part in row.batteries),
        "meter": {row.key for row in meter.rows}
        | _of_parts((*meter.parts, meter.grid)),
        "sensor": {row.key for row in growatt_fields.SENSOR_ROWS},
    }


def _of_parts(parts: Iterable[growatt_fields.Part]) -> set[str]:
    return {row.key for part in parts for row in part.rows}


def _told_by_huawei() -> dict[str, set[str]]:
    """Return the keys that Huawei's tables of items have."""
    found: dict[str, set[str]] = {}
    for kind, rows in huawei_readings.ROWS.items():
        keys = {row.key.replace("#", "1") for row in rows}
        found.setdefault(huawei_types.KINDS[kind], set()).update(keys)
    return found


def _told_by_solarlog() -> dict[str, set[str]]:
    """Return the keys that Solar-Log's documented channels have."""
    return {kind: set(rows.values()) for kind, rows in channels.OF_KIND.items()}


def _told_by_enphase() -> dict[str, set[str]]:
    """Return the keys of microinverters and batteries."""
    return {
        "microinverter": {
            "inverter_power",
            "inverter_energy",
            "inverter_state",
            "problem",
        },
        "battery": {"battery_power", "battery_state", "battery_charging"},
    }


TOLD = {
    "enphase": _told_by_enphase,
    "foxess": _told_by_foxess,
    "growatt": _told_by_growatt,
    "huawei": _told_by_huawei,
    "solarlog": _told_by_solarlog,
}
# The tables of devices, and the kinds that they are about.
OF_DEVICES = {
    "inverter": ("inverter",),
    "battery": ("battery",),
    "meter": ("meter", "controller"),
    "logger": ("logger",),
    "microinverter": ("microinverter",),
    "sensor": ("sensor",),
    "off grid": ("generator", "converter", "backup"),
}


@cache
def _told() -> dict[str, tuple[str, ...]]:
    """Return the keys that devices of any vendor can have, by table."""
    found = [vendor() for vendor in TOLD.values()]
    return {
        name: _in_order(
            quantity(key).key
            for rows in found
            for kind in kinds
            for key in rows.get(kind, ())
        )
        for name, kinds in OF_DEVICES.items()
    }


def _in_order(keys: Iterable[str]) -> tuple[str, ...]:
    order = list(CATALOGUE)
    return tuple(sorted(set(keys), key=order.index))


def _of_a_plant() -> tuple[str, ...]:
    """Return the keys that follow for the plant, and those that are told of it."""
    told = _told()
    inverter = Device(
        id="i", plant="p", kind=DeviceKind.INVERTER, has_battery=True, model="KH8"
    )
    battery = replace(inverter, id="b", kind=DeviceKind.BATTERY, parent="i")
    genset = replace(inverter, id="g", kind=DeviceKind.GENERATOR, has_battery=False)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    found = {
        "i": {key: Reading(value=1.0, at=at) for key in told["inverter"]},
        "b": {key: Reading(value=1.0, at=at) for key in told["battery"]},
        "g": {"generator_power": Reading(value=1.0, at=at)},
    }
    whole = {row.key for row in huawei_readings.PLANT_ROWS}
    whole |= {
        *channels.PLANT.values(),
        *channels.ENERGIES,
        "co2_saved",
        "grid_connected",
    }
    return _in_order({*summed_up([inverter, battery, genset], found), *whole})


def steered() -> dict[str, tuple[str, ...]]:
    """Return the settings that each vendor knows."""
    return {
        "enphase": tuple(enphase_settings.KEYS),
        "foxess": items.KEYS,
        "growatt": growatt_items.KEYS,
        "huawei": huawei_items.KEYS,
        "solarlog": (),
    }


def _controls() -> list[str]:
    """Return the settings that there are with any vendor."""
    there = {key for keys in steered().values() for key in keys}
    return [key for key in CONTROLS if key in there]


def _name(platform: str, key: str) -> str:
    names = TEXTS["entity"].get(platform, {})
    known = names.get(key.lower())
    name = known["name"] if known and "name" in known else BY_DEVICE_CLASS[key]
    return str(name).replace("{number}", "N")


type Row = tuple[str, str, str, str]


def _reading(key: str, kind: str) -> Row:
    """Return a row of a plant or device; a device's own values do not repeat its name."""
    row = quantity(key)
    shown = not row.rare or (kind == "plant" and row.kind in sensor.STATE_CLASSES)
    kinds = OF_DEVICES.get(kind, ())
    own = f"own_{key}" if any(key.startswith(f"{kind}_") for kind in kinds) else key
    name = (
        _name("binary_sensor", key) if row.kind is Kind.FLAG else _name("sensor", own)
    )
    return (name, key, ON if shown else OFF, str(row.unit))


def _control(key: str) -> Row:
    row = CONTROLS[key]
    clock = row.platform is Platform.BUTTON
    shown = OFF if row.rare or clock else ON
    named = LOAD.sub("_N", key)
    return (_name(row.platform, named), named, shown, str(row.unit))


def _own(platform: str, key: str, unit: str = "") -> Row:
    return (_name(platform, key), key, ON, unit)


@cache
def expected() -> dict[str, tuple[Row, ...]]:
    """Return the rows of each table of the README, without what they mean."""
    told = _told()
    own = (*sensor.ACCOUNT_SENSORS, *sensor.CONTROL_SENSORS)
    return {
        "plant": tuple(_reading(key, "plant") for key in _of_a_plant()),
        "account": (
            *(_own("sensor", row.key) for row in own),
            _own("event", "alarm"),
            _own("button", button.REFRESH.key),
        ),
        **{
            kind: tuple(_reading(key, kind) for key in keys)
            for kind, keys in told.items()
        },
        "runs": (
            *(
                _own("number", row.key, str(row.native_unit_of_measurement))
                for row in number.INPUTS
            ),
            *(_own("button", row.key) for row in (*button.RUNS, button.STOP)),
        ),
        "controls": tuple(dict.fromkeys(_control(key) for key in _controls())),
        "meter controls": tuple(_control(key) for key in items.METER_KEYS),
    }


# --- what the README says -----------------------------------------------------------------


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _tables(text: str) -> dict[str, list[list[str]]]:
    return {
        name: [_cells(line) for line in body.splitlines()[2:]]
        for name, body in _TABLE.findall(text)
    }


def _headings(text: str) -> list[str]:
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^#+ (.+)$", outside, re.MULTILINE)


def _slug(heading: str) -> str:
    """Return the anchor that the repository's page gives to a heading."""
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return plain.replace(" ", "-")


def rewritten(text: str) -> str:
    """Return the README with its tables up to date; what is not explained says so."""
    meanings = {
        (name, row[1].strip("`")): row[-1]
        for name, rows in _tables(text).items()
        for row in rows
    }

    def table(match: re.Match[str]) -> str:
        name = match[1]
        lines = [
            f"| {label} | `{key}` | {shown} | {unit} |"
            f" {meanings.get((name, key), 'TODO')} |"
            for label, key, shown, unit in expected()[name]
        ]
        rows = "\n".join(lines).replace("|  |", "| |")
        return f"<!-- table: {name} -->\n{HEAD}{rows}\n<!-- end -->"

    return _TABLE.sub(table, text)


# --- tests ------------------------------------------------------------------------------


def test_the_tables_are_those_of_the_code() -> None:
    """Names, keys, units and what is on at first are the code's; all is explained."""
    tables = _tables(README.read_text())
    assert tables.keys() == expected().keys()
    for name, rows in expected().items():
        found = [(row[0], row[1].strip("`"), row[2], row[3]) for row in tables[name]]
        assert found == list(rows), f"run: python -m tests.test_docs ({name})"
        for row in tables[name]:
            assert len(row[4]) > 5, f"{row[1]} is not explained"
            assert row[4] != "TODO", f"{row[1]} is not explained"


def test_states_are_explained() -> None:
    """Every state that a user may meet is in the README."""
    text = README.read_text()
    states = (*INVERTER_STATES, *BATTERY_STATES)
    for word in (*STATUSES, *State, *states, *BATTERY_MODES):
        assert f"`{word}`" in text, word


@pytest.mark.parametrize("rule", RULES)
def test_the_documentation_rules_are_met(rule: str) -> None:
    """Every documentation rule of the quality scale has its heading, with text below."""
    text = README.read_text()
    for heading in RULES[rule]:
        assert heading in _headings(text)
        below = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
        assert len(below.split("\n#", 1)[0].strip()) > 60, heading


def test_every_field_and_option_is_documented() -> None:
    """Every field of the config flow and every option is there under its label."""
    text = README.read_text()
    steps = TEXTS["config"]["step"]
    ways = [way.step for info in VENDORS.values() for way in info.ways]
    asked = {
        (key, label)
        for step in (*ways, "paste_code", "finish")
        for key, label in steps[step]["data"].items()
    }
    for key, label in (*asked, *TEXTS["options"]["step"]["init"]["data"].items()):
        assert f"| {label} | `{key}` |" in text, key
    for info in VENDORS.values():
        page = (ROOT / f"docs/{info.slug}.md").read_text()
        for step in [way.step for way in info.ways]:
            assert f"| `{step}` |" in text, step
        hosts = {
            host
            for way in info.ways
            for field in way.fields
            for host in field.choices
            if host.startswith("https://")
        }
        for host in hosts:
            assert host in page or REGION.match(host)[1] in page, host  # type: ignore[index]


def test_the_matrix_of_settings_is_the_codes() -> None:
    """The table of settings and vendors has a mark where the vendor's table has a row."""
    section = (
        README.read_text().split("\n### Settings by vendor\n")[1].split("\n#", 1)[0]
    )
    rows = [_cells(line) for line in section.splitlines() if line.startswith("|")]
    vendors = [info.slug for info in VENDORS.values() if steered()[info.slug]]
    assert len(rows[0]) == len(vendors) + 1
    found = {row[0].strip("`"): [cell != "–" for cell in row[1:]] for row in rows[2:]}
    assert found == {
        LOAD.sub("_N", key): [key in steered()[slug] for slug in vendors]
        for key in _controls()
    }


def _schema_keys(schema: Any) -> Iterator[str]:
    for key, value in schema.items():
        yield str(key)
        inner = value[0] if isinstance(value, list) else None
        if isinstance(inner, dict):
            yield from _schema_keys(inner)


async def test_every_action_is_documented(hass: HomeAssistant) -> None:
    """Every action has a heading, all its parameters and an example."""
    services.async_add_actions(hass)
    text = README.read_text()
    registered = hass.services.async_services()["solar_cloud"]
    for name, service in registered.items():
        section = re.split(rf"^### {name}$", text, flags=re.MULTILINE)[1]
        section = section.split("\n## ", 1)[0].split("\n### ", 1)[0]
        assert f"action: solar_cloud.{name}\n" in section
        if name == "force_discharge":
            continue  # "Parameters as above"
        for key in _schema_keys(service.schema.schema):
            assert f"`{key}`" in section, f"{name} {key}"


def test_the_examples_of_the_readme_are_yaml() -> None:
    """Every example can be read, and calls an action that there is."""
    for block in re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL):
        data = yaml.safe_load(block)
        assert isinstance(data, dict)
        assert "action" in data or {"triggers", "actions"} <= data.keys()


def test_the_arithmetic_of_the_calls() -> None:
    """The calls that FoxESS's page names are those of the feeds and the allowance."""
    text = (ROOT / "docs/foxess.md").read_text().split("\n### How often\n")[1]
    rows = dict.fromkeys((feed.key for feed in FEEDS), 1)
    rows |= {"settings": len(items.KEYS) + 1, "devices": 4, "faults": 0}
    total = 0
    for feed in FEEDS:
        calls = int(rows[feed.key] * 24 * 3600 / feed.interval)
        total += calls
        name = f"| `{feed.key}` |"
        row = next(line for line in text.splitlines() if line.startswith(name))
        assert _cells(row)[3].split(" ")[0] == str(calls), feed.key
    assert f"**{total} at most**" in text
    assert f"{limits.CALLS_PER_INVERTER:,} calls a day" in text
    assert f"({limits.COMMAND_RESERVE})" in text


@pytest.mark.parametrize(
    "heading",
    [
        "What you need",
        "Sign in",
        "Supported devices",
        "Data updates",
        "What is bounded when Home Assistant fails",
    ],
)
def test_every_vendor_is_told_of(heading: str) -> None:
    """What differs by vendor is told of each, and its page is a click away."""
    text = README.read_text()
    for info in VENDORS.values():
        assert f"(docs/{info.slug}.md" in text
        name = "FusionSolar" if info.slug == "huawei" else info.name
        section = re.split(rf"^##+ {heading}$", text, flags=re.MULTILINE)[1]
        section = section.split("\n## ", 1)[0]
        assert re.search(rf"^\| .*{name}", section, re.MULTILINE), info.slug


def test_the_tree_is_the_codes() -> None:
    """The architecture names each module where it is, and none that is gone."""
    package = ROOT / "custom_components/solar_cloud"
    tree = (ROOT / "docs/architecture.md").read_text().split("```")[1]
    folders = re.split(r"^ +(\w+)/(?= |$).*", tree, flags=re.MULTILINE)
    assert set(folders[1::2]) == {"cloud", *VENDORS}
    told = {
        f"{folder}/{name}" if folder in VENDORS else name
        for folder, part in zip(["", *folders[1::2]], folders[::2], strict=True)
        for name in re.findall(r"\b(\w+\.py)\b", part)
    }
    there = {
        f"{path.parent.name}/{path.name}" if path.parent.name in VENDORS else path.name
        for path in package.rglob("*.py")
        if path.name not in ("__init__.py", "const.py")
    }
    assert told - {"__init__.py"} == there


@pytest.mark.parametrize("slug", VENDORS)
def test_a_vendors_page_has_feeds_settings_and_keys(slug: str) -> None:
    """Every feed, every setting and every key of the vendor's tables is on its page."""
    page = (ROOT / f"docs/{slug}.md").read_text()
    cloud = import_module(f"custom_components.solar_cloud.cloud.{slug}.cloud")
    names = {feed.key for feed in cloud.FEEDS}
    names |= {LOAD.sub("_N", key) for key in steered()[slug]}
    for name in names:
        assert f"`{name}`" in page, name
    for keys in TOLD[slug]().values():
        for key in keys:
            row = quantity(key).key.removesuffix(TODAY)
            one = row.replace("_N", "_1")
            assert f"`{row}" in page or f"`{one}`" in page, key


def test_foxess_page_has_every_variable_and_error() -> None:
    """The vendor's page names every variable, setting and error code of the tables."""
    text = (ROOT / "docs/foxess.md").read_text()
    rows = (*readings.INVERTER_ROWS, *readings.BATTERY_ROWS)
    for name in (*(row.variable for row in rows), *readings.COMPOSED):
        assert f"`{name}`" in text, name
    for row in items.ITEMS.values():
        assert f"| `{row.item}` | `{row.key}` |" in text
    for code in ERRORS:
        assert str(code) in text, code


# --- blueprints -------------------------------------------------------------------------


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
def test_blueprints_are_valid(path: Path) -> None:
    """Home Assistant takes the blueprint, and finds it where it says it is."""
    blueprint = Blueprint(
        load_yaml_dict(str(path)),
        path=path.name,
        expected_domain="automation",
        schema=AUTOMATION_BLUEPRINT_SCHEMA,
    )
    assert blueprint.validate() is None
    where = f"{REPOSITORY}/blob/main/{path.relative_to(ROOT).as_posix()}"
    assert blueprint.metadata["source_url"] == where
    floor = json.loads((ROOT / "hacs.json").read_text())["homeassistant"]
    assert blueprint.metadata["homeassistant"]["min_version"] == floor
    for block in blueprint.inputs.values():
        assert block["name"]
        assert block["description"]


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
async def test_blueprints_call_actions_that_there_are(
    hass: HomeAssistant, path: Path
) -> None:
    """Actions and their parameters are those of the integration."""
    services.async_add_actions(hass)
    registered = hass.services.async_services()["solar_cloud"]
    found = list(_called(load_yaml_dict(str(path))["actions"]))
    assert found
    for name, data in found:
        schema = registered[name.removeprefix("solar_cloud.")].schema
        assert data.keys() <= {str(key) for key in schema.schema}


def _called(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, list):
        for row in node:
            yield from _called(row)
    elif isinstance(node, dict):
        if "action" in node:
            yield node["action"], node["data"]
        for value in node.values():
            yield from _called(value)


@asynccontextmanager
async def _automated(
    hass: HomeAssistant, name: str, **inputs: Any
) -> AsyncIterator[None]:
    """Run an automation from a blueprint, with its defaults where nothing is given."""
    path = next(path for path in BLUEPRINTS if path.stem == name)
    blueprint = Blueprint(load_yaml_dict(str(path)), schema=AUTOMATION_BLUEPRINT_SCHEMA)
    filled = BlueprintInputs(
        blueprint, {"use_blueprint": {"path": path.name, "input": inputs}}
    )
    filled.validate()
    config = filled.async_substitute() | {"id": name, "alias": name}
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    yield
    every = {"entity_id": "all"}
    await hass.services.async_call("automation", "turn_off", every, blocking=True)


async def _pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, **span: float
) -> None:
    freezer.tick(timedelta(**span))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def test_the_battery_is_charged_in_cheap_hours(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A run is started, started again when it has ended, and stopped when it gets dear."""
    charged = async_mock_service(hass, "solar_cloud", "force_charge")
    stopped = async_mock_service(hass, "solar_cloud", "stop_forced")
    hass.states.async_set("sensor.price", "0.30")
    hass.states.async_set("sensor.forced", "idle")
    hass.states.async_set("sensor.soc", "40")
    async with _automated(
        hass,
        "charge_in_cheap_hours",
        plant="plant",
        forced_state="sensor.forced",
        soc="sensor.soc",
        price="sensor.price",
        limit=0.1,
    ):
        hass.states.async_set("sensor.price", "0.05")
        await hass.async_block_till_done()
        assert len(charged) == 1
        assert charged[0].data == {
            "device_id": "plant",
            "power": 3000,
            "target_soc": 90,
            "duration": 60,
        }
        hass.states.async_set("sensor.forced", "charging")
        hass.states.async_set("sensor.price", "0.04")
        await hass.async_block_till_done()
        hass.states.async_set("sensor.forced", "idle")
        await hass.async_block_till_done()
        assert len(charged) == 1
        await _pass_time(hass, freezer, minutes=5, seconds=1)
        assert len(charged) == 2
        hass.states.async_set("sensor.forced", "charging")
        hass.states.async_set("sensor.price", "0.20")
        await hass.async_block_till_done()
        assert len(stopped) == 1
        hass.states.async_set("sensor.forced", "idle")
        hass.states.async_set("sensor.soc", "89")
        hass.states.async_set("sensor.price", "0.01")
        await hass.async_block_till_done()
        assert len(charged) == 2


async def test_the_battery_is_held_while_the_car_charges(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A hold begins some minutes after the car, is renewed, and ends after it."""
    held = async_mock_service(hass, "solar_cloud", "hold")
    stopped = async_mock_service(hass, "solar_cloud", "stop_forced")
    hass.states.async_set("sensor.car", "0")
    hass.states.async_set("sensor.forced", "idle")
    async with _automated(
        hass,
        "hold_while_ev_charges",
        plant="plant",
        forced_state="sensor.forced",
        charger="sensor.car",
    ):
        hass.states.async_set("sensor.car", "7000")
        await hass.async_block_till_done()
        assert not held
        await _pass_time(hass, freezer, minutes=3, seconds=1)
        assert [row.data for row in held] == [{"device_id": "plant", "duration": 120}]
        hass.states.async_set("sensor.forced", "holding")
        await hass.async_block_till_done()
        hass.states.async_set("sensor.forced", "idle")
        await hass.async_block_till_done()
        await _pass_time(hass, freezer, minutes=5, seconds=1)
        assert len(held) == 2
        hass.states.async_set("sensor.forced", "holding")
        hass.states.async_set("sensor.car", "0")
        await hass.async_block_till_done()
        await _pass_time(hass, freezer, minutes=3, seconds=1)
        assert len(stopped) == 1
        assert len(held) == 2


async def test_the_export_is_limited_at_a_negative_price(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A limit begins with the price period and is over before the next."""
    limited = async_mock_service(hass, "solar_cloud", "limit_export")
    hass.states.async_set("sensor.price", "-0.02")
    freezer.move_to("2026-06-17 10:10:00+00:00")
    async with _automated(
        hass, "limit_export_at_negative_price", plant="plant", price="sensor.price"
    ):
        await _pass_time(hass, freezer, minutes=5, seconds=21)
        assert not limited
        freezer.move_to("2026-06-17 10:59:59+00:00")
        await _pass_time(hass, freezer, seconds=22)
        data = {"device_id": "plant", "power": 0, "duration": 59}
        assert [row.data for row in limited] == [data]
        hass.states.async_set("sensor.price", "0.02")
        freezer.move_to("2026-06-17 11:59:59+00:00")
        await _pass_time(hass, freezer, seconds=22)
        assert len(limited) == 1


def test_blueprints_can_be_imported_from_the_readme() -> None:
    """Every blueprint has its import link, and every link its blueprint."""
    text = README.read_text()
    linked = {unquote(row) for row in re.findall(r"blueprint_url=([^)\s]+)", text)}
    there = {
        f"{REPOSITORY}/blob/main/{path.relative_to(ROOT).as_posix()}"
        for path in BLUEPRINTS
    }
    assert linked == there


# --- links and what must not be there ---------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file or heading of the project has one."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://")
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.exists(), target
        if anchor:
            slugs = {_slug(row) for row in _headings(file.read_text())}
            assert anchor in slugs, target


def test_no_committed_file_names_this_machine() -> None:
    """No file names a folder of the machine it was made on, or a package index."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    homes = r"(?<![\w.~-])/(?:work|home|root|Users)/\w"
    hosts = "/simple/|/pool/main/|index-url"
    forbidden = re.compile(f"{re.escape(ROOT.as_posix())}|{homes}|{hosts}")
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.suffix in (".png", ".ico") or not path.is_file():
            continue
        if path == Path(__file__):
            continue
        for line in path.read_text(errors="replace").splitlines():
            assert not forbidden.search(line), f"{name}: {line.strip()[:80]}"


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text()))
