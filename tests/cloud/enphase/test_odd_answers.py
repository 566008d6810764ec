"""Answers that differ from the document, as the living service gives them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Reason
from custom_components.solar_cloud.cloud.enphase import (
    endpoints as on,
    listing,
    live,
    micros,
    series,
)
from custom_components.solar_cloud.cloud.enphase.client import NotInPlan, encoded
from custom_components.solar_cloud.cloud.enphase.errors import words
from custom_components.solar_cloud.cloud.enphase.listing import System
from custom_components.solar_cloud.cloud.errors import (
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    DeviceGone,
    DeviceOffline,
    NoPlants,
    NotSupported,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)

from .stub import (
    MIDNIGHT,
    QUARTER,
    SYSTEM,
    Later,
    Page,
    Stub,
    devices,
    intervals,
    latest,
    listed,
)

DAY = 86_400


# --- lists -----------------------------------------------------------------------------


async def test_totals_of_minus_one_say_nothing(stub: Stub) -> None:
    """The list's totals are -1 since 2023; ratings come from the summary."""
    snapshot = await stub.vendor.poll("systems")
    assert snapshot.plants[SYSTEM].peak_power_kw == 5
    assert snapshot.plants[SYSTEM].created == "2026-05-08"
    assert set(snapshot.readings[SYSTEM]) == {"plant_health", "problem"}


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("normal", {"plant_health": "healthy", "problem": False}),
        ("comm", {"plant_health": "disconnected", "problem": True}),
        ("encharge_issue", {"plant_health": "faulty", "problem": True}),
        ("something_new", {"plant_health": "faulty", "problem": True}),
        ("retired", {}),
        (None, {}),
    ],
)
async def test_states_of_systems_are_open(
    stub: Stub, status: str | None, found: dict[str, Any]
) -> None:
    """A state that nobody has documented is a fault; none says nothing."""
    stub.answers["/systems"] = listed(status=status)
    assert await stub.values("systems") == found


async def test_odd_devices(stub: Stub) -> None:
    """`active` may be a word, a meter switched off or retired, a gateway never heard of."""
    stub.answers["/devices"] = devices(
        meters=[
            {"id": 1, "serial_number": "p1", "config_type": "Production"},
            {"id": 2, "serial_number": "c1", "state": "disabled", "config_type": "Net",
             "last_report_at": None},
        ],
        encharges=[
            {"id": 4, "serial_number": "b1", "active": "true"},
            {"id": 5, "serial_number": "b2", "active": "false"},
            {"id": 6, "serial_number": "b3", "status": "retired"},
            {"id": 7, "serial_number": None},
        ],
        gateways=[
            {"serial_number": "g1", "last_report_at": QUARTER, "emu_sw_version": "8.2"},
            {"serial_number": "g2", "last_report_at": None},
        ],
        micros=None,
    )  # fmt: skip
    snapshot = await stub.vendor.poll("systems")
    assert set(snapshot.devices) == {"p1", "b1", "g1"}
    assert snapshot.devices["g1"].software == "8.2"


async def test_systems_come_in_pages(stub: Stub) -> None:
    """All pages are asked for; a row without an id is no system."""
    first = listed() | {"total": 3}
    second = {"systems": [{"system_id": 72}, {"name": "none"}], "total": 3}
    stub.answers["/systems"] = Later([first, second])
    identity = await stub.vendor.identify()
    assert set(identity.plants) == {SYSTEM, "72"}
    assert identity.plants["72"].name == "72"
    assert [query["page"] for _, query in stub.asked] == ["1", "2"]


async def test_old_systems_come_with_a_token(stub: Stub) -> None:
    """`next` is there as long as there is more."""
    stub.begin(old=True)
    stub.answers["/systems"] = Later(
        [{**listed(), "next": "4d546b3d0a"}, {"systems": [{"system_id": 72}]}]
    )
    assert set((await stub.vendor.identify()).plants) == {SYSTEM, "72"}
    assert stub.asked[1][1]["next"] == "4d546b3d0a"
    assert stub.asked[0][1]["user_id"] == "4d6a63784f4449340a"


def test_numbers_of_users_are_encoded() -> None:
    """A user's number is derived; what is encoded already stays."""
    assert encoded("271828") == "4d6a63784f4449340a"
    assert encoded("4d6a63784f4449340a") == "4d6a63784f4449340a"
    assert encoded("") == ""


