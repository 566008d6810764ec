"""Windows of the day: how runs fit in, how they are written, how all is put back."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.solar_cloud.cloud.growatt.segments import (
    HALVES,
    LAST,
    NINE,
    PAIR,
    Held,
    Layout,
    Priority,
    Segment,
    Slots,
    during,
    overlap,
    restored,
    steps,
    windows,
)

LOAD, BATTERY, GRID = Priority.LOAD, Priority.BATTERY, Priority.GRID


def slot(
    start: int, end: int, priority: Priority = BATTERY, *, on: bool = True
) -> Segment:
    """Return a slot."""
    return Segment(priority=priority, start=start, end=end, on=on)


def nine(*used: Segment) -> Slots:
    """Return the slots of a MIN, the first ones used."""
    return (*used, *[Segment(priority=LOAD)] * (9 - len(used)))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (600, 660, ((600, 660),)),
        (1400, 1440, ((1400, LAST),)),
        (1400, 1500, ((1400, LAST), (0, 60))),
        (LAST, 1500, ((0, 60),)),
        (0, 1440, ((0, LAST),)),
        (600, 600 + 1439, ((0, LAST),)),
        (600, 600 + 1430, ((600, LAST), (0, 590))),
        (-5, 10, ((1435, LAST), (0, 10))),
        (1500, 1510, ((60, 70),)),
    ],
)
def test_windows_of_a_day(
    start: int, end: int, expected: tuple[tuple[int, int], ...]
) -> None:
    """A span of minutes never crosses midnight in a machine, and never is longer than it."""
    assert windows(start, end) == expected


def test_a_run_takes_a_free_slot() -> None:
    """The owner's windows stay where they are; those that sleep sleep on."""
    owner = nine(slot(120, 270), slot(1140, 1215, GRID, on=False))
    run = [slot(600, 660)]
    slots = during(NINE, owner, run)
    assert slots[:3] == (owner[0], owner[1], run[0])
    assert during(NINE, owner, []) == owner


def test_a_run_cuts_the_owners_window() -> None:
    """What is left of the owner's window lies around the run, a minute apart."""
    owner = nine(slot(540, 720, GRID))
    slots = during(NINE, owner, [slot(600, 660)])
    assert [(row.start, row.end, row.priority) for row in slots if row.on] == [
        (540, 599, GRID),
        (600, 660, BATTERY),
        (661, 720, GRID),
    ]
    touching = nine(slot(500, 600, GRID), slot(660, 700, GRID))
    slots = during(NINE, touching, [slot(600, 660)])
    assert [(row.start, row.end) for row in slots if row.on] == [
        (500, 599),
        (600, 660),
        (661, 700),
    ]


def test_the_order_of_the_day() -> None:
    """Windows lie in the order of the day, even if that moves the owner's."""
    owner = nine(*(slot(60 * hour, 60 * hour + 30) for hour in (10, 12, 14)))
    slots = during(NINE, owner, [slot(60, 120)])
    assert [row.start for row in slots if row.on] == [60, 600, 720, 840]
    assert restored(NINE, owner, slots, slots) == owner


def test_where_slots_are_not_enough() -> None:
    """The last windows of the day are left out; a sleeping one gives way and comes back."""
    owner: Slots = (
        slot(60, 120),
        slot(180, 240),
        slot(300, 360, on=False),
        *[slot(0, 0, GRID)] * 3,
    )
    slots = during(HALVES, owner, [slot(600, 660), slot(0, 30)])
    assert [row.start for row in slots[:3] if row.on] == [0, 60, 600]
    assert restored(HALVES, owner, slots, slots) == owner
    assert slots[3:] == owner[3:]


def test_a_run_of_the_other_kind() -> None:
    """An SPH's charging windows give way to a run that discharges."""
    owner: Slots = (slot(540, 720), *[slot(0, 0)] * 2, *[slot(0, 0, GRID)] * 3)
    slots = during(HALVES, owner, [slot(600, 660, GRID)])
    assert [(row.start, row.end) for row in slots[:2]] == [(540, 599), (661, 720)]
    assert slots[3] == slot(600, 660, GRID)
    pair: Slots = (slot(540, 720), slot(0, 0, GRID, on=False))
    assert during(PAIR, pair, [slot(500, 700, GRID)]) == (
        slot(701, 720),
        slot(500, 700, GRID),
    )
    assert during(PAIR, pair, [slot(500, 800, GRID)])[0] == slot(540, 720, on=False)


