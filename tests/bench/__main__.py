"""Measure, print, judge: `scripts/bench [--json FILE]`.

Each figure is taken in a process of its own, so that none disturbs another.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
import json
import os
from pathlib import Path
import platform
from statistics import median
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any

from homeassistant.const import __version__ as home_assistant

SIZES = (1, 10, 100, 1000)
# Large accounts of FusionSolar, as plants and inverters in each, and the calls of a poll
# that Huawei's formulas make necessary.
LARGE = {"1x120": 4, "300x1": 9}
IMPORTS = 5
# The past that is imported of one plant of each vendor: five years.
DAYS = 1826
VENDORS = ("foxess", "growatt", "huawei", "solarlog", "enphase")

# The bounds that are kept, or the bench fails.
ONE_INVERTER_MS = 5.0
BLOCK_MS = 50.0
RECORDER_S = 15.0
GROWTH = 1.5


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(module: str, *arguments: object) -> str:
    """Return what a part of the bench prints, without Home Assistant's warnings."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    return done.stdout.splitlines()[-1]


@contextmanager
def cloud(module: str = "cloud") -> Iterator[str]:
    """Run the cloud that all accounts are at; yields its URL."""
    server = subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin
    assert server.stdout
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait()


def account(inverters: int, url: str, folder: Path, ahead: str) -> Any:
    """Return the figures of an account with so many inverters."""
    say(f"An account with {inverters} inverter{'s' if inverters > 1 else ''} …")
    return json.loads(run("account", inverters, url, folder, ahead))


def large() -> dict[str, Any]:
    """Return the figures of large accounts of FusionSolar."""
    found = {}
    with cloud("fusion") as url:
        for spec in LARGE:
            say(f"FusionSolar, {spec.replace('x', ' × ')} inverters …")
            found[spec] = json.loads(run("large", spec, url))
    return found


def history() -> dict[str, Any]:
    """Return what the past of one plant of each vendor costs."""
    found = {}
    for vendor in VENDORS:
        say(f"Five years of {vendor} …")
        found[vendor] = json.loads(run("history", vendor, DAYS))
    return found


def import_ms() -> float:
    """Return how long the import of the integration takes the processor."""
    say("Imports …")
    with TemporaryDirectory() as folder:
        needed = Path(folder) / "needed.json"
        needed.write_text(run("imports"), encoding="utf-8")
        found = [float(run("imports", needed)) for _ in range(IMPORTS)]
    return round(median(found), 1)


def machine() -> dict[str, Any]:
    """Name the machine, and what runs on it."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        rows = info.read_text(encoding="utf-8").splitlines()
        names = [row.partition(":")[2] for row in rows if row.startswith("model name")]
        cpu = names[0].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "home_assistant": home_assistant,
    }


def by_size(found: dict[int, Any], key: str, *sizes: int) -> dict[str, Any]:
    """Return a figure by the number of inverters."""
    return {str(size): found[size][key] for size in sizes or SIZES}


def measure() -> dict[str, Any]:
    """Return all figures; the first names are the issue's."""
    say("A day of one inverter …")
    day = json.loads(run("day"))
    imports = import_ms()
    found = {}
    with cloud() as url, TemporaryDirectory() as place:
        for size in SIZES:
            folder = Path(place) / str(size)
            folder.mkdir()
            # Just before: what is stored has to be fresh, or calls are made.
            ahead = run("prepare", size, url, folder)
            found[size] = account(size, url, folder, ahead)
    return {
        "machine": machine(),
        "refresh_ms": by_size(found, "refresh_ms"),
        "longest_block_ms": by_size(found, "longest_block_ms", 100, 1000),
        "setup_s": found[1]["setup_s"],
        "rss_mb": found[1]["rss_mb"],
        "state_writes_per_day": day["state_writes_per_day"],
        "calls_per_day": day["calls_per_day"],
        "import_ms": imports,
        "states_per_day": day["states_per_day"],
        "heartbeat_ms": by_size(found, "heartbeat_ms"),
        "setup_s_by_inverters": by_size(found, "setup_s"),
        "rss_added_mb": by_size(found, "rss_added_mb"),
        "entities": by_size(found, "entities"),
        "states_per_refresh": by_size(found, "states_per_refresh"),
        "fusionsolar": large(),
        "history": history(),
    }


def broken(figures: dict[str, Any]) -> list[str]:
    """Return the bounds that do not hold."""
    refresh, block = figures["refresh_ms"], figures["longest_block_ms"]
    past = figures["history"]
    each = {size: refresh[str(size)] / size for size in (10, 1000)}
    bounds = (
        ("refresh_ms of one inverter", refresh["1"], ONE_INVERTER_MS),
        ("refresh_ms of each of 1000 inverters", each[1000], GROWTH * each[10]),
        ("longest_block_ms of 100 inverters", block["100"], BLOCK_MS),
        *(
            (
                f"calls of a poll of {spec}",
                figures["fusionsolar"][spec]["refresh_calls"],
                calls,
            )
            for spec, calls in LARGE.items()
        ),
        *(
            (f"{key} of the past of {name}", row[key], bound)
            for name, row in past.items()
            for key, bound in (
                ("calls", row["necessary_calls"]),
                ("recorder_s", RECORDER_S),
                ("longest_block_ms", BLOCK_MS),
                ("changed_again", 0),
            )
        ),
    )
    return [
        f"{name}: {found:.2f}, allowed {allowed:.2f}"
        for name, found, allowed in bounds
        if found > allowed
    ]


def main() -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures here")
    given = parser.parse_args()
    figures = measure()
    text = json.dumps(figures, indent=2, ensure_ascii=False)
    say(text)
    if given.json:
        place = Path(os.environ.get("BENCH_FROM", ".")) / given.json
        place.write_text(text + "\n", encoding="utf-8")
    found = broken(figures)
    for row in found:
        say(f"BROKEN {row}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