@pytest.mark.parametrize("body", [{"systems": []}, {"systems": None}, [], None])
async def test_no_systems(stub: Stub, body: Any) -> None:
    """An account without systems is told so."""
    stub.answers["/systems"] = body
    with pytest.raises(NoPlants):
        await stub.vendor.identify()


async def test_devices_stay_known(stub: Stub) -> None:
    """Devices are asked for once a week; a failure leaves what is known."""
    await stub.vendor.poll("systems")
    stub.now += timedelta(days=3)
    await stub.vendor.poll("systems")
    assert stub.paths().count("devices") == 1
    stub.now += timedelta(days=5)
    stub.answers["/devices"] = Page(status=503)
    assert len((await stub.vendor.poll("systems")).devices) == 5
    stub.memory.clear()
    stub.begin()
    with pytest.raises(CloudUnavailable):
        await stub.vendor.poll("systems")


# --- powers ----------------------------------------------------------------------------


async def test_a_net_meter_has_the_batteries_in_it(stub: Stub) -> None:
    """The house uses what the net meter says, less what the batteries take."""
    found = await stub.values("systems", "live")
    assert found["battery_power"] == -600
    assert found["load_power"] == 300
    assert found["grid_power"] == -1100
    assert found["pv_power"] == found["inverter_power"] == 2000


async def test_a_total_meter_has_not(stub: Stub) -> None:
    """A meter of the consumption alone says what the house uses."""
    rows = devices()["devices"]["meters"]
    stub.answers["/devices"] = devices(
        meters=[rows[0], rows[1] | {"config_type": "Total"}]
    )
    found = await stub.values("systems", "live")
    assert found["load_power"] == 900
    assert found["grid_power"] == 900 - 2000 + 600


@pytest.mark.parametrize(
    ("mode", "power", "state"),
    [
        ("Discharging", 300, "discharging"),
        ("Charging", -300, "charging"),
        ("Idle", -300, "idle"),
        ("Elsewhere", -300, None),
        (None, -300, None),
    ],
)
async def test_the_mode_tells_the_way_of_a_battery(
    stub: Stub, mode: Any, power: float, state: str | None
) -> None:
    """Where sign and mode disagree, the mode is right."""
    stub.answers["/latest_telemetry"] = latest(mode=mode)
    found = await stub.values("systems", "live", subject="b1")
    assert found["battery_power"] == power
    assert found.get("battery_state") == state
    assert found["battery_charging"] is (power < 0)


async def test_a_part_of_the_batteries_is_not_all(stub: Stub) -> None:
    """With one battery silent nobody knows what all do, nor what the house uses."""
    stub.answers["/latest_telemetry"] = latest(
        encharges=[
            {"id": 4, "last_report_at": QUARTER, "power": 300},
            {"id": 5, "last_report_at": None, "power": None},
            {"id": 99, "last_report_at": QUARTER, "power": 1},
            "odd",
        ]
    )
    found = await stub.values("systems", "live")
    assert set(found) == {"pv_power", "inverter_power", "online"}


@pytest.mark.parametrize("body", [{}, {"devices": None}, {"devices": {"meters": 1}}])
async def test_without_meters_there_is_the_summary(stub: Stub, body: Any) -> None:
    """Where nothing is told of the meters, the summary tells the production."""
    stub.answers["/latest_telemetry"] = body
    stub.answers["/summary"] = {
        "current_power": 1500,
        "energy_today": 4000,
        "last_interval_end_at": QUARTER,
        "last_report_at": QUARTER + 30,
        "battery_charge_w": 7680,
        "battery_discharge_w": 7680,
    }
    found = await stub.values("systems", "live")
    assert found == {"pv_power": 1500, "inverter_power": 1500, "online": True}


def test_ratings_are_no_powers() -> None:
    """What a battery could do at most is not what it does."""
    body = {"battery_charge_w": 3840, "battery_discharge_w": 3840}
    assert live.summary(body | {"last_interval_end_at": QUARTER}).readings == {}
    assert live.summary(body).readings == {}
    assert live.summary(None).readings == {}


