"""The calls of both versions, as tables: path, plan's group, and how a span is asked for.

Version 2 as in "DefaultApi" of its document; version 4 as in the vendor's own pages.
"""

from dataclasses import dataclass
from enum import StrEnum, auto

OLD, NEW = "/api/v2", "/api/v4"


class Group(StrEnum):
    """A group of calls that a plan of version 4 has or has not ("access control")."""

    DETAILS = auto()
    PRODUCTION = auto()
    CONSUMPTION = auto()
    DEVICE = auto()
    STREAMING = auto()
    CONFIGURATION = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One call: `path` with {system} and {serial}; `method` is GET unless it writes."""

    path: str
    group: Group = Group.DETAILS
    method: str = "GET"


def _old(name: str) -> Endpoint:
    return Endpoint(path=f"{OLD}/systems{name}")


def _new(name: str, group: Group = Group.DETAILS, method: str = "GET") -> Endpoint:
    return Endpoint(path=f"{NEW}/systems{name}", group=group, method=method)


OLD_SYSTEMS = _old("")
OLD_SUMMARY = _old("/{system}/summary")
OLD_STATS = _old("/{system}/stats")
OLD_RGM_STATS = _old("/{system}/rgm_stats")
OLD_CONSUMPTION_STATS = _old("/{system}/consumption_stats")
OLD_ENERGY_LIFETIME = _old("/{system}/energy_lifetime")
OLD_CONSUMPTION_LIFETIME = _old("/{system}/consumption_lifetime")
OLD_MONTHLY_PRODUCTION = _old("/{system}/monthly_production")
OLD_PRODUCTION_READINGS = _old("/{system}/production_meter_readings")
OLD_ENVOYS = _old("/{system}/envoys")
OLD_INVENTORY = _old("/{system}/inventory")
OLD_INVERTERS = _old("/inverters_summary_by_envoy_or_site")
OLD_SEARCH = _old("/search_system_id")

SYSTEMS = _new("")
SYSTEM = _new("/{system}")
SUMMARY = _new("/{system}/summary")
DEVICES = _new("/{system}/devices")
RETRIEVE = _new("/retrieve_system_id")
INVERTERS = _new("/inverters_summary_by_envoy_or_site")
EVENT_TYPES = _new("/event_types")
EVENTS = _new("/{system}/events")
ALARMS = _new("/{system}/alarms")
OPEN_EVENTS = _new("/{system}/open_events")
OPEN_ALARMS = _new("/{system}/open_alarms")

PRODUCTION_READINGS = _new("/{system}/production_meter_readings", Group.PRODUCTION)
RGM_STATS = _new("/{system}/rgm_stats", Group.PRODUCTION)
ENERGY_LIFETIME = _new("/{system}/energy_lifetime", Group.PRODUCTION)
PRODUCTION_MICRO = _new("/{system}/telemetry/production_micro", Group.PRODUCTION)
PRODUCTION_METER = _new("/{system}/telemetry/production_meter", Group.PRODUCTION)

CONSUMPTION_READINGS = _new("/{system}/consumption_meter_readings", Group.CONSUMPTION)
STORAGE_READINGS = _new("/{system}/storage_meter_readings", Group.CONSUMPTION)
CONSUMPTION_LIFETIME = _new("/{system}/consumption_lifetime", Group.CONSUMPTION)
BATTERY_LIFETIME = _new("/{system}/battery_lifetime", Group.CONSUMPTION)
IMPORT_LIFETIME = _new("/{system}/energy_import_lifetime", Group.CONSUMPTION)
EXPORT_LIFETIME = _new("/{system}/energy_export_lifetime", Group.CONSUMPTION)
BATTERY = _new("/{system}/telemetry/battery", Group.CONSUMPTION)
CONSUMPTION_METER = _new("/{system}/telemetry/consumption_meter", Group.CONSUMPTION)
IMPORT = _new("/{system}/energy_import_telemetry", Group.CONSUMPTION)
EXPORT = _new("/{system}/energy_export_telemetry", Group.CONSUMPTION)
LATEST = _new("/{system}/latest_telemetry", Group.CONSUMPTION)

ALL_MICROS = _new("/{system}/devices/micros/telemetry", Group.DEVICE)
ONE_MICRO = _new("/{system}/devices/micros/{serial}/telemetry", Group.DEVICE)
ONE_BATTERY = _new("/{system}/devices/encharges/{serial}/telemetry", Group.DEVICE)

LIVE = _new("/{system}/live_data", Group.STREAMING)

READ_BATTERY = _new("/config/{system}/battery_settings", Group.CONFIGURATION)
READ_STORM = _new("/config/{system}/storm_guard", Group.CONFIGURATION)
READ_GRID = _new("/config/{system}/grid_status", Group.CONFIGURATION)
READ_LOADS = _new("/config/{system}/load_control", Group.CONFIGURATION)
WRITE_BATTERY = _new("/config/{system}/battery_settings", Group.CONFIGURATION, "PUT")
WRITE_STORM = _new("/config/{system}/storm_guard", Group.CONFIGURATION, "PUT")
WRITE_LOADS = _new("/config/{system}/load_control", Group.CONFIGURATION, "PUT")

# What everybody who is signed in may ask.
LISTS = (OLD_SYSTEMS, SYSTEMS)
