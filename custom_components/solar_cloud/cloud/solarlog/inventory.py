"""What a plant holds: components with the channels that they list, and MPP trackers."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from ..model import Device, DeviceKind
from ..values import number, text
from .channels import kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """An MPP tracker; its id is another in each epoch, its number stays."""

    id: str
    index: int
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component; `id` is the one that stays over epochs. Hidden ones have no kind."""

    id: str
    name: str | None
    kind: DeviceKind | None
    channels: tuple[str, ...]
    trackers: tuple[Tracker, ...] = ()

    def as_device(self, plant: str) -> Device:
        """Return the component as a device of its plant."""
        assert self.kind
        return Device(id=self.id, plant=plant, kind=self.kind, name=self.name)


@dataclass(slots=True, kw_only=True)
class Inventory:
    """The components of a plant, as they were listed last."""

    components: tuple[Component, ...] = ()

    @property
    def shown(self) -> list[Component]:
        """Return what may be a device."""
        return [row for row in self.components if row.kind]

    @property
    def names(self) -> frozenset[str]:
        """Return the channels that anything lists."""
        return frozenset(name for row in self.components for name in row.channels)

    @property
    def trackers(self) -> dict[str, tuple[str, Tracker]]:
        """Return the trackers by their ids, with the inverter that they belong to."""
        return {
            tracker.id: (row.id, tracker)
            for row in self.shown
            for tracker in row.trackers
        }

    def as_list(self) -> list[dict[str, Any]]:
        """Return a form that JSON can hold."""
        return [asdict(row) for row in self.components]

    @classmethod
    def from_list(cls, stored: Iterable[Mapping[str, Any]]) -> Self:
        """Return what `as_list` wrote."""
        return cls(
            components=tuple(
                Component(
                    id=row["id"],
                    name=row["name"],
                    kind=DeviceKind(row["kind"]) if row["kind"] else None,
                    channels=tuple(row["channels"]),
                    trackers=tuple(
                        Tracker(
                            id=one["id"],
                            index=one["index"],
                            channels=tuple(one["channels"]),
                        )
                        for one in row["trackers"]
                    ),
                )
                for row in stored
            )
        )

    @classmethod
    def read(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """Return what a list of components told."""
        found: dict[str, Component] = {}
        for row in rows:
            own = text(row.get("crossEpochId")) or text(row.get("id"))
            if own is None:
                continue
            found[own] = Component(
                id=own,
                name=text(row.get("name")),
                kind=kind_of(row),
                channels=_names(row.get("visualizationChannels")),
                trackers=tuple(_trackers(row.get("mpptrackers"))),
            )
        return cls(components=tuple(found.values()))


def _trackers(listed: Any) -> Iterable[Tracker]:
    for place, row in enumerate(listed if isinstance(listed, list) else (), start=1):
        if not isinstance(row, Mapping) or (own := text(row.get("id"))) is None:
            continue
        told = number(row.get("trackerindex"))
        yield Tracker(
            id=own,
            index=place if told is None else int(told),
            channels=_names(row.get("visualizationChannels")),
        )


def _names(listed: Any) -> tuple[str, ...]:
    """Return names of channels, whether they are listed as they are or as objects."""
    if not isinstance(listed, list):
        return ()
    told = [row.get("name") if isinstance(row, Mapping) else row for row in listed]
    return tuple(dict.fromkeys(name for row in told if (name := text(row))))