def test_a_summary_of_minus_one() -> None:
    """Totals of -1 are no totals."""
    body = {"last_interval_end_at": QUARTER, "energy_today": -1, "energy_lifetime": 5}
    assert live.summary(body).readings == {}
    body |= {"energy_today": 1000, "energy_lifetime": -1}
    told = live.summary(body)
    assert set(told.readings) == {"pv_energy_today", "inverter_energy_today"}
    assert told.before is None


def test_only_consumption() -> None:
    """A meter of the consumption alone says nothing of the grid."""
    system = System("1", has_consumption_meter=True)
    rows = [{"name": "consumption", "power": 5, "last_report_at": QUARTER}]
    found = live.latest({"devices": {"meters": rows}}, system)
    assert {key: row.value for key, row in found["1"].items()} == {"load_power": 5}


# --- energies --------------------------------------------------------------------------


async def test_intervals_may_be_lists_in_a_list(stub: Stub) -> None:
    """Import and export come wrapped once more; rows without an end or a value are none."""
    wrapped = intervals("wh_imported", 100, 200)
    wrapped["intervals"] = [
        [*wrapped["intervals"], {"end_at": 5}, {"wh_imported": 7}, 3],
        3,
    ]
    stub.answers["/energy_import_telemetry"] = wrapped
    found = await stub.values("systems", "energy")
    assert found["grid_import_energy"] == pytest.approx(0.33)
    assert found["grid_import_energy_today"] == pytest.approx(0.3)
    assert found["grid_export_energy"] == pytest.approx(0.077)


async def test_counters_are_days_and_intervals(stub: Stub) -> None:
    """The days before today and today's intervals add up; SOC is the newest."""
    found = await stub.values("systems", "energy")
    assert found["pv_energy"] == found["inverter_energy"] == pytest.approx(3.3)
    assert found["load_energy"] == pytest.approx(7.03)
    assert found["battery_charge_energy"] == pytest.approx(0.115)
    assert found["battery_discharge_energy"] == pytest.approx(0.156)
    assert found["battery_soc"] == 77
    assert found["battery_capacity"] == 9
    assert found["battery_remaining_energy"] == pytest.approx(6.93)
    assert (await stub.values("energy"))["pv_energy"] == found["pv_energy"]
    assert stub.paths().count("production_meter") == 1
    stub.now += timedelta(minutes=20)
    stub.answers["/production_meter"] = intervals("wh_del", 100, 200, 50)
    assert (await stub.values("energy"))["pv_energy"] == pytest.approx(3.35)
    assert stub.paths().count("energy_lifetime") == 1


async def test_trailing_zeroes_are_days_to_come(stub: Stub) -> None:
    """Days that were not reported yet are taken from the intervals instead."""
    days = {"start_date": "2026-06-15", "production": [1000, 0]}
    stub.answers["/energy_lifetime"] = days
    yesterday = [
        {"end_at": MIDNIGHT - 3600, "wh_del": 700},
        {"end_at": QUARTER, "wh_del": 50},
    ]
    stub.answers["/production_meter"] = {"intervals": yesterday}
    found = await stub.values("systems", "energy")
    assert found["pv_energy"] == pytest.approx(1.75)
    assert found["pv_energy_today"] == pytest.approx(0.05)


async def test_zeroes_for_ever_are_no_days_to_come(stub: Stub) -> None:
    """What lies further back than intervals reach stays as it is."""
    days = {"start_date": "2026-04-01", "production": [1000, *[0] * 76]}
    stub.answers["/energy_lifetime"] = days
    assert (await stub.values("systems", "energy"))["pv_energy"] == pytest.approx(1.3)
    total = stub.memory["totals"][SYSTEM]["pv_energy"]
    assert stub.now - datetime.fromisoformat(total["at"]) < timedelta(days=7)


@pytest.mark.parametrize(
    "body",
    [
        {"start_date": "soon", "production": [1000, None, -1, "2000", "x"]},
        {"production": [1000, 2000]},
    ],
)
async def test_odd_days(stub: Stub, body: Any) -> None:
    """Days without a number are 0; without a date the last one is yesterday."""
    stub.answers["/energy_lifetime"] = body
    assert (await stub.values("systems", "energy"))["pv_energy"] == pytest.approx(3.3)


