"""Run the demo: `scripts/demo [--once] [--vendor NAME …] [--json FILE]`."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
import os
from pathlib import Path
import shutil
import signal
import sys
from time import monotonic

from aiohttp import ClientSession

from .client import Client, CommandError
from .home import Home
from .once import Once
from .processes import SCRATCH, DemoError, free_port, require_free, say
from .show import show
from .world import World

from tests.simulator.simulator import CONTROL_PORT, VENDORS

PAGE_PORT = 8123
ONCE = "once-"


def _arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="without a browser")
    parser.add_argument("--vendor", action="append", nargs="+", choices=list(VENDORS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="with --once")
    arguments = parser.parse_args()
    if arguments.json and not arguments.once:
        parser.error("--json goes with --once")
    return arguments


def _json_file(given: Path | None) -> Path | None:
    """Return a file as the caller of scripts/demo meant it."""
    return given and Path(os.environ.get("DEMO_FROM", "."), given)


def _folder(*, once: bool) -> Path:
    """Return an empty folder for this run; those of runs that have ended go away."""
    for old in SCRATCH.glob(f"{ONCE}*"):
        if not Path("/proc", old.name.removeprefix(ONCE)).exists():
            shutil.rmtree(old, ignore_errors=True)
    folder = SCRATCH / (f"{ONCE}{os.getpid()}" if once else "browser")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM cancel the run, so that it stops what it has started."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    yield


async def _run(arguments: argparse.Namespace) -> bool:
    """Start the simulator and Home Assistant, run, and stop both."""
    once: bool = arguments.once
    vendors = [name for names in arguments.vendor or () for name in names]
    if not once:
        require_free(PAGE_PORT, "Home Assistant's page")
        require_free(CONTROL_PORT, "the simulator")
    folder, began = _folder(once=once), monotonic()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())
        say("Starting the simulator")
        port = 0 if once else CONTROL_PORT
        world = await World.start(session, folder, vendors, port)
        stack.push_async_callback(world.stop)
        say("Starting Home Assistant")
        port = free_port() if once else PAGE_PORT
        home = await Home.start(session, folder / "config", port)
        stack.push_async_callback(home.stop)
        client = await stack.enter_async_context(Client(session, home.url))
        version = await _settle(client)
        say(f"Home Assistant {version} is up after {monotonic() - began:.0f} s")
        if not once:
            await show(home, world, client)
            return True
        good = await Once(home, world, client).run(version, _json_file(arguments.json))
        say(f"Took {(monotonic() - began) / 60:.1f} minutes.")
        return good


async def _settle(client: Client) -> str:
    """Keep the address from the configuration, and wait until all is started."""
    # Since 2026.10 `http:` is on trial for five minutes, then Home Assistant ends.
    try:
        await client.command("http/config/promote")
    except CommandError as err:
        say(f"The HTTP configuration was not promoted: {err}")
    while (config := await client.command("get_config"))["state"] != "RUNNING":
        await asyncio.sleep(0.2)
    version: str = config["version"]
    return version


async def _main() -> int:
    arguments = _arguments()
    with _stoppable():
        try:
            return 0 if await _run(arguments) else 1
        except DemoError as err:
            say(f"scripts/demo: {err}")
            return 1
        except asyncio.CancelledError:
            say("Stopped.")
            return 130 if arguments.once else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
