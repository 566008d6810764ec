"""The quality scale: every rule named, and what is called done can be shown.

Home Assistant checks none of this for a custom integration. The checks below are those
of hassfest where it has one, and more where the source can tell.
"""

import ast
from collections.abc import Callable
import inspect
import re
import tomllib
from typing import Any

import pytest

from custom_components.solar_cloud import account
from custom_components.solar_cloud.cloud.registry import VENDORS
from custom_components.solar_cloud.const import PLATFORMS
from custom_components.solar_cloud.entity import SolarCloudEntity
from homeassistant.helpers.entity import Entity

from tests import test_docs, test_texts
from tests.source import (
    COMPONENT,
    ROOT,
    Function,
    called,
    calls,
    calls_of,
    functions,
    keyword,
    load_json,
    load_yaml,
    modules,
    reached_from,
    text_of,
    trees,
)

RULES = load_yaml("quality_scale.yaml")["rules"]
MANIFEST = load_json("manifest.json")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

TIERS: dict[str, tuple[str, ...]] = {
    "bronze": (
        "action-setup",
        "appropriate-polling",
        "brands",
        "common-modules",
        "config-flow",
        "config-flow-test-coverage",
        "dependency-transparency",
        "docs-actions",
        "docs-conditions",
        "docs-high-level-description",
        "docs-installation-instructions",
        "docs-removal-instructions",
        "docs-triggers",
        "entity-event-setup",
        "entity-unique-id",
        "has-entity-name",
        "runtime-data",
        "test-before-configure",
        "test-before-setup",
        "unique-config-entry",
    ),
    "silver": (
        "action-exceptions",
        "config-entry-unloading",
        "docs-configuration-parameters",
        "docs-installation-parameters",
        "entity-unavailable",
        "integration-owner",
        "log-when-unavailable",
        "parallel-updates",
        "reauthentication-flow",
        "test-coverage",
    ),
    "gold": (
        "devices",
        "diagnostics",
        "discovery",
        "discovery-update-info",
        "docs-data-update",
        "docs-examples",
        "docs-known-limitations",
        "docs-supported-devices",
        "docs-supported-functions",
        "docs-troubleshooting",
        "docs-use-cases",
        "dynamic-devices",
        "entity-category",
        "entity-device-class",
        "entity-disabled-by-default",
        "entity-translations",
        "exception-translations",
        "icon-translations",
        "reconfiguration-flow",
        "repair-issues",
        "stale-devices",
    ),
    "platinum": ("async-dependency", "inject-websession", "strict-typing"),
}
# Done by the judgement of a reader; the suite shows the behaviour.
JUDGED = {"entity-event-setup", "log-when-unavailable"}
DISCOVERY = {"bluetooth", "dhcp", "homekit", "mqtt", "ssdp", "usb", "zeroconf"}
RAISED = {
    "HomeAssistantError",
    "ServiceValidationError",
    "UpdateFailed",
    "ConfigEntryAuthFailed",
    "ConfigEntryError",
    "ConfigEntryNotReady",
}


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Nothing here needs a Home Assistant that finds the integration."""


def status(rule: str) -> str:
    """Return how a rule stands."""
    found = RULES[rule]
    return str(found["status"] if isinstance(found, dict) else found)


def test_every_rule_is_there() -> None:
    """The 54 rules of Home Assistant, each with a status and a reason where one is due."""
    names = [rule for rules in TIERS.values() for rule in rules]
    assert len(set(names)) == 54
    assert sorted(RULES) == sorted(names)
    for rule, found in RULES.items():
        if isinstance(found, dict):
            assert found.keys() == {"status", "comment"}, rule
            assert found["status"] in ("exempt", "todo"), rule
            assert len(found["comment"]) > 20, rule
        else:
            assert found == "done", rule


def test_the_manifest_declares_the_tier_that_is_met() -> None:
    """The highest tier of which, and of all below it, no rule is still to do."""
    met = None
    for tier, rules in TIERS.items():
        if any(status(rule) == "todo" for rule in rules):
            break
        met = tier
    assert MANIFEST.get("quality_scale") == met


# --- what a rule asks for --------------------------------------------------------------------


def _function(name: str, path: str) -> Function:
    found = functions(name, path)
    assert len(found) == 1, f"{path} has {len(found)} {name}"
    return found[0]


def _reached(name: str) -> set[str]:
    return {row.name for row in reached_from(_function(name, "__init__.py"))}


def _action_setup() -> None:
    """Actions are registered in async_setup, never with an entry."""
    where = {
        row.name
        for row in functions()
        for call in calls(row, "async_register")
        if isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value).endswith("services")
    }
    assert where
    assert where <= _reached("async_setup")
    assert not where & _reached("async_setup_entry")


def _appropriate_polling() -> None:
    """Every coordinator has the rhythm at which its vendor publishes."""
    (call,) = [
        call
        for call in calls(trees()["coordinator.py"], "__init__")
        if keyword(call, "update_interval") is not None
    ]
    assert "feed.interval" in ast.unparse(keyword(call, "update_interval") or call)


def _brands() -> None:
    assert (COMPONENT / "brand/icon.png").is_file()


def _common_modules() -> None:
    """Coordinators are in coordinator.py, the base of all entities in entity.py."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).split("[")[0] for base in node.bases}
                if "DataUpdateCoordinator" in bases:
                    assert path == "coordinator.py"
    assert inspect.getfile(SolarCloudEntity).endswith("/entity.py")


def _config_flow() -> None:
    """Have set-up in the UI, with fields that all say what they are for."""
    assert MANIFEST["config_flow"] is True
    assert (COMPONENT / "config_flow.py").is_file()
    test_texts.test_every_step_of_the_flow_has_its_texts()
    test_texts.test_every_option_has_its_texts()


def _config_flow_tests() -> None:
    """Every error and every way through the flow is in its tests."""
    tests = sorted((ROOT / "tests").glob("test_config_flow*.py"))
    text = "".join(path.read_text() for path in tests)
    flow: Any = modules()["sign_in.py"]
    for word in (*flow.ERRORS, *test_texts.TEXTS["config"]["abort"]):
        assert f'"{word}"' in text, word
    assert re.search(r"^(async )?def test_", text, re.MULTILINE)


def _no_dependency() -> None:
    assert MANIFEST["requirements"] == []


def _none_of(name: str) -> Callable[[], None]:
    def check() -> None:
        """There is nothing that would have to be documented."""
        assert not (COMPONENT / f"{name}.py").exists()
        assert not (COMPONENT / f"{name}s.yaml").exists()

    return check


def _documented(rule: str) -> Callable[[], None]:
    def check() -> None:
        """Have the chapter that the rule asks for."""
        test_docs.test_the_documentation_rules_are_met(rule)

    return check


def _entity_classes() -> list[type[Entity]]:
    return [
        thing
        for platform in PLATFORMS
        for thing in vars(modules()[f"{platform}.py"]).values()
        if isinstance(thing, type)
        and issubclass(thing, Entity)
        and thing.__module__.startswith("custom_components.")
    ]


def _entity_unique_id() -> None:
    """Every entity goes through the base, which sets the id."""
    assert len(_entity_classes()) > 10
    assert all(issubclass(kind, SolarCloudEntity) for kind in _entity_classes())
    base = _class("SolarCloudEntity", "entity.py")
    assert "self._attr_unique_id = " in ast.unparse(base)


def _has_entity_name() -> None:
    """Have it in the base, and nowhere taken back."""
    _entity_unique_id()
    base = _class("SolarCloudEntity", "entity.py")
    assert "_attr_has_entity_name = True" in ast.unparse(base)
    for path in trees():
        assert "_attr_has_entity_name = False" not in text_of(path), path
        # Only what a vendor names itself has that name.
        own = text_of(path).replace("self._attr_name = label", "")
        assert "_attr_name = " not in own, path


def _class(name: str, path: str) -> ast.ClassDef:
    (found,) = [
        node
        for node in ast.walk(trees()[path])
        if isinstance(node, ast.ClassDef) and node.name == name
    ]
    return found


def _runtime_data() -> None:
    """Have a type for the entry, set in set-up, and used wherever an entry is."""
    alias: Any = account.SolarCloudConfigEntry
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]+ConfigEntry", alias.__name__)
    assert alias.__value__.__args__
    setup = ast.unparse(_function("async_setup_entry", "__init__.py"))
    assert "entry.runtime_data = " in setup
    seen = 0
    for function in functions():
        for argument in (*function.args.args, *function.args.kwonlyargs):
            if argument.arg in ("entry", "config_entry") and argument.annotation:
                written = ast.unparse(argument.annotation).strip("'")
                if written in ("dr.DeviceEntry", "er.RegistryEntry"):
                    continue
                assert written in (alias.__name__, "ConfigEntry"), function.name
                if function.name.startswith("async_"):
                    assert written == alias.__name__, function.name
                    seen += 1
    assert seen > len(PLATFORMS)


