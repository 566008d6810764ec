"""The vendors there are; a new one is one line here."""

from .enphase.cloud import ENPHASE
from .foxess.cloud import FOXESS
from .growatt.cloud import GROWATT
from .huawei.cloud import HUAWEI
from .solarlog.cloud import SOLARLOG
from .vendor import VendorInfo, WayIn

VENDORS: dict[str, VendorInfo] = {
    info.slug: info for info in (ENPHASE, FOXESS, GROWATT, HUAWEI, SOLARLOG)
}


def way_in(step: str) -> tuple[VendorInfo, WayIn]:
    """Return the vendor and the way in that a step of the config flow is about."""
    return next(
        (info, way)
        for info in VENDORS.values()
        for way in info.ways
        if way.step == step
    )
