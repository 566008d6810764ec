"""What the loader, hassfest and HACS want of the manifest, hacs.json and the pictures."""

import ast
import json
from pathlib import Path
import re
import tomllib
from typing import Any

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from PIL import Image
import pytest

from custom_components.solar_cloud.const import DOMAIN, PLATFORMS
import homeassistant.components as core
from homeassistant.const import Platform

from tests.source import COMPONENT, ROOT, load_json, trees

MANIFEST = load_json("manifest.json")
HACS = json.loads((ROOT / "hacs.json").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BRAND = COMPONENT / "brand"

# The keys that hassfest of the oldest supported Home Assistant takes from a hub like ours.
REQUIRED = {
    "domain",
    "name",
    "codeowners",
    "config_flow",
    "documentation",
    "integration_type",
    "iot_class",
    "issue_tracker",
    "requirements",
    "version",
}
ALLOWED = REQUIRED | {"after_dependencies", "dependencies", "loggers", "quality_scale"}
HACS_KEYS = {
    "name",
    "content_in_root",
    "country",
    "filename",
    "hacs",
    "hide_default_branch",
    "homeassistant",
    "persistent_directory",
    "zip_release",
}
# Components that hassfest lets everybody use.
ALWAYS_THERE = {
    *map(str, Platform),
    "system_health",
    "webhook",
    "websocket_api",
    "zone",
}
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Nothing here needs a Home Assistant that finds the integration."""


def test_the_manifest_has_the_keys_that_hassfest_wants() -> None:
    """All that are required, none that is unknown; domain and name, then the alphabet."""
    keys = list(MANIFEST)
    assert set(keys) >= REQUIRED
    assert set(keys) <= ALLOWED
    assert keys == ["domain", "name", *sorted(set(keys) - {"domain", "name"})]


def test_the_manifest_says_what_is_so() -> None:
    """Domain, addresses, owners and classes are such as the loader and HACS take."""
    assert MANIFEST["domain"] == DOMAIN == COMPONENT.name
    assert MANIFEST["config_flow"] is True
    assert MANIFEST["integration_type"] == "hub"
    assert MANIFEST["iot_class"] == "cloud_polling"
    assert MANIFEST["requirements"] == []
    assert MANIFEST["codeowners"]
    assert all(re.fullmatch(r"@[\w-]+", owner) for owner in MANIFEST["codeowners"])
    documentation = MANIFEST["documentation"]
    assert documentation.startswith("https://")
    assert "home-assistant.io/integrations" not in documentation
    assert MANIFEST["issue_tracker"] == f"{documentation}/issues"


def test_no_core_integration_has_the_domain() -> None:
    """HACS lists nothing that takes the place of a core integration."""
    (folder,) = core.__path__
    assert not (Path(folder) / DOMAIN).exists()


def test_versions_agree() -> None:
    """Manifest, project and changelog name one version, in a form the loader takes."""
    version = MANIFEST["version"]
    assert VERSION.fullmatch(version)
    assert AwesomeVersion(version).strategy is AwesomeVersionStrategy.SEMVER
    assert PROJECT["project"]["version"] == version
    headings = re.findall(
        r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert headings[0] == version


def _imported_components() -> dict[str, set[str]]:
    """Return the components that each module uses."""
    found: dict[str, set[str]] = {}
    for path, tree in trees().items():
        used = found.setdefault(path, set())
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom(module="homeassistant.components", names=names):
                    used |= {name.name for name in names}
                case ast.ImportFrom(module=str(module)):
                    used |= _component(module)
                case ast.Import(names=names):
                    used |= {row for name in names for row in _component(name.name)}
    return found


def _component(module: str) -> set[str]:
    parts = module.split(".")
    return {parts[2]} if parts[:2] == ["homeassistant", "components"] else set()


def test_every_component_in_use_is_named() -> None:
    """What is imported of another integration is loaded before, or ours is its platform."""
    named = {*MANIFEST.get("dependencies", ()), *MANIFEST.get("after_dependencies", ())}
    used = _imported_components()
    assert "diagnostics" in used["diagnostics.py"]
    for path, components in used.items():
        platforms = {row for row in components if (COMPONENT / f"{row}.py").is_file()}
        assert components <= named | ALWAYS_THERE | platforms, path


def test_every_platform_is_there() -> None:
    """The platforms that are set up are the modules that there are."""
    modules = {path.stem for path in COMPONENT.glob("*.py")}
    assert set(map(str, PLATFORMS)) == modules & set(map(str, Platform))


def test_hacs_json_is_one_that_hacs_takes() -> None:
    """Known keys only, of the right type; the floor is the one that is tested."""
    assert HACS.keys() <= HACS_KEYS
    assert HACS["name"] == MANIFEST["name"]
    assert HACS["hide_default_branch"] is True
    assert not HACS.get("content_in_root", False)
    floor = re.fullmatch(r"(\d{4}\.\d{1,2})\.0", HACS["homeassistant"])
    assert floor
    groups = PROJECT["dependency-groups"]
    comment = _comment_of(groups["test-floor"][0])
    assert comment.startswith(f"Home Assistant {floor[1]}.")


def _comment_of(requirement: str) -> str:
    """Return what the project says beside a requirement."""
    for line in (ROOT / "pyproject.toml").read_text().splitlines():
        if f'"{requirement}"' in line and "#" in line:
            return line.split("#", 1)[1].strip()
    raise AssertionError(requirement)


def test_the_repository_has_what_hacs_looks_for() -> None:
    """A page about it, and a licence that is recognised."""
    assert (ROOT / "info.md").is_file() or (ROOT / "README.md").is_file()
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n")
    assert PROJECT["project"]["license"] == "MIT"


# --- pictures -----------------------------------------------------------------------------

PICTURES = [
    f"{theme}{kind}{scale}.png"
    for theme in ("", "dark_")
    for kind in ("icon", "logo")
    for scale in ("", "@2x")
]


def test_there_are_all_pictures_and_no_others() -> None:
    """Icon and logo, for light and dark, in both sizes."""
    assert sorted(path.name for path in BRAND.iterdir()) == sorted(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_as_home_assistant_wants_it(name: str) -> None:
    """Icons are square, logos no square; transparent, and without an empty margin."""
    size = 512 if "@2x" in name else 256
    with Image.open(BRAND / name) as picture:
        assert picture.format == "PNG"
        assert picture.mode == "RGBA"
        width, height = picture.size
        if "icon" in name:
            assert (width, height) == (size, size)
        else:
            assert size / 2 <= min(width, height) <= size
            assert max(width, height) > 1.5 * min(width, height)
        alpha: Any = picture.getchannel("A")
        assert alpha.getextrema() == (0, 255)
        left, top, right, bottom = alpha.getbbox()
        across, down = left == 0 and right == width, top == 0 and bottom == height
        assert across or down if "icon" in name else across and down


def test_no_two_pictures_are_the_same() -> None:
    """A picture that equals another would be left out instead."""
    found = {(BRAND / name).read_bytes() for name in PICTURES}
    assert len(found) == len(PICTURES)
