"""A FusionSolar cloud in a process of its own: `python -m tests.bench.fusion` prints its URL.

The name that is signed in with says what the account holds: `PLANTSxINVERTERS`, inverters
in each plant. It is the session's token, too, so that nothing has to be remembered.
"""

import asyncio
from collections.abc import Iterator
from math import sin
import sys
from typing import Any

from aiohttp import web

TOKEN = "XSRF-TOKEN"
PAGE = 100
INVERTER, RESIDENTIAL, METER, SENSOR, LOGGER = 1, 38, 17, 47, 62
STRINGS = 8


class Account:
    """Plants with a meter and a logger each."""

    def __init__(self, name: str) -> None:
        """Take plants and inverters from the name."""
        self.plants, self.inverters = map(int, name.split("x"))
        self.kind = INVERTER if self.inverters > 1 else RESIDENTIAL
        self.meter = METER if self.inverters > 1 else SENSOR
        self.turn = 0

    def devices(self, plant: int) -> Iterator[dict[str, Any]]:
        """Yield the devices of a plant."""
        kinds = [self.kind] * self.inverters + [self.meter, LOGGER]
        for n, kind in enumerate(kinds):
            yield {
                "id": plant * 1000 + n,
                "devName": f"Device {n}",
                "stationCode": f"NE={plant}",
                "esnCode": f"SN{plant:04}{n:04}",
                "devTypeId": kind,
                "softwareVersion": "V1",
                "invType": "SUN2000-100KTL" if n < self.inverters else None,
            }

    def stations(self, body: dict[str, Any]) -> Any:
        """List a page of plants."""
        first = (int(body["pageNo"]) - 1) * PAGE
        rows = [
            {
                "plantCode": f"NE={n}",
                "plantName": f"Plant {n}",
                "capacity": 100.0,
                "latitude": 51.48,
                "longitude": -0.02,
                "gridConnectionDate": "2024-01-01T00:00:00+00:00",
            }
            for n in range(self.plants)
        ]
        count = -(-self.plants // PAGE)
        return {"list": rows[first : first + PAGE], "pageCount": count}

    def list_devices(self, body: dict[str, Any]) -> Any:
        """List the devices of plants."""
        codes = body["stationCodes"].split(",")
        return [row for code in codes for row in self.devices(int(code[3:]))]

    def plant_values(self, body: dict[str, Any]) -> Any:
        """Tell what plants have yielded; no value is the one before."""
        self.turn += 1
        items = {
            "day_power": 10 + self.turn / 100,
            "total_power": 5000 + self.turn / 100,
            "real_health_state": 3,
        }
        codes = body["stationCodes"].split(",")
        return [{"stationCode": code, "dataItemMap": items} for code in codes]

    def device_values(self, body: dict[str, Any]) -> Any:
        """Tell what devices measure."""
        kind = int(body["devTypeId"])
        make = self._inverter if kind == self.kind else self._meter
        return [
            {"devId": int(name), "dataItemMap": make(int(name))}
            for name in body["devIds"].split(",")
        ]

    def _inverter(self, name: int) -> dict[str, Any]:
        wave = round(sin(name + self.turn), 3)
        items: dict[str, Any] = {
            "run_state": 1,
            "inverter_state": 512.0,
            "active_power": 50 + wave,
            "mppt_power": 51 + wave,
            "reactive_power": wave,
            "day_cap": 10 + self.turn / 100,
            "total_cap": 4000 + self.turn / 100,
            "temperature": 40 + wave,
            "elec_freq": 50 + wave / 10,
            "power_factor": 1.0,
        }
        for phase in "abc":
            items |= {f"{phase}_u": 230 + wave, f"{phase}_i": 70 + wave}
        for n in range(1, STRINGS + 1):
            items |= {f"pv{n}_u": 600 + wave, f"pv{n}_i": 10 + wave}
        return items

    def _meter(self, name: int) -> dict[str, Any]:
        wave = round(sin(name + self.turn), 3)
        return {
            "run_state": 1,
            "active_power": wave,
            "active_cap": 300 + self.turn / 100,
            "reverse_active_cap": 200 + self.turn / 100,
            "grid_frequency": 50 + wave / 10,
        }


ANSWERS = {
    "stations": Account.stations,
    "getDevList": Account.list_devices,
    "getStationRealKpi": Account.plant_values,
    "getDevRealKpi": Account.device_values,
}
accounts: dict[str, Account] = {}


async def answer(request: web.Request) -> web.Response:
    """Answer any request; reports and alarms have nothing to tell."""
    body = await request.json()
    name = request.path.rpartition("/")[2]
    # The clock is the caller's, who runs ahead of ours.
    headers = {"Date": "-"}
    data: Any = []
    if name == "login":
        headers[TOKEN] = str(body["userName"])
    elif found := ANSWERS.get(name):
        spec = request.headers[TOKEN]
        data = found(accounts.setdefault(spec, Account(spec)), body)
    code = 401 if "openapi" in request.path else 0
    told = {"success": not code, "failCode": code, "data": data, "message": None}
    return web.json_response(told, headers=headers)


async def serve() -> None:
    """Serve until the caller closes our input."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
