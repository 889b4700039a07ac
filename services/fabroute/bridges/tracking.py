"""Where a parcel can be followed, by carrier."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

TRACKING_URLS: Mapping[str, str] = MappingProxyType(
    {
        "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={number}",
        "ups": "https://www.ups.com/track?tracknum={number}",
        "fedex": "https://www.fedex.com/fedextrack/?trknbr={number}",
        "dpd": "https://tracking.dpd.de/status/en_US/parcel/{number}",
        "gls": "https://gls-group.com/track/{number}",
    }
)
"""Public pages of carriers; [carriers] in the configuration adds others."""


def tracking_url(carrier: str, number: str, urls: Mapping[str, str]) -> str:
    """Return the page where a parcel is followed; empty for a carrier that is not known."""
    pattern = urls.get(carrier) or TRACKING_URLS.get(carrier, "")
    return pattern.replace("{number}", quote(number, safe=""))
