"""The parts of a plant that measure, and what is so at an instant."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..physics import Flows, HomeSpec
from ..weather import smooth

if TYPE_CHECKING:
    from .channels import Channel


@dataclass(slots=True, kw_only=True)
class Part:
    """A plant, component or tracker: its share of the sun, and its channels."""

    seed: int
    share: float = 1.0
    index: int = 0
    efficiency: float = 0.97
    peak: float = 1.0
    channels: dict[str, Channel] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Tracker(Part):
    """An MPP tracker; its id changes with each epoch."""

    ids: list[str]


@dataclass(slots=True, kw_only=True)
class Component(Part):
    """A component: its id changes with each epoch, `cross_id` stays for its life."""

    cross_id: str
    ids: list[str]
    type: str
    kind: str
    name: str
    classes: tuple[str, ...]
    trackers: list[Tracker] = field(default_factory=list)
    first_epoch: int = 0
    last_epoch: int | None = None

    def lives_in(self, epoch: int) -> bool:
        """Say whether the component belongs to an epoch."""
        last = self.last_epoch
        return self.first_epoch <= epoch and (last is None or epoch <= last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A home at an instant; `today` is the energy in kWh since local midnight."""

    at: float
    flow: Flows
    soc: float
    today: dict[str, float]
    spec: HomeSpec
    height: float

    def noise(self, part: Part, n: int) -> float:
        """Return slow noise between -1 and 1."""
        return 2 * smooth(part.seed + n, self.at / 900) - 1
