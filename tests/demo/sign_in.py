"""Adding accounts through the config flow, as a user does."""

from typing import Any

from .client import Client
from .home import DOMAIN
from .processes import DemoError
from .world import Account

FLOW = "/api/config/config_entries/flow"
WANTED = {"control": True, "energy_dashboard": True}


async def add_account(client: Client, account: Account) -> str:
    """Go through the flow for an account; returns the id of its entry."""
    step = await client.request("POST", FLOW, {"handler": DOMAIN})
    seen: list[str] = []
    while step["type"] != "create_entry":
        if step["type"] == "abort":
            raise DemoError(f"{account.name}: the flow ended with {step['reason']}")
        if step["step_id"] in seen or step.get("errors"):
            raise DemoError(
                f"{account.name}: {step['step_id']} says {step.get('errors')}"
                f" {step.get('description_placeholders')}"
            )
        seen.append(step["step_id"])
        answer = await _answer(step, account, client)
        step = await client.request("POST", f"{FLOW}/{step['flow_id']}", answer)
    entry: str = step["result"]["entry_id"]
    return entry


async def _answer(
    step: dict[str, Any], account: Account, client: Client
) -> dict[str, Any]:
    """Return what a user who knows the account would answer to a step."""
    if step["type"] == "menu":
        offered = step["menu_options"]
        if step["step_id"] == "consent":
            return {"next_step_id": "paste_code"}
        wanted = account.step if account.step in offered else account.vendor
        if wanted not in offered:
            raise DemoError(f"{account.name}: the menu does not offer {wanted}")
        return {"next_step_id": wanted}
    if step["type"] == "form" and step["step_id"] == account.step:
        return dict(account.fields)
    if step["type"] == "form" and step["step_id"] == "paste_code":
        page = step["description_placeholders"]["authorize_url"]
        return {"code": await client.consent(page)}
    if step["type"] == "form":
        fields = step["data_schema"]
        prefilled = {row["name"]: row["default"] for row in fields if "default" in row}
        names = {row["name"] for row in fields}
        return prefilled | {k: v for k, v in WANTED.items() if k in names}
    raise DemoError(f"{account.name}: cannot answer {step['step_id']}, {step['type']}")
