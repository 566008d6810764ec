"""Texts, icons and the actions' forms: complete, none dead, as hassfest wants them.

What the code needs is found by running its tables of descriptions, and by reading its
source for errors, issues and forms.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
import re
import string
from types import SimpleNamespace
from typing import Any

import pytest

from custom_components.solar_cloud import async_setup
from custom_components.solar_cloud.account import failed
from custom_components.solar_cloud.cloud import control
from custom_components.solar_cloud.cloud.control import Reason
from custom_components.solar_cloud.cloud.errors import CloudError
from custom_components.solar_cloud.cloud.model import DeviceKind
from custom_components.solar_cloud.cloud.quantity import index_of
from custom_components.solar_cloud.cloud.registry import VENDORS
from custom_components.solar_cloud.cloud.vendor import FieldKind
from custom_components.solar_cloud.const import DOMAIN, LONGEST_RUN, PLATFORMS
from custom_components.solar_cloud.event import AlarmEvent
from custom_components.solar_cloud.sensor import READINGS, ReadingSensor
from custom_components.solar_cloud.services import WINDOW_MODES
import homeassistant.components as core
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import selector
from homeassistant.util.json import load_json_object

from tests.source import (
    COMPONENT,
    Function,
    calls,
    calls_of,
    constants,
    functions,
    keyword,
    load_json,
    load_yaml,
    modules,
    trees,
)

TEXTS = load_json("translations/en.json")
ICONS = load_json("icons.json")
FORMS = load_yaml("services.yaml")

# What hassfest lets a part of the file hold, by the path to it; * is any key.
SHAPE: dict[str, str] = {
    "": "config options entity device exceptions issues services selector system_health",
    "config": "flow_title step error abort",
    "options": "step",
    "*.step.*": "title description data data_description menu_options submit",
    "entity.*.*": "name state state_attributes",
    "entity.*.*.state_attributes.*": "name state",
    "device.*": "name",
    "exceptions.*": "message",
    "issues.*": "title description fix_flow",
    "issues.*.fix_flow": "step abort",
    "issues.*.fix_flow.step.*": "title description",
    "services.*": "name description fields",
    "services.*.fields.*": "name description",
    "selector.*": "options fields",
    "selector.*.fields.*": "name description",
    "system_health": "info",
}
# Texts that are a label: without a full stop at their end.
LABELS = ("name", "title", "data", "menu_options", "state", "options", "info")
# What Home Assistant's own steps of a flow abort with.
ABORTS = {
    "async_set_unique_id": {"already_in_progress"},
    "_abort_if_unique_id_configured": {"already_configured"},
    "async_update_reload_and_abort": {"reauth_successful", "reconfigure_successful"},
}


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Nothing here needs a Home Assistant that finds the integration."""


