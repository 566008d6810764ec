"""The demo with a browser: all accounts added, then it waits for Ctrl-C."""

import asyncio
from collections.abc import Sequence

from .client import PASSWORD, USER, Client
from .home import DOMAIN, Home
from .processes import DemoError, say
from .sign_in import add_account
from .world import Account, World


async def show(home: Home, world: World, client: Client) -> None:
    """Add all accounts, say what to open, and wait until Home Assistant ends."""
    accounts = await world.accounts()
    problems = await asyncio.gather(*(_add(client, row) for row in accounts))
    _invite(home, world, accounts, [row for row in problems if row])
    await home.ended()
    home.check()


async def _add(client: Client, account: Account) -> str | None:
    """Add an account; returns what went wrong."""
    try:
        await add_account(client, account)
    except DemoError as err:
        return str(err)
    say(f"Added {account.vendor} {account.name}: {', '.join(account.plants.values())}")
    return None


def _invite(
    home: Home, world: World, accounts: Sequence[Account], problems: Sequence[str]
) -> None:
    page = home.url.replace("127.0.0.1", "localhost")
    lines = [
        "",
        *(f"Not added: {problem}" for problem in problems),
        f"Open {page} and sign in as {USER}, password {PASSWORD}:",
        f"  {page}/home                                  the dashboard",
        f"  {page}/energy                                Energy",
        f"  {page}/config/integrations/integration/{DOMAIN}  plants and devices",
        f"The simulated clouds: {world.url}/accounts, /truth, /calls, /commands",
        f"To add one of {len(accounts)} accounts yourself: its fields are in /accounts.",
        f"Log: {home.log}",
        "Ctrl-C stops everything.",
    ]
    say("\n".join(lines))
