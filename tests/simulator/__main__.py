"""Run the simulator: `python -m tests.simulator [--vendor NAME …] [--port 8800]`."""

import argparse
import asyncio
import json
import signal

from .simulator import CONTROL_PORT, VENDORS, Simulator


def _arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator")
    parser.add_argument("--vendor", action="append", nargs="+", choices=list(VENDORS))
    parser.add_argument(
        "--account", action="append", default=[], help="one that is built on demand"
    )
    parser.add_argument("--port", type=int, default=CONTROL_PORT, help="0: any")
    parser.add_argument("--seed", type=int, help="draws serials, keys and names")
    parser.add_argument("--weather", type=int, default=7, help="draws sun and load")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    """Serve until a signal says stop."""
    vendors = [name for names in arguments.vendor or [VENDORS] for name in names]
    simulator = Simulator(
        vendors=vendors,
        port=arguments.port,
        seed=arguments.seed,
        weather=arguments.weather,
    )
    for account in arguments.account:
        simulator.account(account)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with simulator:
        urls = {"control": simulator.control_url}
        urls |= {name: simulator.url(name) for name in vendors}
        print(json.dumps(urls), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_run(_arguments()))
