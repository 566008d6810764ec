"""The Growatt accounts: which plants and devices each has, and their owners' wishes."""

from dataclasses import dataclass, field, replace
from typing import Any

from ..base import Account, World
from ..home import Home
from ..names import Names
from ..physics import ENERGIES, HomeSpec
from ..weather import Habits
from .device import Datalogger, GrowattDevice, GrowattPlant
from .models import (
    MAX_10,
    MIN_X,
    MIN_XH,
    OLD_INVERTER,
    OLD_THREE_PHASE,
    SP3000,
    SPA_3000,
    SPH,
    Model,
)

_BERLIN: dict[str, Any] = {
    "latitude": 52.52,
    "longitude": 13.4,
    "zone": "Europe/Berlin",
}
_LISBON: dict[str, Any] = {
    "latitude": 38.72,
    "longitude": -9.14,
    "zone": "Europe/Lisbon",
}
_PHOENIX: dict[str, Any] = {
    "latitude": 33.45,
    "longitude": -112.07,
    "zone": "America/Phoenix",
}

_SUN = ("pv_power", "pv_energy")
_AC = ("inverter_power", "inverter_energy")
_HOUSE = (
    "load_power", "grid_power", "load_energy", "grid_import_energy",
    "grid_export_energy",
)  # fmt: skip
_BATTERY = (
    "battery_power", "battery_soc", "battery_charge_energy", "battery_discharge_energy",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSpec:
    """A plant: a home, and each device with its share of the sun."""

    home: HomeSpec
    devices: tuple[tuple[Model, float, str], ...]
    keys: tuple[str, ...]
    soc: float | None = None
    meter: bool = False
    environment: bool = False
    place: tuple[str, str] = ("Germany", "Berlin")
    clock_offset: float = 0.0
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class GrowattAccount(Account):
    """An account with a token of the open API, in one region."""

    token: str
    web_token: str
    region: str = "eu"
    remote: bool = False
    user_name: str = ""
    user_id: int = 0
    users: list[GrowattAccount] = field(default_factory=list)
    unbound: bool = False
    revoked: set[str] = field(default_factory=set)

    @property
    def devices(self) -> list[GrowattDevice]:
        """Return the devices of all plants."""
        return [device for plant in self.plants for device in plant.devices]

    def revoke(self) -> None:
        """Make the token invalid, as a new one does."""
        self.revoked.add(self.token)

    def renew(self, token: str) -> None:
        """Give the account a new token; the old one is not valid any more."""
        self.revoke()
        self.revoked.discard(token)
        self.token = token
        self.fields["token"] = token


def _keys(*groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return the plant's keys, with today's energies."""
    keys = [key for group in groups for key in group]
    return (*keys, *(f"{key}_today" for key in keys if key in ENERGIES))


STORAGE_PLANT = PlantSpec(
    home=HomeSpec(
        **_BERLIN, seed=61, peak=6400, rated=6000, efficiency=1.0, packs=(2.6, 2.2),
        charge_power=3000, discharge_power=3000, floor=6, history_days=520,
        habits=Habits(base=310, evening=1300),
    ),
    soc=48,
    devices=((OLD_INVERTER, 0.45, "LCB17#####"), (SP3000, 0.55, "JZB67####B")),
    keys=_keys(_SUN, _HOUSE, _BATTERY),
)  # fmt: skip

OLD_PLANT = PlantSpec(
    home=HomeSpec(
        **_BERLIN, seed=67, peak=5200, rated=5000, history_days=760,
        habits=Habits(base=190),
    ),
    devices=((OLD_THREE_PHASE, 1.0, "SASF81####"),),
    keys=_keys(_AC, _SUN),
)  # fmt: skip

MIN_PLANT = PlantSpec(
    home=HomeSpec(
        **_LISBON, seed=71, peak=6100, rated=5000, packs=(7.68,), charge_power=4500,
        discharge_power=4500, floor=12, history_days=420, habits=Habits(base=280),
    ),
    soc=54,
    devices=((MIN_XH, 1.0, "BNE9A####D"),),
    keys=_keys(_SUN, _AC, _HOUSE, _BATTERY),
    meter=True,
    place=("Portugal", "Lisbon"),
    clock_offset=41.0,
    settings={
        "acChargeEnable": "1", "chargePowerCommand": "70",
        "time1Mode": "1", "forcedTimeStart1": "2:0", "forcedTimeStop1": "4:30",
        "forcedStopSwitch1": "1",
        "time2Mode": "2", "forcedTimeStart2": "19:0", "forcedTimeStop2": "20:15",
        "forcedStopSwitch2": "0",
    },
)  # fmt: skip

NO_METER_PLANT = PlantSpec(
    home=HomeSpec(
        **_LISBON, seed=73, peak=3200, rated=3000, history_days=300,
        habits=Habits(base=150),
    ),
    devices=((MIN_X, 1.0, "TSS1B####X"),),
    keys=_keys(_SUN, _AC),
    place=("Portugal", "Lisbon"),
)  # fmt: skip

SPH_PLANT = PlantSpec(
    home=HomeSpec(
        **_PHOENIX, seed=79, peak=6600, rated=6000, packs=(6.55,), charge_power=3000,
        discharge_power=3000, floor=14, history_days=365,
        habits=Habits(base=340, evening=1700),
    ),
    soc=57,
    devices=((SPH, 1.0, "SARN7#####"),),
    keys=_keys(_SUN, _AC, _HOUSE, _BATTERY),
    place=("United States", "Phoenix"),
    clock_offset=-23.0,
    settings={
        "acChargeEnable": "1",
        "forcedChargeTimeStart1": "1:0", "forcedChargeTimeStop1": "3:30",
        "forcedChargeStopSwitch1": "1",
        "forcedDischargeTimeStart1": "18:0", "forcedDischargeTimeStop1": "19:0",
        "forcedDischargeStopSwitch1": "0",
    },
)  # fmt: skip

SPA_PLANT = PlantSpec(
    home=HomeSpec(
        **_LISBON, seed=83, peak=10_400, rated=13_000, efficiency=1.0, packs=(9.6,),
        charge_power=3000, discharge_power=3000, floor=14, history_days=330,
        habits=Habits(base=450, evening=1900),
    ),
    soc=95,
    devices=((SPA_3000, 0.0, "BKE4A#####"), (MAX_10, 1.0, "TLMAX#####")),
    keys=_keys(_SUN, _HOUSE, _BATTERY),
    meter=True,
    environment=True,
    place=("Portugal", "Lisbon"),
    settings={"wdisChargeSOCLowLimit2": "14"},
)  # fmt: skip


def _end_user(number: int) -> PlantSpec:
    """Return the plant of an installer's end user."""
    home = replace(
        OLD_PLANT.home, seed=90 + number, history_days=30, peak=4000.0 + 300 * number
    )
    return replace(OLD_PLANT, home=home)


# Account -> its plants, and what its server is like.
ACCOUNTS: dict[str, tuple[tuple[PlantSpec, ...], dict[str, Any]]] = {
    "old": ((STORAGE_PLANT, OLD_PLANT), {}),
    "min": ((MIN_PLANT, NO_METER_PLANT), {}),
    "sph": ((SPH_PLANT,), {"region": "us", "remote": True}),
    "spa": ((SPA_PLANT,), {}),
}

# Accounts that are not listed: no plants, and those of others.
OTHERS: dict[str, tuple[tuple[PlantSpec, ...], dict[str, Any]]] = {
    "unbound": ((), {}),
    "installer": ((), {}),
}
END_USERS = 2


def build(
    world: World,
    name: str,
    now: float,
    specs: tuple[PlantSpec, ...],
    options: dict[str, Any],
) -> GrowattAccount:
    """Return an account with its plants, devices and homes."""
    names = Names(world.seed, f"growatt/{name}")
    token = names.serial("?" * 32).lower()
    account = GrowattAccount(
        name=name,
        vendor="growatt",
        step="growatt",
        fields={"host": "", "token": token},
        token=token,
        web_token=names.serial("?" * 32).lower(),
        user_id=names.number(10_000, 99_999),
        user_name=names.serial("@@@@####").lower(),
        **options,
    )
    for spec in specs:
        account.plants.append(_plant(world, account, spec, names, now))
    return account


def build_others(world: World, now: float) -> dict[str, GrowattAccount]:
    """Return the accounts that are not listed."""
    found = {name: build(world, name, now, *OTHERS[name]) for name in OTHERS}
    for n in range(1, END_USERS + 1):
        user = build(world, f"user{n}", now, (_end_user(n),), {})
        found[user.name] = user
        found["installer"].users.append(user)
    return found


def _plant(
    world: World, account: GrowattAccount, spec: PlantSpec, names: Names, now: float
) -> GrowattPlant:
    """Return a plant with its home."""
    home_spec = replace(spec.home, seed=spec.home.seed + 1000 * world.weather)
    if world.history_days is not None:
        home_spec = replace(home_spec, history_days=world.history_days)
    logger = Datalogger(
        sn=names.serial("CRAZ@#####"),
        meter=1 if spec.meter else None,
        environment=2 if spec.environment else None,
    )
    devices = [
        GrowattDevice(
            names.serial(serial), names.number(1000, 999_999), model, logger, share
        )
        for model, share, serial in spec.devices
    ]
    plant = GrowattPlant(
        id=str(names.number(100_000, 9_999_999)),
        name=names.plant(),
        user_id=account.user_id,
        account=account.name,
        world=world,
        home=Home(home_spec, now, spec.soc),
        devices=devices,
        loggers=[logger],
        truth_keys=spec.keys,
        country=spec.place[0],
        city=spec.place[1],
    )
    for device in devices:
        if device.model.battery:
            device.settings |= spec.settings
        device.clock_offset = spec.clock_offset
    # The warm-up was lived without the owner's settings; from now they count.
    plant.home.change(now, lambda: None)
    return plant
