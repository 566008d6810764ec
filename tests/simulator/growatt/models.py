"""The device families of the API: their names on the wire, and the models in the homes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How a family of devices is called on the wire."""

    name: str
    type: int
    serial: str
    batch: str
    set_path: str
    read_path: str
    set_serial: str
    params: int
    dtype: int
    strict: bool = False


INVERTER = Family(
    name="inverter", type=1, serial="device_sn", batch="inverters",
    set_path="/v1/inverterSet", read_path="/v1/readInverterParam",
    set_serial="device_sn", params=2, dtype=16,
)  # fmt: skip
STORAGE = Family(
    name="storage", type=2, serial="storage_sn", batch="storages",
    set_path="/v1/storageSet", read_path="/v1/readStorageParam",
    set_serial="storage_sn", params=4, dtype=96,
)  # fmt: skip
MAX = Family(
    name="max", type=4, serial="max_sn", batch="maxs",
    set_path="/v1/maxSet", read_path="/v1/readMaxParam",
    set_serial="max_sn", params=2, dtype=18,
)  # fmt: skip
MIX = Family(
    name="mix", type=5, serial="mix_sn", batch="mixs",
    set_path="/v1/mixSet", read_path="/v1/readMixParam",
    set_serial="mix_sn", params=18, dtype=17,
)  # fmt: skip
SPA = Family(
    name="spa", type=6, serial="spa_sn", batch="spas",
    set_path="/v1/spaSet", read_path="/v1/readSpaParam",
    set_serial="spa_sn", params=18, dtype=19,
)  # fmt: skip
TLX = Family(
    name="tlx", type=7, serial="tlx_sn", batch="tlxs",
    set_path="/v1/tlxSet", read_path="/v1/readMinParam",
    set_serial="tlx_sn", params=19, dtype=22, strict=True,
)  # fmt: skip

FAMILIES = (INVERTER, STORAGE, MAX, MIX, SPA, TLX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model: W, V, and the shares of its strings in its own sun."""

    family: Family
    name: str
    text: str
    rated: float
    strings: tuple[float, ...] = ()
    phases: int = 1
    metered: bool = False
    battery: bool = False
    battery_volts: float = 0.0
    second_battery: bool = False
    hard_floor: float = 0.0


OLD_INVERTER = Model(
    family=INVERTER, name="Growatt 3000 S", text="A0B0D0T0PFU1M3S1",
    rated=3000, strings=(1.0,),
)  # fmt: skip
OLD_THREE_PHASE = Model(
    family=INVERTER, name="Growatt 5000 UE", text="A0B0D0T0PFU1M5S2",
    rated=5000, strings=(0.55, 0.45), phases=3,
)  # fmt: skip
SP3000 = Model(
    family=STORAGE, name="SP3000", text="A0B0D1T2P3U0M0S0",
    rated=3000, strings=(0.6, 0.4), metered=True, battery=True,
    battery_volts=50, second_battery=True,
)  # fmt: skip
MIN_XH = Model(
    family=TLX, name="MIN 5000TL-XH", text="S25B03D00T00P0FU01M0032",
    rated=5000, strings=(0.55, 0.45), metered=True, battery=True,
    battery_volts=400, hard_floor=10,
)  # fmt: skip
MIN_X = Model(
    family=TLX, name="MIN 3000TL-X", text="S01B00D00T00P0FU01M001E",
    rated=3000, strings=(1.0,),
)  # fmt: skip
SPH = Model(
    family=MIX, name="SPH 6000", text="A0B1D0T0PFU2M7S0",
    rated=6000, strings=(0.6, 0.4), metered=True, battery=True, battery_volts=52,
)  # fmt: skip
SPA_3000 = Model(
    family=SPA, name="SPA 3000", text="A0B0D0T4P7U2M2S1",
    rated=3000, metered=True, battery=True, battery_volts=52,
)  # fmt: skip
MAX_10 = Model(
    family=MAX, name="MAX 10KTL3", text="A0B0D0T0PFU1M8S1",
    rated=10_000, strings=(0.35, 0.35, 0.3), phases=3,
)  # fmt: skip
