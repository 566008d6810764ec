import time, pytest, cProfile, pstats
from tests.driver import House, real_seconds
@pytest.fixture(autouse=True)
def custom_integrations(): pass
async def test_try(socket_enabled):
    t0=real_seconds()
    async with House() as world:
        await world.setup("kh")
        plant = world.sim.plant("kh").id
        print(world.state(plant,"pv_power"), world.sim.truth(published=True)[plant][""]["pv_power"])
        pr=cProfile.Profile(); pr.enable()
        t1=real_seconds()
        await world.run(hours=6)
        pr.disable()
        print(world.state(plant,"pv_power"), world.sim.truth(published=True)[plant][""]["pv_power"])
        print("6h", real_seconds()-t1, len(world.sim.calls), [c for c in world.sim.calls if c.refused][:5])
        pstats.Stats(pr).sort_stats("cumtime").print_stats(80)
        t1=real_seconds()
        await world.run(hours=18)
        print("18h", real_seconds()-t1, len(world.sim.calls), [c for c in world.sim.calls if c.refused][:5])
        await world.stop()
        await world.start()
        await world.run(minutes=10)
