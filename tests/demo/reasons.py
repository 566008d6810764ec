"""Why an account that may not steer offers nothing: the diagnostics have to say it."""

from .client import Client
from .report import REQUIRED
from .world import Account

DIAGNOSTICS = "/api/diagnostics/config_entry"
NO_PERMISSION = "no_permission"


async def unexplained(client: Client, account: Account, entry: str) -> list[str]:
    """Return the controls that are absent for no reason, or for another one."""
    found = await client.request("GET", f"{DIAGNOSTICS}/{entry}")
    absent = found["data"]["absent_controls"].values()
    reasons = {key: reason for rows in absent for key, reason in rows.items()}
    return [
        f"absent because of {reasons.get(key)}, not {NO_PERMISSION}: {key}"
        for key in REQUIRED.get(account.vendor, ())
        if reasons.get(key) != NO_PERMISSION
    ]
