"""The FusionSolar accounts: which plants each has, and what its server is like."""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..base import Account, World
from ..home import Home
from ..names import Names
from ..physics import HomeSpec
from ..weather import Habits
from . import devices as kinds
from .limits import NEW, OAUTH
from .plant import Device, Facts, HuaweiPlant
from .settings import TO_BATTERY, TOU, Settings, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

_MADRID: dict[str, Any] = {
    "latitude": 40.42,
    "longitude": -3.7,
    "zone": "Europe/Madrid",
}
_ZURICH: dict[str, Any] = {
    "latitude": 47.37,
    "longitude": 8.54,
    "zone": "Europe/Zurich",
}
_VIENNA: dict[str, Any] = {
    "latitude": 48.21,
    "longitude": 16.37,
    "zone": "Europe/Vienna",
}
_GENEVA: dict[str, Any] = {
    "latitude": 46.2,
    "longitude": 6.14,
    "zone": "Europe/Zurich",
}
_WARSAW: dict[str, Any] = {
    "latitude": 52.23,
    "longitude": 21.01,
    "zone": "Europe/Warsaw",
}

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


@dataclass(slots=True, kw_only=True)
class Session:
    """The one online session of an API account."""

    token: str
    until: float


@dataclass(slots=True, kw_only=True)
class HuaweiAccount(Account):
    """An API account, or an owner who allows an app by OAuth.

    `control` grants the control interfaces; `policy` is new, old or oauth;
    `texts` sends numbers as strings where the document's examples do.
    """

    password: str = ""
    control: bool = False
    policy: str = NEW
    texts: bool = False
    string_types: bool = False
    empty_dongles: bool = False
    case_slip: bool = False
    hides_closed: bool = False
    blank_paths: bool = False
    task_seconds: tuple[float, float] = (12.0, 55.0)
    daily_code: int = 20618
    session: Session | None = None
    wrong: deque[float] = field(default_factory=deque)
    locked_until: float = 0.0
    forbidden: set[str] = field(default_factory=set)
    by_code: dict[str, HuaweiPlant] = field(default_factory=dict)
    by_name: dict[str, tuple[HuaweiPlant, Device]] = field(default_factory=dict)

    @property
    def username(self) -> str:
        """Return the name of an API account."""
        return self.fields.get("username", "")

    def index(self) -> None:
        """Make plants and devices findable by what they are called."""
        self.by_code = {plant.id: plant for plant in self.plants}
        self.by_name = {
            name: (plant, device)
            for plant in self.plants
            for device in plant.devices
            for name in (str(device.id), device.dn, device.sn)
            if name
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """A device that a plant has; `number` of them share what the kind does."""

    type_id: int
    name: str
    model: str | None = None
    serial: str | None = None
    number: int = 1
    strings: tuple[float, ...] = ()
    lg: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSpec:
    """A plant: its home, its devices and what the owner has set."""

    home: HomeSpec
    devices: tuple[DeviceSpec, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    soc: float | None = None
    controller: str = "Dongle"
    newer: bool = False
    api_access: bool = True
    sleeps: bool = False
    income: float = 0.081


def _window(start: str, end: str, what: str, repeat: Sequence[int]) -> Window:
    """Return a window of the owner's."""
    return {
        "startTime": start,
        "endTime": end,
        "chargeOrDischarge": what,
        "repeat": list(repeat),
    }


_DONGLE = DeviceSpec(
    type_id=kinds.DONGLE, name="Dongle", model="SDongleA-05", serial="TA######@###"
)
_SENSOR = DeviceSpec(type_id=kinds.SENSOR, name="Meter")
_TWO = (0.58, 0.42)

HOME = PlantSpec(
    home=HomeSpec(
        **_MADRID, seed=61, peak=6200, rated=6000, packs=(10.0,), charge_power=5000,
        discharge_power=5000, floor=5, first_soc=50, history_days=500,
    ),
    devices=(
        _DONGLE,
        DeviceSpec(
            type_id=kinds.RESIDENTIAL, name="Inverter", model="SUN2000-6KTL-L1",
            serial="HV##########", strings=_TWO,
        ),
        DeviceSpec(type_id=kinds.BATTERY, name="Battery"),
        _SENSOR,
    ),
    soc=54,
)  # fmt: skip

EMMA_PLANT = PlantSpec(
    home=HomeSpec(
        **_ZURICH, seed=67, peak=9800, rated=10_000, packs=(14.0,), charge_power=7000,
        discharge_power=7000, floor=8, history_days=300,
        habits=Habits(base=340, evening=1900),
    ),
    devices=(
        DeviceSpec(
            type_id=kinds.EMMA, name="EMMA", model="EMMA-A02", serial="NS##########"
        ),
        DeviceSpec(
            type_id=kinds.RESIDENTIAL, name="Inverter", model="SUN2000-10K-MAP0",
            serial="HV##########", strings=_TWO,
        ),
        DeviceSpec(type_id=kinds.BATTERY, name="LUNA2000", serial="LU##########"),
        DeviceSpec(type_id=kinds.UNKNOWN, name="Charger", serial="CH##########"),
    ),
    settings={"end_of_discharge": 8.0, "charge_w": 7000, "discharge_w": 7000},
    soc=57,
    controller="EMMA",
)  # fmt: skip

LG_PLANT = PlantSpec(
    home=HomeSpec(
        **_ZURICH, seed=71, peak=4800, rated=5000, packs=(9.8,), charge_power=4200,
        discharge_power=4200, floor=10, history_days=240, habits=Habits(base=190),
    ),
    devices=(
        _DONGLE,
        DeviceSpec(
            type_id=kinds.STRING, name="Inverter", model="SUN2000L-5KTL",
            serial="HV##########", strings=(1.0,),
        ),
        DeviceSpec(
            type_id=kinds.BATTERY, name="RESU10H", serial="LG#######@##", lg=True
        ),
        _SENSOR,
    ),
    settings={"end_of_discharge": 10.0, "charge_w": 4200, "discharge_w": 4200},
    soc=63,
)  # fmt: skip

OWNER_PLANT = PlantSpec(
    home=HomeSpec(
        **_GENEVA, seed=73, peak=11_500, rated=12_000, packs=(10.0, 10.0),
        charge_power=10_000, discharge_power=10_000, floor=6, history_days=360,
        habits=Habits(base=380, evening=2100),
    ),
    devices=(
        _DONGLE,
        DeviceSpec(
            type_id=kinds.STRING, name="Inverter", model="SUN2000-6KTL-M1",
            serial="HV##########", number=2, strings=_TWO,
        ),
        DeviceSpec(
            type_id=kinds.BATTERY, name="Battery", number=2, serial="LU##########"
        ),
        _SENSOR,
    ),
    settings={
        "mode": TOU, "surplus": TO_BATTERY, "grid_charge_kw": 4.0,
        "end_of_discharge": 6.0,
        "windows": [
            _window("01:00", "04:30", "charge", EVERY_DAY),
            _window("06:00", "23:59", "discharge", EVERY_DAY),
        ],
    },
    soc=52,
    newer=True,
)  # fmt: skip

COMMERCIAL_PLANT = PlantSpec(
    home=HomeSpec(
        **_VIENNA, seed=79, peak=2_640_000, rated=2_400_000, history_days=60,
        habits=Habits(base=310_000, morning=240_000, evening=120_000, bursts=90_000),
    ),
    devices=(
        DeviceSpec(
            type_id=kinds.SMARTLOGGER, name="SmartLogger", model="SmartLogger3000",
            serial="10##########",
        ),
        DeviceSpec(
            type_id=kinds.STRING, name="INV", model="SUN2000-20KTL-M5",
            serial="6T##########", number=120, strings=(0.26, 0.26, 0.24, 0.24),
        ),
        DeviceSpec(type_id=kinds.GRID_METER, name="Meter", serial="DT########"),
        DeviceSpec(type_id=kinds.EMI, name="EMI", serial="EM########"),
    ),
    controller="SmartLogger",
)  # fmt: skip

CLOSED_PLANT = replace(HOME, api_access=False)

# Every type of the table that no other plant has: a small site without a grid.
SITE_PLANT = PlantSpec(
    home=HomeSpec(
        **_WARSAW,
        seed=83,
        peak=3000,
        rated=3000,
        packs=(15.0,),
        charge_power=3000,
        discharge_power=3000,
        history_days=40,
    ),
    devices=(
        DeviceSpec(type_id=kinds.ESS, name="ESS", serial="ES########"),
        *(
            DeviceSpec(type_id=kind, name=f"Power-M {kind}", serial="PM########")
            for kind in kinds.POWER_M
        ),
    ),
)

# Account -> its plants, how one signs in, and what its server is like.
ACCOUNTS: dict[str, tuple[tuple[PlantSpec, ...], dict[str, Any]]] = {
    "home": ((HOME,), {}),
    "emma": (
        (EMMA_PLANT, LG_PLANT),
        {"control": True, "policy": OAUTH, "texts": True, "case_slip": True},
    ),
    "owner": ((OWNER_PLANT,), {"control": True, "policy": OAUTH}),
}
DORMANT: dict[str, tuple[tuple[PlantSpec, ...], dict[str, Any]]] = {
    "commercial": ((COMMERCIAL_PLANT,), {}),
    "closed": ((CLOSED_PLANT,), {}),
    "site": ((SITE_PLANT,), {"empty_dongles": True}),
    "installer": ((), {}),
}
INSTALLED = 300


def build(world: World, name: str, now: float) -> HuaweiAccount:
    """Return an account with its plants, devices and homes."""
    specs, options = (ACCOUNTS | DORMANT)[name]
    names = Names(world.seed, f"huawei/{name}")
    oauth = options.get("policy") == OAUTH
    account = HuaweiAccount(
        name=name,
        vendor="huawei",
        step="huawei_oauth" if oauth else "huawei_account",
        fields=_oauth_fields(names) if oauth else _account_fields(names),
        **options,
    )
    account.password = account.fields.get("password", "")
    negative = name == "home"
    for spec in specs:
        home = _home(world, spec, now)
        account.plants.append(_plant(world, account, spec, home, names, now, negative))
    if name == "installer":
        account.plants = _installed(world, account, names, now)
    account.index()
    return account


def _account_fields(names: Names) -> dict[str, str]:
    """Return what is typed for an API account."""
    return {
        "host": "",
        "username": names.serial("api_@@@@####").lower(),
        "password": names.serial("@@####@@?#"),
    }


def _oauth_fields(names: Names) -> dict[str, str]:
    """Return what is typed for OAuth Connect."""
    return {
        "host": "",
        "auth_host": "",
        "client_id": names.serial("1########"),
        "client_secret": names.serial("????????????????"),
    }


def _home(world: World, spec: PlantSpec, now: float) -> Home:
    """Return the home of a plant."""
    home = replace(spec.home, seed=spec.home.seed + 1000 * world.weather)
    if world.history_days is not None:
        home = replace(home, history_days=world.history_days)
    return Home(home, now, spec.soc)


def _plant(
    world: World,
    account: HuaweiAccount,
    spec: PlantSpec,
    home: Home,
    names: Names,
    now: float,
    negative: bool = False,
    scale: float = 1.0,
) -> HuaweiPlant:
    """Return a plant on a home."""
    number = names.number(30_000_000, 59_999_999)
    plant = HuaweiPlant(
        f"NE={number}",
        names.plant(),
        home,
        world,
        account.name,
        Facts(
            address=names.address(),
            capacity=round(spec.home.peak * scale / 1000, 2),
            connected=home.created,
            api_access=spec.api_access,
            newer=spec.newer,
        ),
        seed=number % 1000,
        scale=scale,
        steered=scale == 1.0,
        controller=spec.controller,
        sleeps=spec.sleeps,
        tariff=(spec.income, 12.5),
    )
    plant.settings = Settings(**spec.settings)
    plant.settings.windows = [dict(window) for window in plant.settings.windows]
    plant.devices = _devices(spec, names, number, negative=negative)
    if scale == 1.0:
        home.change(now, plant.changed)
    return plant


def _devices(
    spec: PlantSpec, names: Names, number: int, *, negative: bool
) -> list[Device]:
    """Return the devices of a plant; a battery belongs to the inverter beside it."""
    devices: list[Device] = []
    base = 1_000_000_000_000_000 + number * 1000
    for row in spec.devices:
        for n in range(1, row.number + 1):
            index = len(devices) + 1
            ident = -(214_000_000_000_000 + number * 100 + index)
            device = Device(
                id=ident if negative else base + index,
                dn=f"NE={number + 1000 + index}",
                name=f"{row.name}-{n}",
                type_id=row.type_id,
                sn=names.serial(row.serial) if row.serial else None,
                model=row.model,
                share=1 / row.number,
                strings=row.strings,
                lg=row.lg,
                seed=number % 1000 + index,
            )
            if row.type_id in kinds.BATTERIES:
                _house(device, devices, n, spec)
            devices.append(device)
    return devices


def _house(device: Device, devices: list[Device], n: int, spec: PlantSpec) -> None:
    """Put a battery beside its inverter."""
    inverters = [d for d in devices if d.type_id in kinds.INVERTERS]
    if inverters:
        device.inverter = inverters[min(n, len(inverters)) - 1]
    device.number = n if len(inverters) < n else 1
    device.capacity = spec.home.packs[n - 1]


def _installed(
    world: World, account: HuaweiAccount, names: Names, now: float
) -> list[HuaweiPlant]:
    """Return an installer's many plants, on a few homes at several scales."""
    plain = PlantSpec(
        home=HomeSpec(**_WARSAW, seed=89, peak=5000, rated=5000, history_days=30),
        devices=(HOME.devices[0], HOME.devices[1], _SENSOR),
        sleeps=True,
    )
    stored = replace(
        HOME, home=replace(HOME.home, **_VIENNA, seed=97, history_days=30), settings={}
    )
    homes = [(spec, _home(world, spec, now)) for spec in (plain, plain, stored)]
    plants = []
    for n in range(INSTALLED):
        spec, home = homes[n % len(homes)]
        scale = 0.6 + 0.8 * (n + 0.5) / INSTALLED
        plants.append(_plant(world, account, spec, home, names, now, scale=scale))
    return plants
