"""The FoxESS accounts: which plants and inverters each has, and their owners' wishes."""

from dataclasses import dataclass, field, replace
from typing import Any

from ..base import Account, Truth, World
from ..home import Home
from ..names import Names
from ..oauth import Client
from ..physics import HomeSpec
from ..weather import Habits
from . import measurements
from .device import Battery, FoxDevice, Meter
from .models import EVO, H3, KH8, STRING, Model
from .scheduler import Group, defaults

_LONDON: dict[str, Any] = {
    "latitude": 51.48,
    "longitude": -0.02,
    "zone": "Europe/London",
}
_BERLIN: dict[str, Any] = {
    "latitude": 52.52,
    "longitude": 13.4,
    "zone": "Europe/Berlin",
}
_UTRECHT: dict[str, Any] = {
    "latitude": 52.09,
    "longitude": 5.12,
    "zone": "Europe/Amsterdam",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSpec:
    """A plant: an inverter in a home, with its batteries and settings."""

    model: Model
    home: HomeSpec
    soc: float | None = None
    meter: bool = False
    serial: str = "60###@??@######"
    batteries: tuple[int, ...] = ()
    groups: tuple[Group, ...] = ()
    flag: bool = False
    clock_offset: float = 0.0


@dataclass(slots=True, kw_only=True)
class FoxAccount(Account):
    """An account with a key of the open API, and an app that its owner may allow."""

    token: str
    client: Client
    devices: list[FoxDevice] = field(default_factory=list)
    echo: bool = True
    detail: dict[str, int] = field(default_factory=dict)
    variable_table: bool = True
    revoked: set[str] = field(default_factory=set)

    def revoke(self) -> None:
        """Make the key invalid, as a new one does."""
        self.revoked.add(self.token)

    def renew(self, token: str) -> None:
        """Give the account a new key; the old one is not valid any more."""
        self.revoke()
        self.revoked.discard(token)
        self.token = token
        self.fields["api_key"] = token

    def oauth_fields(self) -> dict[str, str]:
        """Return what is typed to sign in with the app instead of the key."""
        return {
            "host": self.fields["host"],
            "client_id": self.client.id,
            "client_secret": self.client.secret,
        }


class FoxPlant:
    """A plant with one inverter."""

    def __init__(
        self, plant_id: str, name: str, address: str, device: FoxDevice
    ) -> None:
        """Name the plant of an inverter."""
        self.id = plant_id
        self.name = name
        self.address = address
        self.device = device
        self.home: Home = device.home

    def listed(self) -> list[dict[str, str]]:
        """Return id and kind of each device."""
        device = self.device
        found = [
            {"id": device.sn, "kind": "inverter", "model": device.model.device_type}
        ]
        for n, battery in enumerate(device.batteries, start=1):
            alias = f"{device.sn}_battery_{n}"
            found.append({"id": battery.serials[0], "kind": "battery", "alias": alias})
        if device.meter:
            found.append({"id": device.meter.sn, "kind": "meter"})
        return [*found, {"id": device.module_sn, "kind": "logger"}]

    def truth(self, at: float) -> Truth:
        """Return the true values; a battery is found by its serial and its number."""
        device = self.device
        truth: Truth = {
            "": measurements.plant(device, at),
            device.sn: measurements.inverter(device, at),
        }
        packs = measurements.batteries(device, device.home.state(at))
        for n, values in enumerate(packs):
            truth[device.batteries[n].serials[0]] = values
            truth[f"{device.sn}_battery_{n + 1}"] = values
        published = self.published(at)
        truth[""]["online"] = device.status(at) != 3
        if not device.asleep(at):
            # Nobody measures what sleeps: that it does nothing is known at any time.
            truth[""]["data_timestamp"] = device.local(published).isoformat()
        return truth

    def energy(self, start: float, end: float) -> dict[str, list[tuple[float, float]]]:
        """Return each counter's growth in kWh for every clock hour.

        An inverter without a battery counts what it gives out, and nothing else.
        """
        found = self.home.energy(start, end)
        if self.device.batteries:
            return found
        return {**found, "pv_energy": found["inverter_energy"]}

    def published(self, at: float) -> float:
        """Return the instant of the newest sample that the cloud shows."""
        return self.device.published(at)

    def schedule(self) -> dict[str, Any]:
        """Return what the inverter holds."""
        return {self.device.sn: self.device.held()}


def _group(
    mode: str, start: tuple[int, int], end: tuple[int, int], **given: Any
) -> Group:
    """Return an owner's time segment."""
    return {
        "enable": 1,
        "startHour": start[0],
        "startMinute": start[1],
        "endHour": end[0],
        "endMinute": end[1],
        "workMode": mode,
        **given,
    }


KH_PLANT = PlantSpec(
    model=KH8,
    home=HomeSpec(
        **_LONDON, peak=7600, rated=8000, packs=(10.36,), charge_power=6600,
        discharge_power=6600, floor=15, history_days=760,
    ),
    soc=52,
    serial="60KE8######@###",
    batteries=(4,),
    flag=True,
    clock_offset=37.0,
    groups=(
        _group("ForceCharge", (2, 0), (4, 29), fdPwr=3000, fdSoc=60, maxSoc=60),
        _group("SelfUse", (16, 30), (18, 59), minSocOnGrid=25, fdSoc=25),
        _group("ForceDischarge", (12, 0), (12, 59), fdPwr=2000, fdSoc=40, enable=0),
    ),
)  # fmt: skip

STRING_PLANT = PlantSpec(
    model=STRING,
    home=HomeSpec(
        **_LONDON, seed=23, peak=3100, rated=3000, history_days=400,
        habits=Habits(base=180, evening=900),
    ),
    serial="60S3@?##?######",
)  # fmt: skip

H3_PLANT = PlantSpec(
    model=H3,
    home=HomeSpec(
        **_BERLIN, seed=31, peak=11_200, rated=10_000, packs=(11.52, 8.64),
        charge_power=10_000, discharge_power=10_000, history_days=420,
        habits=Habits(base=420, evening=2200),
    ),
    soc=58,
    meter=True,
    serial="60BH1##?##?####",
    batteries=(4, 3),
    groups=(
        _group("Backup", (0, 0), (5, 59), minSocOnGrid=30, fdSoc=30),
        _group("ForceDischarge", (18, 0), (19, 59), fdPwr=3500, fdSoc=35),
    ),
)  # fmt: skip

EVO_PLANT = PlantSpec(
    model=EVO,
    home=HomeSpec(
        **_UTRECHT, seed=47, peak=5400, rated=5000, packs=(10.24,),
        charge_power=5000, discharge_power=5000, floor=10, history_days=240,
        habits=Habits(base=210, morning=700),
    ),
    soc=47,
    serial="5YB0##?##?#####",
    batteries=(2,),
)  # fmt: skip

OAUTH_PLANT = PlantSpec(
    model=KH8,
    home=HomeSpec(
        **_LONDON, seed=59, peak=6400, rated=8000, packs=(10.36,), charge_power=6600,
        discharge_power=6600, history_days=300, habits=Habits(base=260, evening=1600),
    ),
    soc=61,
    serial="60KE8######@###",
    batteries=(4,),
)  # fmt: skip

# Account -> its plants, and what its server is like.
ACCOUNTS: dict[str, tuple[tuple[PlantSpec, ...], dict[str, Any]]] = {
    "kh": ((KH_PLANT, STRING_PLANT), {"echo": False}),
    "h3": ((H3_PLANT,), {}),
    "evo": ((EVO_PLANT,), {"variable_table": False}),
    "oauth": ((OAUTH_PLANT,), {"step": "foxess_oauth"}),
}


def build(world: World, name: str, now: float) -> FoxAccount:
    """Return an account with its plants, devices and homes."""
    specs, options = ACCOUNTS[name]
    names = Names(world.seed, f"foxess/{name}")
    token = names.uuid()
    app = Names(world.seed, f"foxess/{name}/app")
    account = FoxAccount(
        name=name,
        vendor="foxess",
        fields={"host": "", "api_key": token},
        token=token,
        client=Client(id=app.uuid(), secret=app.uuid(), account=name),
        **{"step": "foxess_key"} | options,
    )
    if account.step == "foxess_oauth":
        account.fields = account.oauth_fields()
    for spec in specs:
        device = _device(world, spec, names, now)
        device.account = name
        account.devices.append(device)
        account.plants.append(
            FoxPlant(names.uuid(), names.plant(), names.address(), device)
        )
    return account


def _device(world: World, spec: PlantSpec, names: Names, now: float) -> FoxDevice:
    """Return an inverter in its home."""
    home_spec = replace(spec.home, seed=spec.home.seed + 1000 * world.weather)
    if world.history_days is not None:
        home_spec = replace(home_spec, history_days=world.history_days)
    device = FoxDevice(
        sn=names.serial(spec.serial),
        module_sn=names.serial("609W?##?######?"),
        model=spec.model,
        home=Home(home_spec, now, spec.soc),
        world=world,
        seed=home_spec.seed,
    )
    for packs, capacity in zip(spec.batteries, home_spec.packs, strict=True):
        serials = [names.serial("60EP?#@######??") for _ in range(packs + 1)]
        device.batteries.append(Battery(serials, capacity))
    if spec.meter:
        device.meter = Meter(names.serial("60GW#?########"), home_spec.rated)
    base = defaults(spec.model) if spec.groups else {}
    device.groups = [base | group for group in spec.groups]
    device.flag = spec.flag
    device.clock_offset = spec.clock_offset
    # The warm-up was lived without the owner's settings; from now they count.
    device.home.change(now, device.changed)
    return device
