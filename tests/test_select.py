"""The battery's mode, from the device's own list."""

import pytest

from homeassistant.const import STATE_UNKNOWN
from homeassistant.exceptions import ServiceValidationError

from tests.common import Home


@pytest.mark.parametrize(
    ("name", "modes"),
    [
        (
            "kh",
            {
                "feed_in_priority": "Feedin",
                "peak_shaving": "PeakShaving",
                "self_consumption": "SelfUse",
            },
        ),
        ("evo", {"backup": "Backup", "feed_in_priority": "Feedin"}),
    ],
)
async def test_modes_are_set_and_confirmed(
    home: Home, name: str, modes: dict[str, str]
) -> None:
    """The owner's schedule is off only while the mode is written."""
    await home.set_up(name)
    device = home.sim.plant(name).device
    before = device.flag
    for mode, theirs in modes.items():
        await home.do("select", "select_option", device.sn, "battery_mode", option=mode)
        assert home.done("setting WorkMode")[-1] == theirs
        assert home.value(device.sn, "battery_mode") == mode
        assert home.outcomes("battery_mode")[-1] == ("confirmed", "read_back")
        assert device.flag is before


async def test_only_the_devices_own_modes_are_offered(home: Home) -> None:
    """A mode that we do not know is shown as unknown."""
    await home.set_up("kh")
    device = home.sim.plant("kh").device
    state = home.state(device.sn, "battery_mode")
    assert set(state.attributes["options"]) == {
        "peak_shaving",
        "feed_in_priority",
        "self_consumption",
    }
    with pytest.raises(ServiceValidationError):
        await home.do("select", "select_option", device.sn, "battery_mode", option="x")
    device.settings["WorkMode"] = "MasterLink"
    await home.pass_time(minutes=61)
    assert home.value(device.sn, "battery_mode") == STATE_UNKNOWN