def _test_before_configure() -> None:
    """Sign in before anything is created."""
    flow = _function("async_connect", "sign_in.py")
    assert list(calls(flow, "identify"))
    asked = _function("_async_step_sign_in", "config_flow.py")
    assert flow in reached_from(asked)


def _test_before_setup() -> None:
    """Await the first refresh, which raises what keeps an entry from being set up."""
    reached = reached_from(_function("async_setup_entry", "__init__.py"))
    assert any(
        isinstance(node, ast.Await)
        and isinstance(node.value, ast.Call)
        and called(node.value) == "async_config_entry_first_refresh"
        for row in reached
        for node in ast.walk(row)
    )


def _unique_config_entry() -> None:
    flow = trees()["config_flow.py"]
    assert list(calls(flow, "async_set_unique_id"))
    assert list(calls(flow, "_abort_if_unique_id_configured"))


def _action_exceptions() -> None:
    """Actions, of entities too, raise translated errors for input and for refusals."""
    assert calls_of("invalid")
    assert any(call for call in calls_of("raise_failed"))
    writing = {
        "async_press",
        "async_select_option",
        "async_set_native_value",
        "async_turn_on",
        "async_turn_off",
    }
    there = [row for row in functions() if row.name in writing]
    assert {row.name for row in there} == writing
    for row in there:
        ends = {called(call) for call in calls(row)}
        assert ends & {"raise_failed", "async_set_control", "async_refresh", "invalid"}


