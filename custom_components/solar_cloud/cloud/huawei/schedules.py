"""The owner's windows of time of use, as set_schedule and get_schedule know them."""

from collections.abc import Collection
from contextlib import suppress

from ..control import Schedule, Window
from ..errors import QuotaExceeded, Refused
from ..quota import Purpose
from .bodies import mode_fields
from .controls import PlantControls
from .items import MODE, TOU
from .known import Known
from .reads import Reads
from .tasks import Kind, Task
from .windows import shown, to_wire

NOT_KNOWN = "the vendor does not tell the windows, and none have been set from here yet"


class Schedules:
    """Sets and tells the windows of plants."""

    def __init__(self, controls: PlantControls, known: Known, reads: Reads) -> None:
        """Share what is known."""
        self._controls = controls
        self._known = known
        self._reads = reads

    async def set(self, plant: str, wanted: Collection[Window]) -> None:
        """Give a task for time of use with these windows; raises Refused."""
        windows = to_wire(wanted)
        fields = mode_fields(plant, windows, {}, self._known)
        task = Task(plant=plant, kind=Kind.MODE, changes={MODE: TOU}, windows=windows)
        await self._controls.give(task, {"plantCode": plant, **fields})

    async def get(self, plant: str) -> Schedule:
        """Return the windows; those that were last set where the server tells none."""
        with suppress(QuotaExceeded):
            await self._reads.read(plant, Kind.MODE, Purpose.COMMAND)
        windows = self._known.windows(plant)
        if self._known.value(plant, MODE) is None and not windows:
            raise Refused(NOT_KNOWN)
        return Schedule(enabled=self._known.is_scheduled(plant), windows=shown(windows))