def leaves(node: Any = TEXTS, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return all texts with the path to them."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, *path, key)
    else:
        yield path, node


def words_in(text: str) -> set[str]:
    """Return the placeholders of a text."""
    return {
        name for _, name, _, _ in string.Formatter().parse(text) if name is not None
    }


def all_words(node: Any) -> set[str]:
    """Return the placeholders of all texts below a node."""
    return {word for _, text in leaves(node) for word in words_in(text)}


# --- the file -----------------------------------------------------------------------------


def test_texts_are_such_that_hassfest_takes_them() -> None:
    """Plain prose: no HTML, no address, nothing combined, no placeholder in quotes."""
    for path, text in leaves():
        where = ".".join(path)
        assert isinstance(text, str), where
        assert text == text.strip() != "", where
        assert not re.search(r"<\w|</", text), f"{where}: HTML"
        assert not re.search(r"\w+://|\bwww\.", text), f"{where}: an address"
        assert "[%key:" not in text, f"{where}: references are resolved in core only"
        assert not re.search(r"'\{|\}'", text), f"{where}: a placeholder in quotes"
        assert all(re.fullmatch(r"[a-z_]+", word) for word in words_in(text)), where
        assert "  " not in text, where
        for key in path:
            assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", key), f"{where}: snake_case"


def test_texts_end_as_they_should() -> None:
    """Sentences end with a full stop, labels do not; a label begins with a capital."""
    for path, text in leaves():
        where = ".".join(path)
        if path[-2] in LABELS or path[-1] in LABELS or path[-1] == "flow_title":
            assert not text.endswith("."), f"{where}: a label is no sentence"
            assert text[0].isupper() or text[0] == "{", where
            assert len(text) <= 60, where
        elif path != ("config", "step", "finish", "description"):
            assert text.endswith((".", "{message}")), f"{where}: a sentence ends"


def test_the_file_has_the_shape_that_hassfest_wants() -> None:
    """No part has a key that Home Assistant does not read."""

    def check(node: Any, *path: str) -> None:
        if not isinstance(node, dict):
            return
        for pattern, allowed in SHAPE.items():
            parts = pattern.split(".") if pattern else []
            if len(parts) == len(path) and all(
                want in ("*", have) for want, have in zip(parts, path, strict=True)
            ):
                assert node.keys() <= set(allowed.split()), ".".join(path)
        for key, value in node.items():
            check(value, *path, key)

    check(TEXTS)
    for key, issue in TEXTS["issues"].items():
        assert issue["title"]
        assert ("description" in issue) != ("fix_flow" in issue), key
    for entity in (row for rows in TEXTS["entity"].values() for row in rows.values()):
        assert entity["name"]


def test_no_language_lacks_a_text() -> None:
    """Every translation has the keys and placeholders of the English one."""
    english = dict(leaves())
    found = sorted((COMPONENT / "translations").glob("*.json"))
    assert COMPONENT / "translations/en.json" in found
    assert not (COMPONENT / "strings.json").exists(), "nothing reads it"
    for path in found:
        texts = dict(leaves(load_json(f"translations/{path.name}")))
        assert texts.keys() == english.keys(), path.name
        for key, text in texts.items():
            assert words_in(text) == words_in(english[key]), key


# --- flows --------------------------------------------------------------------------------


def _form_fields(step: str, path: str) -> set[str]:
    """Return the fields that a step of a flow adds to its schema."""
    found: set[str] = set()
    for function in functions(f"async_step_{step}", path):
        for call in (*calls(function, "Required"), *calls(function, "Optional")):
            found |= _texts_of(call.args[0])
    return found


def _flow_steps() -> dict[str, set[str]]:
    """Return the steps of the config flow with the fields of their forms."""
    ways = [way for info in VENDORS.values() for way in info.ways]
    return {
        "user": set(),
        "finish": _form_fields("finish", "config_flow.py"),
        **_consent_steps(),
        "reauth_confirm": {row.key for way in ways for row in way.secrets},
        **{info.slug: set() for info in VENDORS.values() if info.menu},
        **{way.step: {row.key for row in way.fields} for way in ways},
    }


def _consent_steps() -> dict[str, set[str]]:
    """Return the steps in which an owner consents with the fields of their forms."""
    return {
        "consent": set(),
        "redirect": set(),
        "paste_code": _form_fields("paste_code", "consent.py"),
    }


def _menus() -> dict[str, set[str]]:
    """Return the menus of the config flow with what they offer."""
    return {
        "consent": _consent_steps().keys() - {"consent"},
        "user": {
            info.slug if info.menu else info.ways[0].step for info in VENDORS.values()
        },
        **{
            info.slug: {way.step for way in info.ways}
            for info in VENDORS.values()
            if info.menu
        },
    }


def test_every_step_of_the_flow_has_its_texts() -> None:
    """Every step has a title, what it is about, and for each field what to type."""
    steps = TEXTS["config"]["step"]
    assert steps.keys() == _flow_steps().keys()
    for key, fields in _flow_steps().items():
        assert steps[key]["title"]
        assert steps[key]["description"]
        assert steps[key].get("data", {}).keys() == fields, key
        assert steps[key].get("data_description", {}).keys() == fields, key
        assert steps[key].get("menu_options", {}).keys() == _menus().get(key, set()), (
            key
        )


def test_every_option_has_its_texts() -> None:
    """Every option has a label and what it does."""
    fields = _form_fields("init", "config_flow.py")
    assert len(fields) == 5
    step = TEXTS["options"]["step"]["init"]
    assert TEXTS["options"]["step"].keys() == {"init"}
    assert step["data"].keys() == step["data_description"].keys() == fields


def test_every_error_and_abort_has_a_text() -> None:
    """What the flow can end with, or say about a field, has a text; none is dead."""
    errors = set(modules()["sign_in.py"].ERRORS)
    for path in ("sign_in.py", "consent.py"):
        errors |= {
            value
            for name, value in vars(modules()[path]).items()
            if name in ("INVALID_HOST", "INVALID_REDIRECT_URI")
            or name in ("NO_REDIRECT_URI", "CONSENT_REFUSED")
        }
    aborts: set[str] = set()
    tree = trees()["config_flow.py"]
    for call in calls(tree, "async_abort"):
        aborts |= _texts_of(keyword(call, "reason"))
    for name, reasons in ABORTS.items():
        if list(calls(tree, name)):
            aborts |= reasons
    assert {"invalid_host", "invalid_auth"} <= errors
    assert TEXTS["config"]["error"].keys() == errors
    assert TEXTS["config"]["abort"].keys() == aborts


def test_the_flow_fills_the_placeholders_of_its_texts() -> None:
    """A form's text and its errors use only what the form is given."""
    (summary,) = functions("summary", "forms.py")
    given = {
        "finish": _keys_of_dicts(summary) | set(modules()["forms.py"].FRESH),
        "paste_code": {"authorize_url", "message"},
        "reauth_confirm": {"account", "message"},
        **{way.step: {"message"} for info in VENDORS.values() for way in info.ways},
    }
    assert {"plants", "devices", "minutes", "controls", "absent"} <= given["finish"]
    for key, step in TEXTS["config"]["step"].items():
        assert all_words(step) <= given.get(key, set()), key
    assert all_words(TEXTS["config"]["step"]["finish"]) == given["finish"]
    assert all_words(TEXTS["config"]["error"]) <= {"message"}
    assert not all_words(TEXTS["config"]["abort"])
    assert not all_words(TEXTS["options"])


def _keys_of_dicts(node: ast.AST) -> set[str]:
    return {
        str(key.value)
        for row in ast.walk(node)
        if isinstance(row, ast.Dict)
        for key in row.keys
        if isinstance(key, ast.Constant)
    }


# --- errors and issues ----------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """A text that the code asks for, and the words that it brings along."""

    key: str
    words: frozenset[str]


@cache
def _cloud_keys() -> frozenset[str]:
    """Return the keys of all errors that a cloud can end in."""
    assert modules()
    waiting, found = [CloudError], set()
    while waiting:
        kind = waiting.pop()
        found.add(kind.key)
        waiting += kind.__subclasses__()
    return frozenset(found)


def _attribute(name: str) -> frozenset[str]:
    """Return the texts that an attribute of the code's own types can have."""
    if name == "key":
        return _cloud_keys()
    assert name == "state", f"say here which texts .{name} can have"
    return frozenset(
        state.value
        for state in control.State
        if failed(SimpleNamespace(state=state))  # type: ignore[arg-type]
    )


def _texts_of(node: ast.expr | None, function: Function | None = None) -> set[str]:
    """Return the texts that an expression can have."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            return _texts_of(body, function) | _texts_of(orelse, function)
        case ast.Attribute(attr=name):
            return set(_attribute(name))
        case ast.FormattedValue(value=value):
            return _texts_of(value, function)
        case ast.JoinedStr(values=parts):
            found = {""}
            for part in parts:
                ends = _texts_of(part, function)
                found = {start + end for start in found for end in ends}
            return found
        case ast.Name(id=name) if function and name in _parameters(function):
            return _arguments(function, name)
        case ast.Name(id=name):
            return set(constants()[name])
    raise AssertionError(
        f"which texts can this have: {ast.dump(node) if node else None}"
    )


def _parameters(function: Function) -> list[str]:
    return [row.arg for row in (*function.args.args, *function.args.kwonlyargs)]


def _arguments(function: Function, name: str) -> set[str]:
    """Return the texts that a parameter is given, its default among them."""
    position = _parameters(function).index(name)
    after = len(function.args.args) - position
    found: set[str] = set()
    if 0 < after <= len(function.args.defaults):
        found |= _texts_of(function.args.defaults[-after])
    for call in calls_of(function.name):
        if len(call.args) > position:
            found |= _texts_of(call.args[position])
        elif (value := keyword(call, name)) is not None:
            found |= _texts_of(value)
    return found


def _words_of(call: ast.Call) -> frozenset[str]:
    """Return the names of the placeholders that an error or issue brings along."""
    match keyword(call, "translation_placeholders"):
        case None:
            return frozenset()
        case ast.Dict() as words:
            return frozenset(_keys_of_dicts(words))
        case ast.Call(func=ast.Name(id=name)):
            return frozenset(_keys_of_dicts(functions(name)[0]))
    raise AssertionError(f"which words are these: {ast.dump(call)}")


def _uses(*, issues: bool) -> Iterator[Use]:
    """Return the texts of errors, or of issues, that the code asks for."""
    for function in functions():
        for call in calls(function):
            key = keyword(call, "translation_key")
            is_issue = isinstance(call.func, ast.Attribute) and (
                call.func.attr == "async_create_issue"
            )
            is_error = keyword(call, "translation_domain") is not None
            if key is None or not (is_issue if issues else is_error):
                continue
            if function.name != "invalid":
                for text in _texts_of(key, function):
                    yield Use(text, _words_of(call))
    for call in () if issues else calls_of("invalid"):
        for text in _texts_of(call.args[0]):
            yield Use(text, frozenset(row.arg or "" for row in call.keywords))


@pytest.mark.parametrize("part", ["exceptions", "issues"])
def test_every_error_and_issue_has_a_text(part: str) -> None:
    """What the code raises has a text that uses only what it is given; none is dead."""
    uses = list(_uses(issues=part == "issues"))
    wanted = {row.key for row in uses}
    wanted |= _cloud_keys() if part == "exceptions" else set()
    assert TEXTS[part].keys() == wanted
    for use in uses:
        assert all_words(TEXTS[part][use.key]) <= use.words, use


def test_the_repair_flow_has_its_texts() -> None:
    """Every step in which a repair asks something, and every way it ends, has a text."""
    source = trees()["repairs.py"]
    steps: set[str] = set()
    for call in calls(source, "async_show_form"):
        steps |= _texts_of(keyword(call, "step_id"))
    aborts: set[str] = set()
    for call in calls(source, "async_abort"):
        aborts |= _texts_of(keyword(call, "reason"))
    flows = [row["fix_flow"] for row in TEXTS["issues"].values() if "fix_flow" in row]
    assert flows
    for flow in flows:
        assert flow["step"].keys() == steps
        assert flow.get("abort", {}).keys() == aborts
        assert not all_words(flow.get("abort", {}))


# --- entities -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """What the code shows under a translation key."""

    states: frozenset[str] = frozenset()
    numbered: bool = False
    device_class: str | None = None


def _all_in(thing: object) -> Iterable[object]:
    if isinstance(thing, Mapping):
        return thing.values()
    return thing if isinstance(thing, tuple | list | frozenset) else (thing,)


def descriptions(platform: str) -> Iterator[Any]:
    """Return the descriptions that a platform has in its tables."""
    for thing in vars(modules()[f"{platform}.py"]).values():
        for row in _all_in(thing):
            # Home Assistant thaws the frozen ones into classes of no common base.
            if not isinstance(row, type) and hasattr(row, "translation_key"):
                yield row


def _account(kind: DeviceKind | None = None) -> Any:
    """Return as much of an account as an entity needs to be made."""
    house = SimpleNamespace(plants={}, devices={"d": SimpleNamespace(kind=kind)})
    return SimpleNamespace(
        house=SimpleNamespace(data=house), info=SimpleNamespace(slug="v")
    )


def _own(key: str) -> str:
    """Return the translation key of a reading on a device of the kind it is named after."""
    kind = next((kind for kind in DeviceKind if key.startswith(f"{kind}_")), None)
    key_there = key.replace("_N", "_1")
    return str(
        ReadingSensor(_account(kind), "d", key_there, READINGS[key]).translation_key
    )


@cache
def shown() -> dict[tuple[str, str], Shown]:
    """Return all that has a name, by platform and translation key."""
    found: dict[tuple[str, str], Shown] = {}
    for platform in map(str, PLATFORMS):
        for row in descriptions(platform):
            if row.translation_key is None:
                assert row.device_class, f"{row.key} has neither name nor device class"
                continue
            entity = Shown(
                states=frozenset(getattr(row, "options", None) or ()),
                numbered=index_of(row.key.replace("_N", "_1")) is not None,
                device_class=row.device_class,
            )
            found[platform, row.translation_key] = entity
            if platform == "sensor" and row.key in READINGS:
                found[platform, _own(row.key)] = entity
        for key in _class_keys(platform):
            found[platform, key] = Shown()
    for row in control.CONTROLS.values():
        if row.platform in (control.Platform.SELECT, control.Platform.BUTTON):
            found[str(row.platform), row.key] = Shown(states=frozenset(row.options))
    return found


def _class_keys(platform: str) -> Iterator[str]:
    """Return the translation keys that entity classes have by themselves."""
    for node in ast.walk(trees()[f"{platform}.py"]):
        match node:
            case ast.ClassDef(body=body):
                for row in body:
                    match row:
                        case ast.Assign(targets=[ast.Name(id="_attr_translation_key")]):
                            yield from _texts_of(row.value)


def _entities(part: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        (platform, key): row
        for platform, rows in part["entity"].items()
        for key, row in rows.items()
    }


def test_every_entity_has_a_name() -> None:
    """Every entity, and nothing else, has a name; a numbered one shows its number."""
    assert _entities(TEXTS).keys() == shown().keys()
    for key, row in _entities(TEXTS).items():
        assert words_in(row["name"]) == ({"number"} if shown()[key].numbered else set())


def test_every_state_has_a_text() -> None:
    """Every state that an entity can have, and no other, has a text."""
    for key, row in _entities(TEXTS).items():
        assert row.get("state", {}).keys() == shown()[key].states, key


def test_every_attribute_that_is_a_word_has_a_text() -> None:
    """What proves a command, and what happened to an alarm, can be read."""
    event = AlarmEvent(_account(), "p")
    words = {
        "evidence": {row.value for row in control.Evidence},
        "event_type": set(event.event_types),
    }
    told = {
        (key, name): attribute["state"].keys()
        for key, row in _entities(TEXTS).items()
        for name, attribute in row.get("state_attributes", {}).items()
    }
    assert told == {
        (("sensor", "last_command"), "evidence"): words["evidence"],
        (("sensor", "forced_state"), "evidence"): words["evidence"],
        (("event", "alarm"), "event_type"): words["event_type"],
    }


@pytest.mark.parametrize("kind", [None, *DeviceKind])
def test_names_on_a_device_differ(kind: DeviceKind | None) -> None:
    """Two entities of a platform on one device, or on the plant, never share a name."""
    for rows in TEXTS["entity"].values():
        names = [
            row["name"]
            for key, row in rows.items()
            if key.startswith(f"own_{kind}_")
            or not key.startswith(("own_", f"{kind}_") if kind else "own_")
        ]
        assert len(names) == len(set(names))


def test_every_kind_of_device_has_a_name() -> None:
    """A device has a name of its kind, numbered where there can be several."""
    kinds = {str(kind) for kind in DeviceKind}
    assert TEXTS["device"].keys() == kinds | {f"{kind}_number" for kind in kinds}
    (details,) = functions("_details", "devices.py")
    assert all_words(TEXTS["device"]) <= _keys_of_dicts(details)
    for key, row in TEXTS["device"].items():
        assert ("number" in words_in(row["name"])) == key.endswith("_number")


def test_system_health_has_its_texts() -> None:
    """What system health shows under a fixed name has a text."""
    (info,) = functions("_async_info", "system_health.py")
    assert TEXTS["system_health"]["info"].keys() == _keys_of_dicts(info)


# --- icons ----------------------------------------------------------------------------------


def test_icons_are_such_that_hassfest_takes_them() -> None:
    """Material icons; a state's differs from the default; ranges ascend."""
    assert ICONS.keys() == {"entity", "services"}
    for (platform, key), row in _entities(ICONS).items():
        where = f"{platform}.{key}"
        assert "default" in row, where
        assert row.keys() <= {"default", "state", "range"}, where
        for _, icon in leaves(row):
            assert re.fullmatch(r"mdi:[a-z0-9]+(-[a-z0-9]+)*", icon), where
        assert row["default"] not in row.get("state", {}).values(), where
        limits = [float(limit) for limit in row.get("range", {})]
        assert all(low < high for low, high in pairwise(limits)), where
        assert not ("state" in row and "range" in row), where


@cache
def _by_device_class(platform: str) -> frozenset[str]:
    """Return the device classes for which Home Assistant has an icon of its own."""
    (folder,) = core.__path__
    icons: Any = load_json_object(f"{folder}/{platform}/icons.json")
    return frozenset(icons["entity_component"]) - {"_", "enum"}


def test_every_entity_has_an_icon_and_one_only() -> None:
    """Icons are there exactly where the device class supplies none."""
    wanted = {
        (platform, key)
        for (platform, key), row in shown().items()
        if row.device_class not in _by_device_class(platform)
    }
    assert _entities(ICONS).keys() == wanted


def test_states_with_an_icon_exist() -> None:
    """An icon's states are states of its entity; of a switch on and off."""
    for (platform, key), row in _entities(ICONS).items():
        states = shown()[platform, key].states or {"on", "off"}
        assert set(row.get("state", {})) <= states, key
        assert not (row.get("state") and platform in ("button", "event", "number"))


# --- actions --------------------------------------------------------------------------------


@pytest.fixture
async def schemas(hass: HomeAssistant) -> dict[str, dict[Any, Any]]:
    """Return the schema of each action, as it is registered by the integration's set-up."""
    assert await async_setup(hass, {})
    return {
        name: service.schema.schema
        for name, service in hass.services.async_services_for_domain(DOMAIN).items()
        if service.schema
    }


def _is_required(schema: Mapping[Any, Any], field: str) -> bool:
    marker = next(key for key in schema if key == field)
    return type(marker).__name__ == "Required"


async def test_every_action_has_a_form_texts_and_an_icon(
    schemas: dict[str, dict[Any, Any]],
) -> None:
    """Registered actions, forms, texts and icons are the same, field by field."""
    assert len(schemas) > 7
    assert FORMS.keys() == TEXTS["services"].keys() == schemas.keys()
    assert ICONS["services"].keys() == schemas.keys()
    for name, schema in schemas.items():
        fields = {str(key) for key in schema}
        assert FORMS[name]["fields"].keys() == fields, name
        assert TEXTS["services"][name]["fields"].keys() == fields, name
        assert ICONS["services"][name].keys() == {"service"}
        assert re.fullmatch(r"mdi:[a-z0-9-]+", ICONS["services"][name]["service"])
        for field, form in FORMS[name]["fields"].items():
            assert form.get("required", False) == _is_required(schema, field), field


def _selectors(node: Any) -> Iterator[dict[str, Any]]:
    """Return all selectors of a form, also those inside an object."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if key == "selector":
            yield value
        yield from _selectors(value)


def test_every_field_has_a_selector() -> None:
    """Selectors are valid, hold no texts, and those with a text find it."""
    keys: set[str] = set()
    for name, form in FORMS.items():
        assert form.keys() == {"fields"}, name
        for field, row in form["fields"].items():
            assert row.keys() <= {"required", "default", "example", "selector"}, field
        for row in _selectors(form):
            assert selector(row)
            ((kind, config),) = row.items()
            key = (config or {}).get("translation_key")
            keys |= {key} if key else set()
            if kind == "select":
                assert TEXTS["selector"][key]["options"].keys() == set(
                    config["options"]
                )
            if kind == "object":
                assert (
                    TEXTS["selector"][key]["fields"].keys() == config["fields"].keys()
                )
            if kind == "device":
                assert config["filter"] == [{"integration": DOMAIN}]
                assert config["multiple"] is True
    for row in (
        row for info in VENDORS.values() for way in info.ways for row in way.fields
    ):
        if row.kind is FieldKind.CHOICE:
            assert TEXTS["selector"][row.key]["options"].keys() == set(row.choices)
            keys.add(row.key)
    assert TEXTS["selector"].keys() == keys | {"reason"}
    assert TEXTS["selector"]["reason"]["options"].keys() == set(Reason)


async def test_the_form_of_a_schedule_is_what_the_action_takes(
    schemas: dict[str, dict[Any, Any]],
) -> None:
    """A window's fields, modes and days are those of the schema."""
    (window,) = schemas["set_schedule"]["windows"]
    fields = FORMS["set_schedule"]["fields"]["windows"]["selector"]["object"]["fields"]
    assert fields.keys() == {str(key) for key in window}
    for field, form in fields.items():
        assert form.get("required", False) == _is_required(window, field), field
    assert fields["mode"]["selector"]["select"]["options"] == list(WINDOW_MODES)
    assert fields["days"]["selector"]["select"]["options"] == list("1234567")
    for name in ("force_charge", "force_discharge", "hold", "limit_export"):
        number = FORMS[name]["fields"]["duration"]["selector"]["number"]
        assert (number["min"], number["max"]) == (1, LONGEST_RUN)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("force_charge", "may repeat every day until Home Assistant is back"),
        ("force_discharge", "may repeat every day until Home Assistant is back"),
        ("hold", "may repeat every day until Home Assistant is back"),
        ("hold", "nothing on the device ends it"),
        ("limit_export", "Nothing on the device ends it"),
    ],
)
def test_an_action_says_what_happens_without_home_assistant(
    name: str, words: str
) -> None:
    """What outlives Home Assistant is said where it is started."""
    assert words in TEXTS["services"][name]["description"]