def _exception_translations() -> None:
    """No error reaches Home Assistant without a translation."""
    seen = 0
    for tree in trees().values():
        for call in calls(tree):
            if called(call) in RAISED:
                assert keyword(call, "translation_key") is not None, ast.unparse(call)
                assert keyword(call, "translation_domain") is not None
                seen += 1
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
                assert node.exc.id not in RAISED, "raised without words"
    assert seen > 3
    test_texts.test_every_error_and_issue_has_a_text("exceptions")


def _unloading() -> None:
    unload = _function("async_unload_entry", "__init__.py")
    assert list(calls(unload, "async_unload_platforms"))


def _integration_owner() -> None:
    assert MANIFEST["codeowners"]


def _parallel_updates() -> None:
    """Every platform says how many of its updates may run at once."""
    for platform in PLATFORMS:
        assert re.search(
            r"^PARALLEL_UPDATES = \d$",
            text_of(f"{platform}.py"),
            re.MULTILINE,
        ), platform


def _reauthentication_flow() -> None:
    assert functions("async_step_reauth", "config_flow.py")
    assert functions("async_step_reauth_confirm", "config_flow.py")


def _reconfiguration_flow() -> None:
    assert functions("async_step_reconfigure", "config_flow.py")
    assert list(calls(trees()["config_flow.py"], "async_update_reload_and_abort"))


def _test_coverage() -> None:
    """Have a gate above the rule's 95 %, over everything, that waves nothing through."""
    coverage = PROJECT["tool"]["coverage"]
    assert coverage["run"]["branch"] is True
    assert coverage["run"]["source"] == ["custom_components"]
    assert not coverage["run"].get("omit")
    assert coverage["report"]["fail_under"] > 95
    assert len(coverage["report"]["exclude_lines"]) == 2
    for path in trees():
        assert "pragma: no cover" not in (COMPONENT / path).read_text(), path


def _devices() -> None:
    """Plants are services, and a device tells what it is."""
    text = text_of("devices.py")
    for word in ("entry_type", "via_device_id", "model", "serial_number", "sw_version"):
        assert word in text


def _diagnostics() -> None:
    """There are diagnostics, and they are redacted."""
    assert functions("async_get_config_entry_diagnostics", "diagnostics.py")
    assert list(calls(trees()["diagnostics.py"], "async_redact_data"))


def _no_discovery() -> None:
    """Nothing says that it could be discovered."""
    assert not DISCOVERY & MANIFEST.keys()
    names = {row.name for row in functions(path="config_flow.py")}
    assert not {f"async_step_{source}" for source in DISCOVERY} & names


def _dynamic_devices() -> None:
    """Every platform adds what is new while it runs."""
    for platform in PLATFORMS:
        setup = _function("async_setup_entry", f"{platform}.py")
        assert list(calls(setup, "async_add_when_there")), platform
    adding = _function("async_add_when_there", "entity.py")
    assert list(calls(adding, "async_add_listener"))


def _stale_devices() -> None:
    """Remove a device that is gone, and let the user do so."""
    assert functions("async_remove_config_entry_device", "__init__.py")
    assert any(
        keyword(call, "remove_config_entry_id") is not None
        for call in calls_of("async_update_device")
    )


def _descriptions() -> list[Any]:
    return [row for name in PLATFORMS for row in test_texts.descriptions(str(name))]


