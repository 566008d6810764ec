"""All that steers an account's plants, put together."""

from collections.abc import Awaitable, Callable
from typing import Any

from ..clock import Clock
from ..control import RunRange
from ..model import Device, DeviceKind
from .charges import Charges
from .client import HuaweiClient
from .controls import PlantControls
from .inventory import Inventory
from .known import Known
from .permission import Permission
from .reads import Reads
from .runs import Runs
from .schedules import Schedules
from .sites import Sites
from .tasks import Tasks


class Steering:
    """Settings, runs and windows of an account; `rationed` where calls are few."""

    def __init__(
        self,
        client: HuaweiClient,
        clock: Clock,
        memory: dict[str, Any],
        inventory: Inventory,
        *,
        rationed: bool,
    ) -> None:
        """Go on with what `memory` holds."""
        self.sites = Sites(inventory, memory)
        known = Known(memory)
        self._tasks = Tasks(client, clock, memory, rationed=rationed)
        self.reads = Reads(client, clock, known, memory, rationed=rationed)
        self.controls = PlantControls(
            self._tasks,
            known,
            Permission(client, clock, memory, rationed=rationed),
            self.reads,
            clock,
            plants=lambda: inventory.chosen,
            site=self.sites.site,
        )
        self.runs = Runs(
            Charges(client),
            self._tasks,
            self.controls,
            known,
            self.reads,
            clock,
            memory,
            rationed=rationed,
        )
        self.schedules = Schedules(self.controls, known, self.reads)

    def remember(self, save: Callable[[], Awaitable[None]]) -> None:
        """Take what stores the memory at once."""
        self._tasks.remember = save
        self.runs.remember = save

    def run_range(self, device: Device) -> RunRange | None:
        """Return what a run may ask of a battery, None of anything else."""
        if device.kind is not DeviceKind.BATTERY:
            return None
        site = self.sites.site(device.plant)
        battery = next((row for row in site.batteries if row.id == device.id), None)
        return self.runs.range(site, battery) if battery else None
