"""The integration's entities, and what each stands for."""

from dataclasses import dataclass
from typing import Any

from .client import Client
from .home import DOMAIN
from .world import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """An entity of an account; `device` is "" for a value of the plant itself."""

    entity_id: str
    plant: str
    device: str
    key: str
    disabled: bool

    @property
    def platform(self) -> str:
        """Return sensor, number, button and so on."""
        return self.entity_id.split(".", 1)[0]

    @property
    def subject(self) -> str:
        """Return the id that a command names: the device's, else the plant's."""
        return self.device or self.plant


async def entities_of(
    client: Client, account: Account, entry: str
) -> tuple[list[Entity], list[str]]:
    """Return the entities of an entry, and the unique ids that break the contract."""
    found: list[Entity] = []
    strange: list[str] = []
    for row in await client.command("config/entity_registry/list"):
        if row["platform"] != DOMAIN or row["config_entry_id"] != entry:
            continue
        if entity := _entity(row, account):
            found.append(entity)
        else:
            strange.append(row["unique_id"])
    return found, strange


def _entity(row: dict[str, Any], account: Account) -> Entity | None:
    """Take `{vendor}_{subject}_{key}` apart; a battery's subject contains its inverter's."""
    head = f"{account.vendor}_"
    rest = row["unique_id"].removeprefix(head)
    subjects = [
        subject
        for subject in (*account.plants, *account.devices)
        if rest.startswith(f"{subject}_")
    ]
    if not subjects or not row["unique_id"].startswith(head):
        return None
    subject = max(subjects, key=len)
    return Entity(
        entity_id=row["entity_id"],
        plant=account.devices.get(subject, subject),
        device=subject if subject in account.devices else "",
        key=rest.removeprefix(f"{subject}_"),
        disabled=row["disabled_by"] is not None,
    )
