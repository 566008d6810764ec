"""Why an account that may not steer offers nothing: the diagnostics have to say it."""

from .client import Client
from .report import REQUIRED, UNABLE
from .world import Account

DIAGNOSTICS = "/api/diagnostics/config_entry"
NO_PERMISSION = "no_permission"
# The reason of an account that may not steer, where it is another one.
REASONS = {"enphase": "not_in_plan"}


async def unexplained(client: Client, account: Account, entry: str) -> list[str]:
    """Return the controls that are absent for no reason, or for another one."""
    found = await client.request("GET", f"{DIAGNOSTICS}/{entry}")
    absent = found["data"]["absent_controls"].values()
    reasons = {key: reason for rows in absent for key, reason in rows.items()}
    unable = UNABLE.get((account.vendor, account.name), ())
    expected = REASONS.get(account.vendor, NO_PERMISSION)
    return [
        f"absent because of {reasons.get(key)}, not {expected}: {key}"
        for key in REQUIRED.get(account.vendor, ())
        if key not in unable and reasons.get(key) != expected
    ]