@pytest.mark.parametrize("body", [{}, {"intervals": None}, [], {"intervals": []}])
async def test_no_intervals(stub: Stub, body: Any) -> None:
    """A call without intervals tells nothing, and the rest is told."""
    stub.answers["/telemetry/battery"] = body
    found = await stub.values("systems", "energy")
    assert "battery_soc" not in found
    assert "pv_energy" in found


async def test_no_content(stub: Stub) -> None:
    """Days without a meter are no content."""
    stub.answers["/consumption_lifetime"] = Page(status=204, text="")
    assert (await stub.values("systems", "energy"))["load_energy"] == pytest.approx(
        0.03
    )


async def test_no_batteries_after_all(stub: Stub) -> None:
    """A system that says it has no batteries is believed for the time being."""
    stub.answers["/battery_lifetime"] = Page(
        {"details": "System doesn't have encharges"}, 422
    )
    found = await stub.values("systems", "energy")
    assert "battery_soc" not in found


async def test_without_capacity(stub: Stub) -> None:
    """Where nobody tells the capacity, only the state of charge is told."""
    stub.answers["/summary"] = {"size_w": None}
    found = await stub.values("systems", "energy")
    assert found["battery_soc"] == 77
    assert "battery_capacity" not in found


def test_meters_may_have_no_values() -> None:
    """`wh_del` and `curr_w` may be null, and come with fractions."""
    body = intervals("wh_del", None, 12.5, "7")
    assert [row.wh for row in series.intervals(body, series.METER.series[0])] == [
        12.5,
        7,
    ]


def test_late_microinverters_are_waited_for() -> None:
    """Newest intervals of which some have not told are left out, for a while."""
    body = intervals("enwh", 5, 6, 7, step=300, total_devices=3)
    for row, many in zip(body["intervals"], (2, 3, 2), strict=True):
        row["devices_reporting"] = many
    found = series.intervals(body, series.MICROS.series[0])
    now = datetime.fromtimestamp(QUARTER, UTC)
    hour = timedelta(hours=1)
    assert [row.wh for row in series.complete(body, found, now - hour)] == [5, 6]
    assert len(series.complete(body, found, now)) == 3
    assert len(series.complete(None, found, now - hour)) == 3


# --- microinverters ----------------------------------------------------------------------


def micro(**more: Any) -> dict[str, Any]:
    """Return a microinverter."""
    row = {
        "serial_number": "m1",
        "status": "normal",
        "power_produced": 120,
        "energy": {"value": 7200, "units": "Wh", "precision": 0},
        "last_report_date": QUARTER + 70,
    }
    return row | more


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, {"inverter_power": 120, "inverter_energy": 7.2}),
        ({"power_produced": {"value": "130", "units": "W", "precision": 0}},
         {"inverter_power": 130}),
        ({"power_produced": None}, {"inverter_power": None}),
        ({"energy": {"value": 7200, "units": "kJ"}}, {"inverter_energy": 2}),
        ({"energy": 7200}, {"inverter_energy": 7.2}),
        ({"energy": None}, {"inverter_energy": None}),
        ({"status": "power"}, {"inverter_state": "fault", "problem": True}),
        ({"status": "new"}, {"inverter_state": None}),
        ({"last_report_date": None}, {"inverter_power": None}),
    ],
)  # fmt: skip
async def test_microinverters(
    stub: Stub, more: dict[str, Any], found: dict[str, Any]
) -> None:
    """Power is a number or an object, energy in Wh or kJ; the answer is a list in a list."""
    rows = [{"signal_strength": 4, "micro_inverters": [micro(**more), {}, "odd"]}, None]
    stub.answers["/inverters_summary_by_envoy_or_site"] = rows
    told = await stub.values("systems", "micros", subject="m1")
    assert {key: told.get(key) for key in found} == found


@pytest.mark.parametrize("body", [None, {}, [], [{}]])
async def test_no_microinverters(stub: Stub, body: Any) -> None:
    """An answer without microinverters tells nothing."""
    stub.answers["/inverters_summary_by_envoy_or_site"] = body
    assert await stub.values("systems", "micros", subject="m1") == {}


