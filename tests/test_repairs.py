"""Repairs: what only the owner can put right."""

from custom_components.solar_cloud.const import DOMAIN
from custom_components.solar_cloud.repairs import async_create_fix_flow
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from tests.common import Home, filled, texts


def clocks(home: Home) -> list[ir.IssueEntry]:
    """Return the issues about clocks."""
    found = ir.async_get(home.hass).issues.values()
    return [row for row in found if row.domain == DOMAIN]


async def test_a_wrong_clock_is_told_and_put_right(home: Home) -> None:
    """The issue goes away once the clock is right."""
    device = home.sim.plant("kh").device
    device.clock_offset = 900
    await home.set_up("kh")
    (issue,) = clocks(home)
    assert (issue.translation_key, issue.is_fixable) == ("clock_drift", True)
    words = texts()["issues"]["clock_drift"]
    plant = home.sim.plant("kh").name
    assert plant in filled(words["title"], issue.translation_placeholders)
    step = words["fix_flow"]["step"]["confirm"]
    assert "15 min" in filled(step["description"], issue.translation_placeholders)

    flow = await async_create_fix_flow(home.hass, issue.issue_id, issue.data)
    flow.hass, flow.issue_id, flow.data = home.hass, issue.issue_id, issue.data
    flow.handler = DOMAIN
    result = await flow.async_step_init()
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "confirm")
    result = await flow.async_step_confirm({})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()
    assert abs(device.clock_offset) < 3
    assert not clocks(home)


async def test_a_clock_is_told_where_nothing_may_be_set(home: Home) -> None:
    """Without control the owner has to do it."""
    home.sim.plant("kh").device.clock_offset = -600
    await home.set_up("kh", control=False)
    (issue,) = clocks(home)
    assert (issue.translation_key, issue.is_fixable) == ("clock_drift_told", False)
    words = texts()["issues"]["clock_drift_told"]["description"]
    assert "-10 min" in filled(words, issue.translation_placeholders)


async def test_a_fix_after_the_entry_is_gone_does_nothing(home: Home) -> None:
    """There is nothing left to be set."""
    home.sim.plant("kh").device.clock_offset = 900
    await home.set_up("kh")
    (issue,) = clocks(home)
    flow = await async_create_fix_flow(home.hass, issue.issue_id, issue.data)
    flow.hass, flow.handler = home.hass, DOMAIN
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    result = await flow.async_step_confirm({})
    assert result["reason"] == "not_running"
    assert not home.done("clock")


async def test_a_fix_while_the_entry_is_unloaded_does_nothing(home: Home) -> None:
    """Nor does it fail."""
    home.sim.plant("kh").device.clock_offset = 900
    await home.set_up("kh")
    (issue,) = clocks(home)
    flow = await async_create_fix_flow(home.hass, issue.issue_id, issue.data)
    flow.hass, flow.handler = home.hass, DOMAIN
    await home.unload()
    result = await flow.async_step_confirm({})
    assert result["type"] is FlowResultType.ABORT
    assert texts()["issues"]["clock_drift"]["fix_flow"]["abort"][result["reason"]]


async def test_a_clock_that_cannot_be_set_is_told(home: Home) -> None:
    """The flow ends with a reason, and the issue stays."""
    device = home.sim.plant("kh").device
    device.clock_offset = 900
    await home.set_up("kh")
    (issue,) = clocks(home)
    home.sim.fault("errno", endpoint="*/time/set", errno=42023)
    flow = await async_create_fix_flow(home.hass, issue.issue_id, issue.data)
    flow.hass, flow.handler = home.hass, DOMAIN
    result = await flow.async_step_confirm({})
    assert result["type"] is FlowResultType.ABORT
    assert texts()["issues"]["clock_drift"]["fix_flow"]["abort"][result["reason"]]
    assert clocks(home)
