"""The page about FusionSolar: complete, and true to the code's tables."""

import re

from custom_components.solar_cloud.cloud.huawei import readings
from custom_components.solar_cloud.cloud.huawei.client import HOSTS
from custom_components.solar_cloud.cloud.huawei.cloud import FEEDS, HUAWEI
from custom_components.solar_cloud.cloud.huawei.codes import ERRORS
from custom_components.solar_cloud.cloud.huawei.totals import OF_TODAY, REPORT_ROWS

from tests.test_docs import ROOT

PAGE = (ROOT / "docs/huawei.md").read_text()


def _codes() -> set[int]:
    """Return the codes that the page explains, ranges among them."""
    found: set[int] = set()
    part = PAGE.split("## Error codes")[1].split("\n## ")[0]
    for row in re.findall(r"^\| ([\d, –]+) \|", part, re.MULTILINE):
        for piece in row.split(","):
            first, _, last = piece.strip().partition("–")
            found |= set(range(int(first), int(last or first) + 1))
    return found


def test_every_code_is_explained() -> None:
    """Each code of the table, and none that is not there."""
    assert _codes() >= ERRORS.keys()
    assert not {code for code in _codes() - ERRORS.keys() if code < 20000}


def test_every_item_has_its_key() -> None:
    """Each item of each type, with the key that it is shown under."""
    rows = {row for rows in readings.ROWS.values() for row in rows}
    for row in (*rows, *readings.PLANT_ROWS):
        key = row.key.replace("#", "N")
        assert re.search(rf"`{row.item}` \| `{key}` \|", PAGE), row
    for item, key in REPORT_ROWS.items():
        if key in OF_TODAY:
            assert f"`{item}`" in PAGE, item


def test_every_state_is_explained() -> None:
    """The numbers of table 5-1 with our words."""
    (line,) = re.findall(r"^- `inverter_state`: (.*?)\. ", PAGE, re.MULTILINE)
    told = {
        int(number): part.rpartition(" ")[2]
        for part in line.split("; ")
        for number in re.findall(r"\d+", part)
    }
    assert told == readings.INVERTER_STATES


def test_every_feed_host_and_field_is_there() -> None:
    """What is asked, where, and what has to be typed."""
    for feed in FEEDS:
        assert f"| `{feed.key}` |" in PAGE
    for host in HOSTS:
        region = host.removeprefix("https://").partition(".")[0]
        assert region in PAGE
    for way in HUAWEI.ways:
        for field in way.fields:
            assert f"`{field.key}`" in PAGE
        if way.oauth:
            for word in (*way.oauth.scopes, *way.oauth.forbidden):
                assert f"`{word}`" in PAGE