async def test_microinverters_come_in_pages(stub: Stub) -> None:
    """A full page is followed by another."""
    rows = [micro(serial_number=f"m{n}") for n in range(micros.PAGE)]
    stub.answers["/inverters_summary_by_envoy_or_site"] = Later(
        [
            [{"micro_inverters": rows}],
            [{"micro_inverters": [micro(serial_number="last")]}],
        ]
    )
    assert await stub.values("systems", "micros", subject="last")


# --- alarms ------------------------------------------------------------------------------


async def test_odd_alarms(stub: Stub) -> None:
    """An alarm without id, kind, start or device is one of the system."""
    stub.answers["/open_alarms"] = {"alarms": [{"severity": 2, "events": []}, "odd"]}
    stub.answers["/event_types"] = Page(status=503)
    (alarm,) = (await poll(stub, "alarms")).alarms
    assert (alarm.device, alarm.code, alarm.text, alarm.at) == (SYSTEM, "-", "-", None)
    stub.answers["/open_alarms"] = {
        "alarms": [
            {"id": "1", "event_type_id": 28, "alarm_start_time": QUARTER, "events": [{"serial_number": "g1"}]}
        ]
    }  # fmt: skip
    stub.answers["/event_types"] = {
        "event_types": [{"event_type_id": 28, "event_name": "Silent", "recommended_action": "Look."}]
    }  # fmt: skip
    (alarm,) = (await stub.vendor.poll("alarms")).alarms
    assert (alarm.id, alarm.device, alarm.text, alarm.advice) == (
        "1",
        "g1",
        "Silent",
        "Look.",
    )
    await stub.vendor.poll("alarms")
    assert stub.paths().count("event_types") == 2
    stub.answers["/open_alarms"] = []
    assert not (await stub.vendor.poll("alarms")).alarms


async def poll(stub: Stub, feed: str) -> Any:
    """Poll a feed after the list."""
    await stub.vendor.poll("systems")
    return await stub.vendor.poll(feed)


# --- errors --------------------------------------------------------------------------------

ERRORS: list[tuple[int, Any, type[CloudError], str]] = [
    (400, {"message": "Bad Request", "details": ["a", "b"], "code": "400"}, Refused, "Bad Request; a; b"),
    (403, {"message": "Forbidden", "details": "no", "code": 403}, PermissionDenied, "Forbidden; no"),
    (404, {"reason": "404", "errorMessages": ["gone"]}, DeviceGone, "gone"),
    (404, {"reason": "404", "message": ["gone"]}, DeviceGone, "gone"),
    (405, {"reason": "405", "message": ["no"]}, NotSupported, "no"),
    (422, {"reason": 422, "message": ["range"], "start_at": 1}, NotSupported, "range"),
    (501, {"reason": "501", "message": ["no"]}, CloudUnavailable, ""),
    (500, {"errorCode": 7, "errorMessages": ["Data temporarily unavailable."]}, CloudUnavailable, ""),
    (503, {"errorCode": 7, "errorMessages": ["x"]}, CloudUnavailable, ""),
    (200, {"errorCode": 7, "errorMessages": ["later"]}, CloudUnavailable, "later"),
    (461, {"error": {"code": 461, "message": "short", "status": "INVALID"}}, Refused, "short"),
    (473, {"error": {"code": 473, "message": "off"}}, DeviceOffline, "off"),
    (418, ["tea"], UnexpectedAnswer, ""),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "error", "said"), ERRORS)
async def test_error_bodies(
    stub: Stub, status: int, body: Any, error: type[CloudError], said: str
) -> None:
    """Each shape of an error is read; a code may be text, the words a list."""
    await stub.vendor.poll("systems")
    stub.answers["/open_alarms"] = Page(body, status)
    with pytest.raises(error) as raised:
        await stub.vendor.poll("alarms")
    if said:
        assert raised.value.words == said


def test_words_of_nothing() -> None:
    """A body without words says nothing."""
    assert words("text") == words({}) == words({"message": 5}) == ""


async def test_no_json(stub: Stub) -> None:
    """HTML is an unexpected answer."""
    stub.answers["/systems"] = Page(text="<html>")
    with pytest.raises(UnexpectedAnswer):
        await stub.vendor.identify()


@pytest.mark.parametrize("old", [False, True])
async def test_a_bad_sign_in(stub: Stub, old: bool) -> None:
    """Who is refused at the list is not signed in; the token was renewed once."""
    stub.begin(old=old)
    stub.answers["/systems"] = Page({"message": "Not Authorized"}, 401)
    with pytest.raises(AuthenticationFailed):
        await stub.vendor.identify()
    assert stub.refreshed == (not old)


