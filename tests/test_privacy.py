"""No secret, serial number, name or place leaves the house."""

import logging
from pathlib import Path

import pytest

from tests.common import COMPONENT, Home
from tests.test_diagnostics import secrets_of


@pytest.mark.parametrize("name", ["kh", "evo"])
async def test_the_debug_log_of_a_session_names_nobody(
    home: Home, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With faults, commands, a restart and a revoked key."""
    account = await home.set_up(name)
    plant = home.sim.plant(name)
    for fault in (
        {"kind": "html"},
        {"kind": "errno", "errno": 41200},
        {"kind": "drop_after"},
        {"kind": "garbage"},
        {"kind": "null_result"},
    ):
        home.sim.fault(**fault)
        await account.async_refresh()
        home.sim.clear_faults()
    await home.set_number(plant.device.sn, "min_soc", 12)
    await home.act("force_charge", plant.id, duration=10)
    home.sim.fault("status", status=503)
    await home.pass_time(minutes=12)
    await home.skip(minutes=5)
    home.sim.clear_faults()
    home.sim.account(name).revoke()
    await home.pass_time(minutes=6)
    ours = [
        row
        for row in caplog.records
        if row.name.startswith("custom_components.solar_cloud")
    ]
    assert len(ours) > 20
    handler = logging.Formatter("%(message)s")
    text = "\n".join(handler.format(row) for row in ours)
    for secret in (*secrets_of(home, name), "51.5", home.sim.url("foxess")):
        assert secret not in text, secret


def test_tls_is_always_verified() -> None:
    """Nothing in the code turns it off."""
    for path in Path(COMPONENT).rglob("*.py"):
        source = path.read_text()
        for word in ("ssl=False", "verify_ssl", "check_hostname", "CERT_NONE"):
            assert word not in source, (path.name, word)
