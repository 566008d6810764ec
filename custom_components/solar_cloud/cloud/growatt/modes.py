"""The battery mode of machines that know windows only: none, one all day, or several.

Load first is what holds outside of windows. Choosing a mode puts the owner's windows to
sleep and keeps them; `time_of_use` brings them back.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from ..control import Control
from ..errors import Refused
from .programmes import Programmes
from .segments import LAST, Held, Priority, Segment, Slots, during, slots_of
from .settings import Look

MODES: dict[Priority, str] = {
    Priority.LOAD: "self_consumption",
    Priority.BATTERY: "charge_priority",
    Priority.GRID: "feed_in_priority",
}
PRIORITIES = {mode: priority for priority, mode in MODES.items()}
TIME_OF_USE = "time_of_use"


class Modes:
    """Reads and sets the battery mode of the machines of an account."""

    def __init__(self, programmes: Programmes, memory: dict[str, Any]) -> None:
        """Keep in `memory` the windows that a mode put to sleep."""
        self._programmes = programmes
        self._kept: dict[str, list[dict[str, Any]]] = memory.setdefault("windows", {})

    def _owners(self, sn: str) -> Slots:
        """Return the owner's windows as they were before a mode took their place."""
        return slots_of(self._kept.get(sn, ()))

    def control(self, sn: str, held: Held, now: datetime) -> Control:
        """Return the mode that the windows amount to."""
        mode = mode_of(held.slots)
        timed = mode == TIME_OF_USE or any(row.is_awake for row in self._owners(sn))
        options = (*PRIORITIES, TIME_OF_USE) if timed else tuple(PRIORITIES)
        return Control(value=mode, at=now, options=options)

    def keep(self, sn: str, held: Held) -> None:
        """Keep the owner's windows before a mode takes their place.

        Those that are asleep are kept with the ones that a mode put to sleep before.
        """
        mode = mode_of(held.slots)
        asleep = mode == MODES[Priority.LOAD] and sn not in self._kept
        if mode == TIME_OF_USE or asleep:
            self._kept[sn] = [asdict(slot) for slot in held.slots]

    def forget(self, sn: str) -> None:
        """Keep no windows any more, as there are new ones."""
        self._kept.pop(sn, None)

    def wanted(self, sn: str, held: Held, mode: str) -> Held:
        """Return what a machine has to hold for a mode; raises Refused."""
        owners = self._owners(sn)
        if mode == mode_of(held.slots):
            return held
        if mode == TIME_OF_USE:
            if not any(row.is_awake for row in owners):
                raise Refused("there are no windows to go by; set_schedule makes some")
            return replace(held, slots=owners)
        if mode not in PRIORITIES:
            raise Refused(f"the machine has no mode {mode}")
        is_all_day = any(slot.is_all_day for slot in held.slots)
        base = owners if is_all_day and owners else held.slots
        slots: Slots = tuple(slot.asleep for slot in base)
        if (priority := PRIORITIES[mode]) is not Priority.LOAD:
            all_day = Segment(priority=priority, start=0, end=LAST, on=True)
            layout = self._programmes.layout(sn) or ()
            slots = during(layout, slots, [all_day])
        return replace(held, slots=slots)

    async def set(
        self, look: Look, mode: str, save: Callable[[], Awaitable[None]]
    ) -> None:
        """Set the mode, once the owner's windows are kept."""
        held = await self._programmes.read(look)
        wanted = self.wanted(look.sn, held, mode)
        self.keep(look.sn, held)
        await save()
        await self._programmes.write(look, held, wanted)


def mode_of(slots: Slots) -> str:
    """Return the mode that windows amount to."""
    awake = [slot for slot in slots if slot.is_awake]
    if not awake:
        return MODES[Priority.LOAD]
    if len(awake) == 1 and awake[0].is_all_day:
        return MODES[awake[0].priority]
    return TIME_OF_USE