async def test_a_sign_in_that_ends(stub: Stub) -> None:
    """A call that is refused as the list is means that the sign-in is over."""
    await stub.vendor.poll("systems")
    for path in ("/open_alarms", "/systems"):
        stub.answers[path] = Page({"message": "Not Authorized"}, 401)
    with pytest.raises(AuthenticationFailed):
        await stub.vendor.poll("alarms")


async def test_a_call_outside_the_plan(stub: Stub) -> None:
    """A 401 of one call alone is no failure to sign in; it is left alone for a week."""
    await stub.vendor.poll("systems")
    stub.answers["/energy_import_telemetry"] = Page({"message": "Not Authorized"}, 401)
    begun = len(stub.asked)
    snapshot = await stub.vendor.poll("energy")
    assert stub.paths(begun).count("energy_import_telemetry") == 2
    assert stub.paths(begun).count("systems") == 1
    assert snapshot.absent_readings == {
        SYSTEM: {"grid_import_energy": Reason.NOT_IN_PLAN}
    }
    assert "grid_export_energy" in snapshot.readings[SYSTEM]
    begun = len(stub.asked)
    await stub.vendor.poll("energy")
    assert "energy_import_telemetry" not in stub.paths(begun)
    stub.now += timedelta(days=8)
    stub.answers["/energy_import_telemetry"] = intervals("wh_imported", 1)
    snapshot = await stub.vendor.poll("energy")
    assert snapshot.absent_readings == {}


async def test_consumption_that_is_withheld(stub: Stub) -> None:
    """In version 2 an owner may keep the consumption from us."""
    stub.begin(old=True)
    stub.answers |= {
        "/inventory": {"inverters": [{"sn": "m1"}], "meters": [{"sn": "p1"}]},
        "/envoys": {"envoys": []},
        "/rgm_stats": intervals("wh_del", 100),
        "/consumption_stats": Page(
            {"reason": "401", "message": ["Not authorized."]}, 401
        ),
    }
    await stub.vendor.poll("systems")
    snapshot = await stub.vendor.poll("energy")
    assert snapshot.absent_readings == {SYSTEM: {"load_energy": Reason.NOT_IN_PLAN}}
    assert "pv_energy" in snapshot.readings[SYSTEM]


async def test_a_call_that_is_forbidden(stub: Stub) -> None:
    """403 says that the account may not; that is no plan."""
    await stub.vendor.poll("systems")
    stub.answers["/energy_export_telemetry"] = Page({"message": "Forbidden"}, 403)
    snapshot = await stub.vendor.poll("energy")
    assert snapshot.absent_readings == {
        SYSTEM: {"grid_export_energy": Reason.NO_PERMISSION}
    }


# --- limits ----------------------------------------------------------------------------------


async def test_a_month_that_is_spent(stub: Stub) -> None:
    """The books close until the month ends, and learn how much it has."""
    await stub.vendor.poll("systems")
    end = int(stub.now.timestamp()) + 5 * DAY
    body = {
        "message": "Too Many Requests",
        "period": "month",
        "period_end": end,
        "limit": 700,
    }
    stub.answers["/open_alarms"] = Page(body, 429)
    with pytest.raises(QuotaExceeded) as raised:
        await stub.vendor.poll("alarms")
    assert raised.value.retry_at
    assert abs(raised.value.retry_at.timestamp() - end) < 5
    assert stub.memory["limits"] == {"month": 700}
    month = next(row for row in stub.ledger._allowances if row.name == "month")  # noqa: SLF001
    assert month.limit == 700


@pytest.mark.parametrize("body", [{"message": "Too Many Requests"}, {"period": "hour"}])
async def test_a_refusal_without_a_period(stub: Stub, body: Any) -> None:
    """It is taken for the minute's."""
    await stub.vendor.poll("systems")
    stub.answers["/open_alarms"] = Page(body, 429)
    with pytest.raises(QuotaExceeded) as raised:
        await stub.vendor.poll("alarms")
    assert raised.value.retry_at
    assert raised.value.retry_at - stub.now <= timedelta(seconds=61)
    stub.now += timedelta(seconds=62)
    stub.answers["/open_alarms"] = {"alarms": []}
    await stub.vendor.poll("alarms")


