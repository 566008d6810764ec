"""The Solar-Log accounts: packages, plants, and what is mounted in each."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..base import Account, World
from ..home import Home
from ..names import Names
from ..physics import HomeSpec
from ..weather import Habits
from .channels import INVERTER, METER, PLANT, SENSOR, TRACKER, Channel, Drawn
from .parts import Component, Tracker
from .plant import SolarPlant

_BERN: dict[str, Any] = {"latitude": 46.95, "longitude": 7.45, "zone": "Europe/Zurich"}
_ULM: dict[str, Any] = {"latitude": 48.4, "longitude": 9.99, "zone": "Europe/Berlin"}
_LISBON: dict[str, Any] = {
    "latitude": 38.72,
    "longitude": -9.14,
    "zone": "Europe/Lisbon",
}

SOLAR_LOG = "Solar-Log Base 15"
EPOCHS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSpec:
    """A plant: trackers of each inverter, and what else is mounted."""

    home: HomeSpec
    inverters: tuple[int, ...]
    battery: bool = False
    meter: bool = True
    sensor: bool = False
    reconfigured: bool = False
    step: int = 1


@dataclass(slots=True, kw_only=True)
class SolarAccount(Account):
    """An account with a client of the User API."""

    portal: str
    client_id: str
    secret: str
    advanced: bool
    drawn: Drawn
    fleet: str
    token_life: int = 300
    # What a client gets for what its package does not hold: "forbidden" or "nothing".
    refusal: str = "forbidden"
    # What it gets for channels that nobody knows: "left_out" or "bad_request".
    unknown: str = "left_out"
    # HTTP status of the list of plants; the vendor has it out of order for a while.
    list_status: int = 200
    # A quota that no document names: calls, and the seconds that they are for.
    quota: tuple[int, float] | None = None
    revoked: bool = False
    tokens: dict[str, float] = field(default_factory=dict)

    def revoke(self) -> None:
        """Make the client invalid, and the tokens that it got."""
        self.revoked = True
        self.tokens.clear()

    def renew(self, secret: str) -> None:
        """Give the client a new secret."""
        self.revoked = False
        self.secret = secret
        self.fields["client_secret"] = secret
        self.tokens.clear()


MAIN = PlantSpec(
    home=HomeSpec(
        **_BERN, seed=61, peak=14_800, rated=13_500, packs=(12.8,), charge_power=6000,
        discharge_power=6000, history_days=760, habits=Habits(base=380, evening=2100),
    ),
    inverters=(2, 2),
    battery=True,
    sensor=True,
)  # fmt: skip

RECONFIGURED = PlantSpec(
    home=HomeSpec(
        **_ULM, seed=67, peak=9200, rated=9000, history_days=500,
        habits=Habits(base=240, evening=1300),
    ),
    inverters=(2, 1),
    reconfigured=True,
)  # fmt: skip

SMALL = PlantSpec(
    home=HomeSpec(
        **_LISBON, seed=71, peak=6100, rated=6000, history_days=420,
        habits=Habits(base=200, evening=1100),
    ),
    inverters=(2,),
    step=100,
)  # fmt: skip

STORED = PlantSpec(
    home=HomeSpec(
        **_ULM, seed=73, peak=8300, rated=8000, packs=(9.6,), history_days=300,
        habits=Habits(base=300, evening=1500),
    ),
    inverters=(2,),
    battery=True,
)  # fmt: skip

# Account -> package, its plants, and what its cloud is like.
ACCOUNTS: dict[str, tuple[bool, tuple[PlantSpec, ...], dict[str, Any]]] = {
    "advanced": (True, (MAIN, RECONFIGURED), {}),
    "basic": (False, (SMALL,), {"list_status": 500, "token_life": 1800}),
    "basic_battery": (False, (STORED,), {"refusal": "nothing"}),
}


def build(world: World, name: str, now: float) -> SolarAccount:
    """Return an account with its plants and homes."""
    advanced, specs, options = ACCOUNTS[name]
    names = Names(world.seed, f"solarlog/{name}")
    client_id, secret = names.uuid(), names.serial("????????????????????????????????")
    portal = names.serial("@@@@@@@@").lower()
    account = SolarAccount(
        name=name,
        vendor="solarlog",
        step="solarlog",
        fields={
            "host": "",
            "auth_host": "",
            "portal": portal,
            "client_id": client_id,
            "client_secret": secret,
        },
        portal=portal,
        client_id=client_id,
        secret=secret,
        advanced=advanced,
        drawn=Drawn.draw(names),
        fleet=names.uuid(),
        **options,
    )
    stamps = ("instant", "short")[names.number(0, 1)]
    live = bool(names.number(0, 1))
    for spec in specs:
        plant = _plant(world, account, spec, names, now)
        plant.details |= {"stamps": stamps, "live": live}
        account.plants.append(plant)
    if account.list_status != 200:
        account.fields["plant_id"] = account.plants[0].id
    return account


def _plant(
    world: World, account: SolarAccount, spec: PlantSpec, names: Names, now: float
) -> SolarPlant:
    """Return a plant in its home."""
    home_spec = replace(spec.home, seed=spec.home.seed + 1000 * world.weather)
    if world.history_days is not None:
        home_spec = replace(home_spec, history_days=world.history_days)
    plant = SolarPlant(
        plant_id=names.uuid(),
        datasource=names.uuid(),
        name=names.plant(),
        home=Home(home_spec, now),
        world=world,
        account=account.name,
        seed=home_spec.seed,
    )
    plant.advanced = account.advanced
    plant.step = spec.step
    plant.details = {
        "street": names.address(),
        "identifier": names.serial("##########"),
        "owner": names.plant().split()[0],
        "address_id": names.uuid(),
        "contact_id": names.uuid(),
        "field_ids": [names.uuid() for _ in range(8)],
        "firmware": f"6.{names.number(0, 3)}.0 Build {names.number(150, 199)}",
    }
    rows = [*PLANT, *(account.drawn.battery if spec.battery else ())]
    rows += [account.drawn.sufficiency]
    plant.part.channels = _table(rows)
    _mount(plant, account, spec, names)
    if spec.reconfigured:
        _reconfigure(plant, names, now)
    return plant


def _table(rows: Iterable[Channel]) -> dict[str, Channel]:
    """Return channels by their names."""
    return {row.name: row for row in rows}


def _component(
    plant: SolarPlant,
    names: Names,
    *,
    kind: str,
    type_: str,
    name: str,
    classes: tuple[str, ...],
    rows: Iterable[Channel],
    share: float = 1.0,
) -> Component:
    """Mount a component; it has an id for each epoch to come."""
    number = len(plant.components) + 1
    component = Component(
        seed=plant.seed + 100 * number,
        share=share,
        index=number,
        efficiency=plant.home.spec.efficiency,
        peak=plant.home.spec.peak,
        channels=_table(rows),
        cross_id=names.uuid(),
        ids=[names.uuid() for _ in range(EPOCHS)],
        type=type_,
        kind=kind,
        name=name,
        classes=classes,
    )
    plant.components.append(component)
    return component


def _inverter(
    plant: SolarPlant, names: Names, share: float, trackers: int
) -> Component:
    """Mount an inverter with its trackers."""
    number = len(plant.components) + 1
    inverter = _component(
        plant,
        names,
        kind="inverter",
        type_="Inverter",
        name=f"WR {number} {names.serial('@@-##')}",
        classes=("production",),
        rows=INVERTER,
        share=share,
    )
    parts = [0.6, 0.4] if trackers == 2 else [1.0]
    for n, part in enumerate(parts, start=1):
        tracker = Tracker(
            seed=inverter.seed + 10 * n,
            share=share * part,
            index=n,
            channels=_table(TRACKER),
            ids=[names.uuid() for _ in range(EPOCHS)],
        )
        inverter.trackers.append(tracker)
    return inverter


def _mount(
    plant: SolarPlant, account: SolarAccount, spec: PlantSpec, names: Names
) -> None:
    """Mount what a plant has."""
    shares = {1: (1.0,), 2: (0.55, 0.45)}[len(spec.inverters)]
    for share, trackers in zip(shares, spec.inverters, strict=True):
        _inverter(plant, names, share, trackers)
    drawn = account.drawn
    if spec.meter:
        rows = [*METER, *(drawn.phases if spec.sensor else ())]
        _component(
            plant, names, kind="meter", type_="Meter", name="Verbrauch",
            classes=("consumption", "meter"), rows=rows,
        )  # fmt: skip
    if spec.battery:
        _component(
            plant, names, kind="battery", type_="Battery", name="Speicher",
            classes=("battery",), rows=drawn.battery,
        )  # fmt: skip
    if spec.sensor:
        _component(
            plant, names, kind="sensor", type_="Sensor", name="Sensor Dach",
            classes=("sensors",), rows=SENSOR,
        )  # fmt: skip
    _component(
        plant, names, kind="logger", type_="SolarLogIntern", name=SOLAR_LOG,
        classes=("hidden", "intern"), rows=(drawn.sufficiency,),
    )  # fmt: skip


def _reconfigure(plant: SolarPlant, names: Names, now: float) -> None:
    """Replace the second inverter in the middle of the month, before and after now."""
    local = plant.local(now)
    middle = datetime(local.year, local.month, 15, tzinfo=UTC)
    if middle.timestamp() > now:
        middle = (middle - timedelta(days=28)).replace(day=15)
    coming = (middle + timedelta(days=31)).replace(day=15)
    plant.epochs += [plant.midnight(middle.date()), plant.midnight(coming.date())]
    old = plant.components[1]
    old.last_epoch = 0
    new = _inverter(plant, names, old.share, len(old.trackers))
    new.first_epoch = 1
