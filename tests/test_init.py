"""An entry is set up, unloaded, reloaded and removed."""
from tests.common import Home
import time

async def test_set_up(home: Home) -> None:
    t=time.clock_gettime(1)
    account = await home.set_up()
    print("setup", time.clock_gettime(1)-t, home.time.now(), len(home.shown()), len(home.sim.calls))
    t=time.clock_gettime(1)
    await home.pass_time(600)
    print("pass", time.clock_gettime(1)-t, home.time.now(), len(home.sim.calls), home.refused())
async def test_set_up2(home: Home) -> None:
    t=time.clock_gettime(1)
    account = await home.set_up()
    print("setup", time.clock_gettime(1)-t, home.time.now(), len(home.shown()), len(home.sim.calls))
    t=time.clock_gettime(1)
    await home.unload()
    await home.load()
    print("reload", time.clock_gettime(1)-t, home.time.now(), len(home.sim.calls), home.refused())
    t=time.clock_gettime(1)
    await home.pass_time(6000)
    print("pass", time.clock_gettime(1)-t, home.time.now(), len(home.sim.calls), home.refused())