def test_what_somebody_changed_is_kept() -> None:
    """Only what the run has changed is put back."""
    owner = nine(slot(120, 270))
    ran = during(NINE, owner, [slot(200, 240, GRID)])
    held = list(ran)
    held[0] = slot(300, 400)
    held[8] = slot(900, 960)
    back = restored(NINE, owner, ran, tuple(held))
    assert (back[0], back[8]) == (held[0], held[8])
    assert restored(NINE, owner, ran, tuple(row.asleep for row in ran)) == owner


def test_a_switch_of_its_own() -> None:
    """A storage machine's switch is put back also where its window was changed."""
    owner: Slots = (slot(60, 120), slot(1080, 1230, GRID, on=False))
    ran = during(PAIR, owner, [slot(600, 660, GRID)])
    held = (ran[0], slot(900, 960, GRID))
    assert restored(PAIR, owner, ran, held)[1] == slot(900, 960, GRID, on=False)
    off = (ran[0], slot(600, 660, GRID, on=False))
    assert restored(PAIR, owner, ran, off) == owner
    on = (slot(1, 2, on=False), ran[1])
    assert restored(PAIR, owner, ran, on) == (on[0], owner[1])


def test_writes_put_to_sleep_first() -> None:
    """No two windows overlap on the way from one schedule to the next."""
    held = nine(slot(100, 200), slot(300, 400))
    wanted = nine(slot(300, 350), slot(100, 200), slot(0, 0, GRID, on=True))
    writes = steps(held, wanted)
    assert [place for place, _ in writes] == [0, 1, 2, 0, 1]
    now = list(held)
    for place, row in writes:
        now[place] = row
        assert not overlap(now)
    assert tuple(now) == wanted


def test_what_json_carries() -> None:
    """What a machine holds survives being stored."""
    held = Held(slots=nine(slot(1, 2)), values={"mains": 1.0})
    assert Held.from_dict(held.as_dict()) == held
    assert held.is_awake
    assert not Held(slots=nine()).is_awake


MINUTES = st.integers(0, LAST)


@st.composite
def schedules(draw: st.DrawFn, layout: Layout) -> Slots:
    """Return what an owner may hold: windows that do not overlap, awake or asleep."""
    edges = sorted(draw(st.sets(MINUTES, max_size=2 * len(layout))))
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    slots = []
    for place, priority in enumerate(layout):
        span = spans[place] if place < len(spans) else (0, 0)
        kind = priority or draw(st.sampled_from(Priority))
        slots.append(slot(*span, kind, on=draw(st.booleans())))
    return tuple(slots)


@given(data=st.data(), layout=st.sampled_from((NINE, HALVES, PAIR)))
def test_any_run_fits_and_all_is_put_back(data: st.DataObject, layout: Layout) -> None:
    """Whatever the owner holds, a run is held, nothing overlaps, and all comes back."""
    owner = data.draw(schedules(layout))
    start = data.draw(MINUTES)
    priority = data.draw(st.sampled_from((BATTERY, GRID)))
    spans = windows(start, start + data.draw(st.integers(1, LAST)))
    if layout is PAIR:
        spans = spans[:1]
    run = [slot(first, last, priority) for first, last in spans]
    slots = during(layout, owner, run)
    assert all(row in slots for row in run)
    assert not overlap(slots)
    assert restored(layout, owner, slots, slots) == owner
    for first, second in ((owner, slots), (slots, owner)):
        now = list(first)
        for place, row in steps(first, second):
            now[place] = row
            assert not overlap(now)
            # A storage machine's window and switch are written by themselves.
            if layout is not PAIR:
                assert restored(layout, owner, slots, tuple(now)) == owner
        assert tuple(now) == second
    for place, row in enumerate(owner):
        if not row.is_awake and slots[place] != row:
            assert slots[place].is_awake


def test_asleep() -> None:
    """A switched-on slot without a window is left as it is."""
    assert slot(0, 0).asleep == slot(0, 0)
    assert slot(1, 2).asleep == replace(slot(1, 2), on=False)
