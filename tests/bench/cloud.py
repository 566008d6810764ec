"""A FoxESS cloud in a process of its own: `python -m tests.bench.cloud` prints its URL.

The key that a request is signed with says how many inverters the account has. The clock is
the caller's: a request brings its time stamp along.
"""

import asyncio
from email.utils import formatdate
import json
import sys

from aiohttp import web

from .answers import Fleet

fleets: dict[int, Fleet] = {}


async def answer(request: web.Request) -> web.Response:
    """Answer any request."""
    inverters = int(request.headers["token"])
    if inverters not in fleets:
        fleets[inverters] = Fleet(inverters)
    at = int(request.headers["timestamp"]) / 1000
    asked = dict(request.query)
    if request.can_read_body:
        asked |= await request.json()
    body = json.dumps(fleets[inverters].answer(request.path, asked, at))
    return web.Response(
        text=body,
        content_type="application/json",
        headers={"Date": formatdate(at, usegmt=True)},
    )


async def serve() -> None:
    """Serve until the caller closes our input."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
