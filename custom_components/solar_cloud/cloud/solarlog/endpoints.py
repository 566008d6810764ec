"""The calls of the User API that concern a home, as the vendor's pages list them.

All are GET, below `/api/v1/{portal}`, but for the token server's POST.
"""

TOKEN = "/auth/realms/quotaapi/protocol/openid-connect/token"

PLANTS = "/administration/plants"
PLANT = "/administration/plant/{plant}"
FLEET_PLANTS = "/administration/fleet/{fleet}/plants"
COMPONENTS = "/datasource/plant/{plant}/components/{date}"
HEADER = "/visualization/plant/{plant}"
CHANNELS = "/visualization/plant/{plant}/channels"
CROSS_EPOCH = "/visualization/plant/{plant}/cross-epoch/channels"
MONTH = "/visualization/plant/{plant}/year/{year}/month/{month}"
YEAR = "/visualization/plant/{plant}/year/{year}"
LIFETIME = "/visualization/plant/{plant}/lifetime"

# Parameters that are repeated, as PHP writes them.
NAMES = "channelNames[]"
CROSS_IDS = "xComponentIds[]"
TRACKER_IDS = "mppTrackerIds[]"
