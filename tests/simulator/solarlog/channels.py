"""What channels there are: name, unit, and how a plant, component or tracker measures it.

Names that no document gives (battery, phases, self-sufficiency) are drawn in each run.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ..names import Names
from .parts import Part, Sample

FEED_TARIFF = 0.08
COVERED_TARIFF = 0.31

type Measure = Callable[[Part, Sample], float]
type Energies = Mapping[str, float]
type Meter = Callable[[Part, Energies], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel; `counted` gives Wh (or money) out of the kWh of a span of time."""

    name: str
    unit: str
    measured: Measure | None = None
    counted: Meter | None = None
    digits: int = 0
    advanced: bool = False
    key: str = ""

    def value(self, part: Part, sample: Sample) -> float:
        """Return what a part measures; counters count from local midnight."""
        if self.counted is not None:
            return self.counted(part, sample.today)
        assert self.measured is not None
        return self.measured(part, sample)

    def rounded(self, value: float, step: int) -> float:
        """Return a value as the cloud tells it; counters of Wh in steps."""
        if self.unit == "Wh":
            return int(value // step) * step
        number = round(value, self.digits)
        return number if self.digits else int(number)


def _production(part: Part, sample: Sample) -> float:
    """Return the AC production in W."""
    return sample.flow.pv * sample.spec.efficiency * part.share


def _produced(part: Part, energies: Energies) -> float:
    """Return the AC production in Wh."""
    return energies["pv_energy"] * part.efficiency * part.share * 1000


def _direct(part: Part, sample: Sample) -> float:
    """Return the DC power in W."""
    return sample.flow.pv * part.share


def _dc_volts(part: Part, sample: Sample) -> float:
    """Return the voltage of a tracker."""
    return 560 - 22 * part.index + 9 * sample.noise(part, 1) if sample.flow.pv else 0.0


def _dc_amps(part: Part, sample: Sample) -> float:
    """Return the current of a tracker."""
    volts = _dc_volts(part, sample)
    return _direct(part, sample) / volts if volts else 0.0


def _ac_volts(part: Part, sample: Sample) -> float:
    """Return the voltage at a part's terminals."""
    return 232 + 4 * sample.noise(part, 2)


def _phase_volts(n: int) -> Measure:
    """Return what measures the voltage of a phase."""
    return lambda part, sample: 231 + n + 3 * sample.noise(part, 2 + n)


PHASES = {"One": 0.46, "Two": 0.31, "Three": 0.23}


def _covered(energies: Energies) -> float:
    """Return the consumption in kWh that the plant itself has covered."""
    return energies["load_energy"] - energies["grid_import_energy"]


def _ambient(part: Part, sample: Sample) -> float:
    """Return the temperature of the air."""
    return 9 + sample.height / 5 + 3 * sample.noise(part, 8)


def _sun(part: Part, sample: Sample) -> float:
    """Return the irradiance in the modules' plane in W/m²."""
    return 1000 * sample.flow.pv / sample.spec.peak


PLANT: tuple[Channel, ...] = (
    Channel(name="ProdPac", unit="W", measured=_production, key="pv_power"),
    Channel(name="ProdEtotal", unit="Wh", counted=_produced, key="pv_energy_today"),
    Channel(
        name="ProdPacNorm",
        unit="W/kWp",
        measured=lambda p, s: _production(p, s) / s.spec.peak * 1000,
        digits=2,
    ),
    Channel(
        name="ProdPacFeed",
        unit="W",
        measured=lambda _, s: max(0.0, -s.flow.grid),
    ),
    Channel(
        name="ProdEtotalFeed",
        unit="Wh",
        counted=lambda _, e: e["grid_export_energy"] * 1000,
        key="grid_export_energy_today",
    ),
    Channel(
        name="ConsPac", unit="W", measured=lambda _, s: s.flow.load, key="load_power"
    ),
    Channel(
        name="ConsEtotal",
        unit="Wh",
        counted=lambda _, e: e["load_energy"] * 1000,
        key="load_energy_today",
    ),
    Channel(name="ConsEtotalCov", unit="Wh", counted=lambda _, e: _covered(e) * 1000),
    Channel(
        name="ProdEtotalFinancialYield",
        unit="EUR",
        counted=lambda _, e: (
            e["grid_export_energy"] * FEED_TARIFF + _covered(e) * COVERED_TARIFF
        ),
        digits=2,
        advanced=True,
    ),
    Channel(
        name="ProdEtotalFeedFinancialYield",
        unit="EUR",
        counted=lambda _, e: e["grid_export_energy"] * FEED_TARIFF,
        digits=2,
        advanced=True,
    ),
    Channel(
        name="ConsEtotalCovFinancialYield",
        unit="EUR",
        counted=lambda _, e: _covered(e) * COVERED_TARIFF,
        digits=2,
        advanced=True,
    ),
    Channel(name="TechAv", unit="%", measured=lambda *_: 100.0, advanced=True),
)

INVERTER: tuple[Channel, ...] = (
    Channel(name="ProdPac", unit="W", measured=_production, key="inverter_power"),
    Channel(
        name="ProdEtotal", unit="Wh", counted=_produced, key="inverter_energy_today"
    ),
    Channel(name="ProdPdc", unit="W", measured=_direct, key="pv_power"),
    Channel(name="ProdUac", unit="V", measured=_ac_volts, key="grid_voltage_1"),
    Channel(
        name="ProdIac",
        unit="A",
        measured=lambda p, s: _production(p, s) / _ac_volts(p, s),
        digits=1,
        key="grid_current_1",
    ),
    Channel(
        name="Temp",
        unit="°C",
        measured=lambda p, s: (
            _ambient(p, s) + 9 + 20 * _direct(p, s) / s.spec.rated / p.share
        ),
        digits=1,
        key="inverter_temperature",
    ),
    Channel(name="TechAv", unit="%", measured=lambda *_: 100.0),
)

TRACKER: tuple[Channel, ...] = (
    Channel(name="ProdPdc", unit="W", measured=_direct, key="string_power_{n}"),
    Channel(
        name="ProdPdcNorm",
        unit="W/kWp",
        measured=lambda p, s: _direct(p, s) / (s.spec.peak * p.share) * 1000,
        digits=2,
        key="prod_pdc_norm_{n}",
    ),
    Channel(name="ProdUdc", unit="V", measured=_dc_volts, key="string_voltage_{n}"),
    Channel(
        name="ProdIdc",
        unit="A",
        measured=_dc_amps,
        digits=1,
        key="string_current_{n}",
    ),
)

METER: tuple[Channel, ...] = (
    Channel(
        name="ConsPac", unit="W", measured=lambda _, s: s.flow.load, key="load_power"
    ),
    Channel(
        name="ConsEtotal",
        unit="Wh",
        counted=lambda _, e: e["load_energy"] * 1000,
        key="load_energy_today",
    ),
    *(
        Channel(
            name=f"ConsUacPhase{word}",
            unit="V",
            measured=_phase_volts(n),
            key=f"grid_voltage_{n}",
        )
        for n, word in enumerate(PHASES, start=1)
    ),
)

SENSOR: tuple[Channel, ...] = (
    Channel(name="Irradiation", unit="W/m²", measured=_sun, key="irradiance"),
    Channel(
        name="Insolation",
        unit="Wh/m²",
        counted=lambda p, e: e["pv_energy"] / p.peak * 1_000_000,
        key="irradiation_today",
    ),
    Channel(
        name="TempModule",
        unit="°C",
        measured=lambda p, s: _ambient(p, s) + _sun(p, s) / 40,
        digits=1,
        key="module_temperature",
    ),
    Channel(
        name="TempAmbient",
        unit="°C",
        measured=_ambient,
        digits=1,
        key="ambient_temperature",
    ),
    Channel(
        name="WindVelocity",
        unit="m/s",
        measured=lambda p, s: 3 + 2.5 * s.noise(p, 9),
        digits=2,
        key="wind_speed",
    ),
)

# Drawn: what it is, unit, and how it is measured.
_BATTERY: tuple[Channel, ...] = (
    Channel(name="Soc", unit="%", measured=lambda _, s: s.soc),
    Channel(name="Charge", unit="W", measured=lambda _, s: max(0.0, -s.flow.battery)),
    Channel(name="Discharge", unit="W", measured=lambda _, s: max(0.0, s.flow.battery)),
    Channel(
        name="Echarge",
        unit="Wh",
        counted=lambda _, e: e["battery_charge_energy"] * 1000,
    ),
    Channel(
        name="Edischarge",
        unit="Wh",
        counted=lambda _, e: e["battery_discharge_energy"] * 1000,
    ),
)


def _phase_power(share: float) -> Measure:
    """Return what measures the power of a phase."""
    return lambda _, s: s.flow.load * share


def _phase_current(share: float, n: int) -> Measure:
    """Return what measures the current of a phase."""
    volts = _phase_volts(n)
    return lambda p, s: s.flow.load * share / volts(p, s)


_PHASES: tuple[Channel, ...] = tuple(
    channel
    for n, (word, share) in enumerate(PHASES.items(), start=1)
    for channel in (
        Channel(name=f"PacPhase{word}", unit="W", measured=_phase_power(share)),
        Channel(
            name=f"IacPhase{word}",
            unit="A",
            measured=_phase_current(share, n),
            digits=1,
        ),
        Channel(name=f"QacPhase{word}", unit="var", measured=lambda *_: 0.0),
    )
)
_COSINE = Channel(name="CosPhi", unit="", measured=lambda *_: 1.0, digits=2)


def _self_sufficiency(_: Part, sample: Sample) -> float:
    """Return the share of the load in % that comes from the plant itself."""
    load = sample.flow.load
    return 100 * (load - max(0.0, sample.flow.grid)) / load if load else 100.0


_SUFFICIENCY = Channel(name="", unit="%", measured=_self_sufficiency, advanced=True)

_SYLLABLES = ("Ba", "Lo", "Mi", "Ne", "Ru", "Sa", "Te", "Vo", "Xa", "Zu")


def _word(names: Names) -> str:
    """Return a word that no document holds."""
    first, second = (names.number(0, len(_SYLLABLES) - 1) for _ in range(2))
    return _SYLLABLES[first] + _SYLLABLES[second].lower() + "n"


def _drawn(names: Names, prefix: str, rows: Iterable[Channel]) -> tuple[Channel, ...]:
    """Return channels whose names a prefix, a word and the kind make up."""
    head = prefix + _word(names)
    return tuple(replace(row, name=f"{head}{row.name}") for row in rows)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The channels of an account whose names are drawn."""

    battery: tuple[Channel, ...]
    phases: tuple[Channel, ...]
    sufficiency: Channel

    @classmethod
    def draw(cls, names: Names) -> Drawn:
        """Draw the names."""
        return cls(
            _drawn(names, "Bat", _BATTERY),
            _drawn(names, "Cons", (*_PHASES, _COSINE)),
            replace(_SUFFICIENCY, name=f"Kpi{_word(names)}"),
        )
