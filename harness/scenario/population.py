"""Who is on the other side: accounts, their devices, and the cities these are in."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import UsageError
from harness.scenario.checks import in_range, whole

MAX_DEVICES = 100_000_000
MAX_ACCOUNTS = 1_000_000

SPEED_M_PER_S = {"walk": (1.4, 1.9), "run": (2.5, 4.0), "cycle": (4.0, 8.0), "drive": (8.0, 20.0)}
"""How fast a device moves, from and to, by what its owner does. Assumed."""


@dataclass(frozen=True, slots=True)
class City:
    """A place where devices are. `share` is its part of all devices, beside the shares of the others;
    devices have their homes within `radius_km` of the centre. Degrees, WGS 84; east and north positive."""

    name: str
    lat: float
    lon: float
    utc_offset_h: float
    share: float = 1.0
    radius_km: float = 12.0

    def __post_init__(self) -> None:
        in_range("the latitude of a city", self.lat, -85, 85)
        in_range("the longitude of a city", self.lon, -180, 180)
        in_range("the UTC offset of a city, in hours,", self.utc_offset_h, -12, 14)
        in_range("the share of a city", self.share, 1e-9, 1e9)
        in_range("the radius of a city, in km,", self.radius_km, 0.1, 200)


@dataclass(frozen=True, slots=True)
class Population:
    """`devices` belong to `accounts` by Zipf's law: the account of rank r has a part in proportion to
    `r ** -tenant_skew` (0: all the same; 3: the first has about five sixths). `activities` are the shares of
    what their owners do while they are tracked, which says how fast they move."""

    accounts: int
    devices: int
    cities: tuple[City, ...]
    tenant_skew: float = 1.0
    activities: tuple[tuple[str, float], ...] = (
        ("drive", 0.65),
        ("walk", 0.15),
        ("cycle", 0.15),
        ("run", 0.05),
    )

    def __post_init__(self) -> None:
        whole("the number of accounts", self.accounts, 1, MAX_ACCOUNTS)
        whole("the number of devices", self.devices, 1, MAX_DEVICES)
        in_range("the tenant skew", self.tenant_skew, 0, 10)
        whole("the number of cities", len(self.cities), 1, 255)
        for activity, share in self.activities:
            if activity not in SPEED_M_PER_S:
                raise UsageError(f"'{activity}' is no activity.", f"Write one of {', '.join(SPEED_M_PER_S)}.")
            in_range(f"the share of '{activity}'", share, 0, 1e9)
        in_range(
            "the sum of the shares of activities", sum(share for _, share in self.activities), 1e-9, 1e12
        )
