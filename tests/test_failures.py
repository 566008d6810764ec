"""Nothing a cloud can do escapes: every fault of the simulator on every feed."""

import asyncio
import logging
from typing import Any

import pytest

from homeassistant.config_entries import ConfigEntryState

from tests.common import Home
from tests.simulator.faults import KINDS

FEEDS = {
    "devices": ("*/plant/list", "*/plant/detail", "*/device/list", "*/device/detail"),
    "loggers": ("*/module/list", "*/gw/list"),
    "realtime": ("*/real/query",),
    "settings": ("*/setting/get", "*/scheduler/*", "*/peakShaving/get", "*/time/get"),
    "totals": ("*/report/query",),
    "faults": ("*/fault/*",),
    "allowance": ("*/getAccessCount",),
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "delay": {"seconds": 0.01},
    "status": {"status": 500},
    "errno": {"errno": 99999},
    "value": {"variable": "SoC", "value": "-"},
    "missing": {"variable": "SoC"},
    "done_late": {"seconds": 5},
    "device_fault": {"code": 4137, "message": "Grid lost"},
    "vendor_correction": {"variable": "generation", "delta": -3},
}
# Those that end a poll by time, and those that start reauthentication on purpose.
SLOW, SIGNED_OUT = "timeout", "refused_token"
SWEPT = sorted(set(KINDS) - {SLOW, SIGNED_OUT})


@pytest.mark.parametrize("kind", SWEPT)
async def test_a_fault_on_any_feed_is_survived(
    home: Home, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The other feeds stay alive, nothing is signed out, and all is well afterwards."""
    account = await home.set_up("evo")
    plant = home.sim.plant("evo")
    args: dict[str, Any] = {"kind": kind, **ARGUMENTS.get(kind, {})}
    if kind == "device_gone":
        args["device"] = plant.device.sn
    for endpoints in FEEDS.values():
        for endpoint in endpoints:
            home.sim.fault(**args, endpoint=endpoint)
        await home.press(plant.id, "refresh")
        home.sim.clear_faults()
        assert home.entry.state is ConfigEntryState.LOADED
    assert not home.hass.config_entries.flow.async_progress()
    await home.pass_time(minutes=7)
    await home.press(plant.id, "refresh")
    assert home.value(plant.id, "connection_status") == "ok"
    assert float(home.value(plant.id, "pv_energy")) > 0
    assert all(feed.error is None for feed in account.feeds.values())
    assert not home.unavailable()


@pytest.mark.parametrize(
    ("args", "retry"),
    [
        ({"kind": "errno", "errno": 40402}, 900),
        ({"kind": "errno", "errno": 40400}, 3),
        ({"kind": "errno", "errno": 41811}, 30),
        ({"kind": "status", "status": 429}, 3),
        ({"kind": "status", "status": 403}, 30),
    ],
)
async def test_a_limit_or_a_missing_right_signs_nobody_out(
    home: Home, args: dict[str, Any], retry: float
) -> None:
    """Told once, it is not a wrong key."""
    account = await home.set_up("evo")
    plant = home.sim.plant("evo")
    home.sim.fault(**args, endpoint="*/real/query", count=1)
    calls = home.asked("real/query")
    await home.pass_time(
        minutes=7, until=lambda: account.feeds["realtime"].error is not None
    )
    assert not home.hass.config_entries.flow.async_progress()
    assert home.asked("real/query") == calls + 1
    await home.pass_time(seconds=retry - 2)
    assert home.asked("real/query") == calls + 1
    await home.pass_time(minutes=7)
    assert home.value(plant.id, "connection_status") == "ok"


async def test_a_right_that_stays_missing_asks_to_sign_in(home: Home) -> None:
    """After some attempts it is not a mistake of the vendor's any more."""
    await home.set_up("evo")
    home.sim.fault("errno", errno=41811, endpoint="*/real/query")
    await home.pass_time(minutes=15)
    (flow,) = home.hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"
    assert home.value(home.sim.plant("evo").id, "connection_status") == "auth_failed"


async def test_a_revoked_key_asks_to_sign_in(home: Home) -> None:
    """Once, and not another call is made with it."""
    await home.set_up("evo")
    home.sim.account("evo").revoke()
    await home.pass_time(minutes=40)
    (flow,) = home.hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"
    assert len(home.refused()) <= 4


async def test_one_feed_that_fails_leaves_the_others_alive(home: Home) -> None:
    """Values stay with their age; the feed is tried less and less often."""
    account = await home.set_up("evo")
    plant = home.sim.plant("evo")
    home.sim.fault("html", endpoint="*/report/query")
    await home.pass_time(minutes=45)
    assert account.feeds["totals"].error
    assert not account.feeds["totals"].last_update_success
    assert account.feeds["realtime"].last_update_success
    assert home.value(plant.id, "connection_status") == "ok"
    assert float(home.value(plant.id, "pv_energy_today")) > 0
    calls = home.asked("report/query")
    await home.pass_time(minutes=15)
    assert 2 <= home.asked("report/query") - calls <= 4


async def test_trouble_is_logged_once_down_and_once_up(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Not with every poll."""
    await home.set_up("evo")
    home.sim.fault("status", status=503, endpoint="*/real/query")
    await home.pass_time(minutes=40)
    home.sim.clear_faults()
    await home.pass_time(minutes=6)
    rows = [
        row
        for row in caplog.records
        if row.name.startswith("custom_components") and row.levelno >= logging.INFO
    ]
    assert [row.levelname for row in rows] == ["ERROR", "INFO"]
    assert "realtime" in rows[0].getMessage()
    assert "recovered" in rows[1].getMessage()


async def test_a_cloud_that_hangs_is_survived(home: Home) -> None:
    """The request is given up after half a minute."""
    account = await home.set_up("evo")
    home.sim.fault("timeout", endpoint="*/real/query")
    calls = home.asked("real/query")
    refreshing = asyncio.create_task(account.feeds["realtime"].async_poll_now())
    while home.asked("real/query") == calls:
        await asyncio.sleep(0.001)
    home.time.tick(31)
    await refreshing
    assert account.feeds["realtime"].error
    home.sim.clear_faults()
    await home.pass_time(minutes=6)
    assert account.feeds["realtime"].error is None


@pytest.mark.parametrize("kind", ["html", "garbage", "strings", "null_result"])
async def test_odd_answers_at_set_up_never_break_it(home: Home, kind: str) -> None:
    """The entry waits, or does with what it got."""
    home.sim.fault(kind)
    home.add_entry("evo")
    await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    loaded = ConfigEntryState.LOADED if kind == "strings" else None
    assert home.entry.state is (loaded or ConfigEntryState.SETUP_RETRY)


async def test_malformed_values_are_an_unexpected_answer(home: Home) -> None:
    """A parser that stumbles is the cloud's fault, not a traceback."""
    account = await home.set_up("evo")

    def odd(*_: Any, **__: Any) -> None:
        raise KeyError("datas")

    account.vendor.poll = odd
    await account.feeds["realtime"].async_poll_now()
    assert account.feeds["realtime"].error.key == "unexpected_answer"
