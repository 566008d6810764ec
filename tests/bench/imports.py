"""Time the import of the integration, with all that is not ours imported before.

`python -m tests.bench.imports` prints what it brings along as JSON;
`python -m tests.bench.imports FILE` imports that list first, and prints ms.
"""

from importlib import import_module
import json
from pathlib import Path
import sys
from time import process_time

OURS = "custom_components.solar_cloud"
PLATFORMS = (
    "binary_sensor",
    "button",
    "config_flow",
    "diagnostics",
    "event",
    "number",
    "repairs",
    "select",
    "sensor",
    "switch",
    "system_health",
)


def take(names: list[str]) -> float:
    """Import modules; returns ms of processor time."""
    start = process_time()
    for name in names:
        import_module(name)
    return (process_time() - start) * 1000


def main() -> None:
    """Measure, or list what is needed to measure."""
    ours = [OURS, *(f"{OURS}.{name}" for name in PLATFORMS)]
    import_module("homeassistant.bootstrap")
    if len(sys.argv) > 1:
        take(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
        sys.stdout.write(f"{take(ours)}\n")
        return
    before = set(sys.modules)
    take(ours)
    others = [
        name
        for name in sys.modules
        if name not in before and not name.startswith("custom_components")
    ]
    sys.stdout.write(json.dumps(others) + "\n")


if __name__ == "__main__":
    main()