def _entity_category() -> None:
    """Tell settings and diagnostics from what a dashboard shows."""
    shown = {"power", "energy", "battery", "energy_storage"}
    for platform in PLATFORMS:
        for row in test_texts.descriptions(str(platform)):
            where = f"{platform}.{row.key}"
            if platform == "sensor" and row.device_class in shown:
                assert row.entity_category is None, where
            if platform == "switch":
                assert row.entity_category == "config", where
    found = {str(row.entity_category) for row in _descriptions()}
    assert found == {"None", "config", "diagnostic"}


def _entity_device_class() -> None:
    """Where the unit is of a class, the sensor or number is."""
    plain = {None, "", "%", "kg", "cycles", "min", "kWh/m²"}
    for row in _descriptions():
        unit = getattr(row, "native_unit_of_measurement", None)
        assert row.device_class or unit in plain, f"{row.key} in {unit}"


def _entity_disabled_by_default() -> None:
    """Leave off at first what is rare or noisy, and most on."""
    found = [row.entity_registry_enabled_default for row in _descriptions()]
    assert 0 < found.count(False) < len(found) / 2


def _entity_translations() -> None:
    test_texts.test_every_entity_has_a_name()
    test_texts.test_every_state_has_a_text()


def _icon_translations() -> None:
    """No icon is in the code, and every entity without one of its class has one."""
    for path in trees():
        assert "'mdi:" not in text_of(path), path
    test_texts.test_every_entity_has_an_icon_and_one_only()


def _repair_issues() -> None:
    """Tell what only the owner can put right."""
    assert calls_of("async_create_issue")
    assert calls_of("async_delete_issue")
    test_texts.test_every_error_and_issue_has_a_text("issues")


def _async_only() -> None:
    """No thread and no blocking client serves the clouds."""
    blocking = r"^\s*(import|from) (requests|urllib|threading|concurrent)\b"
    for path in trees():
        assert not re.search(blocking, text_of(path), re.MULTILINE), path
    for info in VENDORS.values():
        assert inspect.iscoroutinefunction(info.ways[0].connect.poll)  # type: ignore[attr-defined]


def _inject_websession() -> None:
    """Use Home Assistant's session; nobody opens one."""
    assert calls_of("async_get_clientsession")
    assert not calls_of("ClientSession")
    assert not calls_of("async_create_clientsession")


def _strict_typing() -> None:
    """Say that the package is typed, and have mypy check all of it strictly."""
    assert (COMPONENT / "py.typed").is_file()
    mypy = PROJECT["tool"]["mypy"]
    assert mypy["strict"] is True
    assert "custom_components" in mypy["files"]
    for row in mypy["overrides"]:
        modules_named = row["module"]
        assert not any(name.startswith("custom_components") for name in modules_named)


DONE: dict[str, Callable[[], None]] = {
    "action-setup": _action_setup,
    "appropriate-polling": _appropriate_polling,
    "brands": _brands,
    "common-modules": _common_modules,
    "config-flow": _config_flow,
    "config-flow-test-coverage": _config_flow_tests,
    "entity-unique-id": _entity_unique_id,
    "has-entity-name": _has_entity_name,
    "runtime-data": _runtime_data,
    "test-before-configure": _test_before_configure,
    "test-before-setup": _test_before_setup,
    "unique-config-entry": _unique_config_entry,
    "action-exceptions": _action_exceptions,
    "config-entry-unloading": _unloading,
    "integration-owner": _integration_owner,
    "parallel-updates": _parallel_updates,
    "reauthentication-flow": _reauthentication_flow,
    "test-coverage": _test_coverage,
    "devices": _devices,
    "diagnostics": _diagnostics,
    "dynamic-devices": _dynamic_devices,
    "entity-category": _entity_category,
    "entity-device-class": _entity_device_class,
    "entity-disabled-by-default": _entity_disabled_by_default,
    "entity-translations": _entity_translations,
    "exception-translations": _exception_translations,
    "icon-translations": _icon_translations,
    "reconfiguration-flow": _reconfiguration_flow,
    "repair-issues": _repair_issues,
    "stale-devices": _stale_devices,
    "async-dependency": _async_only,
    "inject-websession": _inject_websession,
    "strict-typing": _strict_typing,
    **{rule: _documented(rule) for rule in test_docs.RULES},
}
EXEMPT: dict[str, Callable[[], None]] = {
    "dependency-transparency": _no_dependency,
    "docs-conditions": _none_of("condition"),
    "docs-triggers": _none_of("trigger"),
    "discovery": _no_discovery,
    "discovery-update-info": _no_discovery,
}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_is_what_it_is_said_to_be(rule: str) -> None:
    """What is done can be shown, and what is exempt has no reason to be otherwise."""
    if status(rule) == "done" and rule not in JUDGED:
        DONE[rule]()
    if status(rule) == "exempt" and rule != "entity-unavailable":
        EXEMPT[rule]()
