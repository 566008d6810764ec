"""Constants of Solar Cloud."""

from datetime import timedelta
import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "solar_cloud"
LOGGER = logging.getLogger(__package__)

PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]

CONF_VENDOR: Final = "vendor"
CONF_WAY: Final = "way"
CONF_CREDENTIALS: Final = "credentials"
CONF_PLANT_IDS: Final = "plant_ids"
CONF_HOST: Final = "host"
CONF_REDIRECT_URI: Final = "redirect_uri"
CONF_CODE: Final = "code"
CONF_TOKEN: Final = "token"
CONF_RENAMED: Final = "renamed_plants"

CONF_CONTROL: Final = "control"
CONF_PLANTS: Final = "plants"
CONF_INVERT_METER: Final = "invert_meter"
CONF_HISTORY_START: Final = "history_start"
CONF_WRITES_PER_DAY: Final = "writes_per_day"
CONF_ENERGY_DASHBOARD: Final = "energy_dashboard"

EVENT_COMMAND: Final = "solar_cloud_command"

HEARTBEAT: Final = timedelta(minutes=1)
ANSWER_WITHIN: Final = 30.0

DEFAULT_MINUTES: Final = 60
LONGEST_RUN: Final = 24 * 60 - 1
DEFAULT_DISCHARGE_TARGET: Final = 10
