"""The Enphase accounts: owners, their systems, and the applications they use."""

from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import Any

from ..base import Account, World
from ..home import Home
from ..names import Names
from ..physics import HomeSpec
from ..weather import Habits
from .plans import OLD_WATT, PLANS, App, Group
from .system import Contact, Micro, Settings, System

_LONDON: dict[str, Any] = {
    "latitude": 51.45, "longitude": -2.59, "zone": "Europe/London", "efficiency": 1.0,
}  # fmt: skip
_UTRECHT: dict[str, Any] = {
    "latitude": 52.09, "longitude": 5.12, "zone": "Europe/Amsterdam", "efficiency": 1.0,
}  # fmt: skip
_LYON: dict[str, Any] = {
    "latitude": 45.76, "longitude": 4.84, "zone": "Europe/Paris", "efficiency": 1.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSpec:
    """A system: what is on the roof and in the cellar of a home."""

    home: HomeSpec
    micros: int
    soc: float | None = None
    metered: bool = False
    connection: str = "ethernet"
    # Dry contacts: name and mode.
    contacts: tuple[tuple[str, str], ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    object_power: bool = True


@dataclass(slots=True, kw_only=True)
class EnphaseAccount(Account):
    """An owner who signs in through an application; `others` are other ways in."""

    app: App
    old_app: App
    user_id: str
    number: int
    others: dict[str, dict[str, str]] = field(default_factory=dict)
    # Whether the owner lets the application see the consumption.
    consumption: bool = True
    revoked: bool = False

    def revoke(self) -> None:
        """Make the key of version 2 invalid."""
        self.revoked = True


PV_ONLY = SystemSpec(
    home=HomeSpec(
        **_LONDON, seed=61, peak=13_800, rated=15_400, history_days=700,
        habits=Habits(base=300),
    ),
    micros=40,
    object_power=False,
)  # fmt: skip

METERED = SystemSpec(
    home=HomeSpec(
        **_UTRECHT, seed=67, peak=5200, rated=5500, history_days=500,
        habits=Habits(base=240, evening=1300),
    ),
    micros=14,
    metered=True,
)  # fmt: skip

BATTERIES = SystemSpec(
    home=HomeSpec(
        **_UTRECHT, seed=71, peak=8300, rated=20_000, packs=(5.0, 5.0), soh=1.0,
        charge_power=7680, discharge_power=7680, round_trip=0.9, floor=20,
        history_days=420,
    ),
    micros=22,
    soc=56,
    metered=True,
)  # fmt: skip

STEERED = SystemSpec(
    home=HomeSpec(
        **_LYON, seed=73, peak=6900, rated=20_000, packs=(5.0, 5.0), soh=1.0,
        charge_power=7680, discharge_power=7680, round_trip=0.9, floor=15,
        history_days=300, habits=Habits(base=310, morning=600),
    ),
    micros=18,
    soc=49,
    metered=True,
    contacts=(("NC1", "Manual_always_powered"), ("NC2", "Basic")),
    settings={
        "reserve_soc": 15, "charge_from_grid": "enabled", "storm_guard_status": "disabled",
    },
)  # fmt: skip

CELLULAR = SystemSpec(
    home=HomeSpec(
        **_LONDON, seed=79, peak=3900, rated=4200, history_days=350,
        habits=Habits(base=190),
    ),
    micros=10,
    connection="cellular",
)  # fmt: skip

# Account -> the way in it is shown with, its plan, its systems.
ACCOUNTS: dict[str, tuple[str, str, tuple[SystemSpec, ...]]] = {
    "legacy": ("enphase_v2", "watt", (PV_ONLY, METERED)),
    "watt": ("enphase_v4", "watt", (BATTERIES,)),
    "mega": ("enphase_v4", "megawatt", (STEERED,)),
    "cellular": ("enphase_v4", "watt", (CELLULAR,)),
}


def encoded(number: int) -> str:
    """Return a user's number as version 2 writes it."""
    return b64encode(f"{number}".encode()).hex() + "0a"


def build(world: World, name: str, now: float) -> EnphaseAccount:
    """Return an account with its systems."""
    step, plan, specs = ACCOUNTS[name]
    realm = "old" if step == "enphase_v2" else name
    names = Names(world.seed, f"enphase/{realm}")
    app = App(
        key=names.uuid().replace("-", ""),
        plan=PLANS[plan],
        client_id=names.uuid().replace("-", ""),
        client_secret=names.uuid().replace("-", ""),
    )
    old_app = App(key=names.uuid().replace("-", ""), plan=OLD_WATT)
    number = names.number(1_000_000, 9_999_999)
    ways = {
        "enphase_v2": {"host": "", "api_key": old_app.key, "user_id": encoded(number)},
        "enphase_v4": {
            "host": "",
            "plan": plan,
            "api_key": app.key,
            "client_id": app.client_id,
            "client_secret": app.client_secret,
        },
    }
    account = EnphaseAccount(
        name=name,
        vendor="enphase",
        step=step,
        fields=ways.pop(step),
        others=ways,
        app=app,
        old_app=old_app,
        user_id=encoded(number),
        number=number,
    )
    account.control = step == "enphase_v4" and Group.CONFIGURATION in app.plan.groups
    for spec in specs:
        found = _system(world, spec, names, now, name)
        found.tells_mode = account.control
        account.plants.append(found)
    return account


def _system(
    world: World, spec: SystemSpec, names: Names, now: float, account: str
) -> System:
    """Return a system in its home."""
    home = replace(spec.home, seed=spec.home.seed + 1000 * world.weather)
    if world.history_days is not None:
        home = replace(home, history_days=world.history_days)
    gateway = names.serial("1219########")
    weights = [1 + names.number(-12, 12) / 100 for _ in range(spec.micros)]
    system = System(
        id=str(names.number(1_000_000, 9_999_999)),
        name=names.plant(),
        home=Home(home, now, spec.soc),
        world=world,
        account=account,
        address={
            "city": "Elmstead", "state": "EL", "country": "GB", "postal_code": "EM1 2EM"
        },
        connection=spec.connection,
        gateway=gateway,
        micros=[
            Micro(
                id=names.number(10**9, 10**9 + 10**8),
                serial=names.serial("4822########"),
                share=weight / sum(weights),
            )
            for weight in weights
        ],
        batteries=[names.serial("4922########") for _ in spec.home.packs],
        contacts=[
            Contact(name=row, load_name=f"Load {row}", mode=mode)
            for row, mode in spec.contacts
        ],
        settings=Settings(**spec.settings),
        reference=names.serial("10#######"),
        phase=float(names.number(40, 200)),
        object_power=spec.object_power,
    )  # fmt: skip
    if spec.metered:
        system.production_meter = f"{gateway}EIM1"
        system.consumption_meter = f"{gateway}EIM2"
        system.retired_meter = names.serial("1218########EIM1")
    if system.batteries:
        system.storage_meter = f"{gateway}EIM4"
        system.home.change(now, system.steer)
    return system