async def test_the_old_conflict_is_a_limit(stub: Stub) -> None:
    """Version 2 says so with 409."""
    stub.begin(old=True)
    end = int(stub.now.timestamp()) + 40
    body = {"reason": "409", "message": ["Usage limit exceeded for plan Watt"],
            "period": "minute", "period_start": end - 60, "period_end": end, "limit": 10}  # fmt: skip
    stub.answers["/systems"] = Page(body, 409)
    with pytest.raises(QuotaExceeded) as raised:
        await stub.vendor.identify()
    assert raised.value.words == "Usage limit exceeded for plan Watt"


async def test_a_larger_plan_than_there_is(stub: Stub) -> None:
    """What the plan lacks tells which one it is."""
    stub.begin(plan="megawatt")
    lacking = stub.vendor._lacking  # noqa: SLF001
    lacking.add(on.READ_BATTERY, SYSTEM, Reason.NOT_IN_PLAN)
    await stub.vendor.poll("systems")
    assert limit(stub) == 50_000
    lacking.add(on.ONE_BATTERY, SYSTEM, Reason.NOT_IN_PLAN)
    await stub.vendor.poll("systems")
    assert limit(stub) == 1000
    with pytest.raises(NotInPlan):
        await stub.vendor._client.call(on.READ_STORM, system=SYSTEM)  # noqa: SLF001


def limit(stub: Stub) -> int | None:
    """Return the month's limit that the books keep to."""
    rows = stub.ledger._allowances  # noqa: SLF001
    return next(row.limit for row in rows if row.name == "month")


# --- what is missing -------------------------------------------------------------------------


async def test_a_gateway_that_was_never_heard_of(stub: Stub) -> None:
    """Nobody knows whether it is online; a zone that nobody knows is UTC."""
    stub.date = "some day"
    stub.answers["/systems"] = listed(last_report_at=None, timezone="Elm/Nowhere")
    stub.answers["/systems"]["systems"].append({"name": "no id"})
    stub.answers["/devices"] = devices(meters=[], encharges=[])
    stub.answers["/summary"] = []
    assert await stub.values("systems", "live") == {}


async def test_batteries_without_meters(stub: Stub) -> None:
    """The summary tells the production, and the batteries their own energies."""
    stub.answers["/devices"] = devices(meters=[])
    stub.answers["/production_micro"] = intervals("enwh", 100, step=300)
    stub.answers["/summary"] = {
        "current_power": 1200,
        "energy_today": 300,
        "energy_lifetime": 5000,
        "last_interval_end_at": QUARTER,
        "last_report_at": QUARTER + 30,
        "summary_date": "2026-06-17",
        "battery_capacity_wh": 9000,
    }
    found = await stub.values("systems", "live")
    assert (found["pv_power"], found["pv_energy"]) == (1200, 5.3)
    found = await stub.values("energy")
    assert found["pv_energy"] == pytest.approx(5.1)
    assert found["battery_soc"] == 77
    assert "energy_lifetime" not in stub.paths()
    stub.now += timedelta(hours=1)
    stub.answers["/summary"] |= {"summary_date": "2026-06-16", "energy_lifetime": 9}
    await stub.values("live")
    assert stub.memory["totals"][SYSTEM]["pv_energy"]["wh"] == 5000


@pytest.mark.parametrize("old", [False, True])
async def test_pages_come_to_an_end(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    """A cloud that always has another page is not asked for ever."""
    monkeypatch.setattr(listing, "MOST_PAGES", 2)
    monkeypatch.setattr(micros, "MOST_PAGES", 2)
    monkeypatch.setattr(micros, "PAGE", 1)
    stub.begin(old=old)
    stub.answers["/systems"] = listed() | {"total": 99, "next": "more"}
    await stub.vendor.identify()
    assert stub.paths() == ["systems"] * 2
    if not old:
        rows = [{"micro_inverters": [micro()]}]
        stub.answers["/inverters_summary_by_envoy_or_site"] = rows
        await stub.values("systems", "micros")
        assert stub.paths().count("inverters_summary_by_envoy_or_site") == 2
