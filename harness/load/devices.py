"""The devices of a run as rows of arrays, and where each is at any moment.

A device goes round a circle near its home at a speed of its own, so its place is a pure function of the
device and the time. Any worker, and whoever predicts outcomes afterwards, computes the same place without a
history, and two fixes of a device never imply more than its speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.scenario import Population
from harness.scenario.population import SPEED_M_PER_S
from harness.scenario.shapes import FloatArray, city_activity

IntArray = NDArray[np.int64]

METRES_PER_DEGREE = 111_320.0
PLATFORMS = ("ios", "android")
_ROUND_M = (300.0, 900.0)  # the radius of a round: some blocks of a city
GOLDEN = 0.6180339887498949
"""Multiples of the golden ratio, modulo 1, lie as evenly as any sequence can."""
_LAST = 1.0 - 1e-12


@dataclass(frozen=True, slots=True)
class Devices:
    """One row a device. The devices of a city stand together: `city_start` has where each city's begin, and
    at the end the number of all. Homes in degrees, `radius_m` and `speed` (m/s) of a round, `phase` in
    radians; `platform` is an index into PLATFORMS."""

    account: NDArray[np.int32]
    city_start: IntArray
    home_lat: NDArray[np.float32]
    home_lon: NDArray[np.float32]
    radius_m: NDArray[np.float32]
    speed: NDArray[np.float32]
    phase: NDArray[np.float32]
    platform: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.account)

    def places(
        self, device: IntArray, at_s: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """(lat, lon, speed in m/s, bearing in degrees) of each `device` at `at_s` (epoch)."""
        radius = self.radius_m[device].astype(np.float64)
        speed = self.speed[device].astype(np.float64)
        angle = self.phase[device] + (speed / radius) * at_s
        home_lat = self.home_lat[device].astype(np.float64)
        metres_east = METRES_PER_DEGREE * np.cos(np.radians(home_lat))
        lat = home_lat + radius * np.sin(angle) / METRES_PER_DEGREE
        lon = self.home_lon[device] + radius * np.cos(angle) / metres_east
        bearing = np.degrees(np.arctan2(-np.sin(angle), np.cos(angle))) % 360.0
        return lat, lon, speed, bearing

    def launching(self, city: IntArray, chance: FloatArray, adopted: FloatArray) -> IntArray:
        """The device in each `city` whose app is launched: one of the first `adopted` part of the city's."""
        start = self.city_start[city]
        size = self.city_start[city + 1] - start
        reach = np.maximum(1.0, size * adopted)
        device: IntArray = start + np.minimum((chance * reach).astype(np.int64), size - 1)
        return device

    def active_cities(self, hour: FloatArray, chance: FloatArray, population: Population) -> IntArray:
        """The city of each app launch, as the local hours of the cities have their devices active."""
        peopled = np.diff(self.city_start) > 0
        cumulated = np.cumsum(city_activity(hour, population) * peopled[:, None], axis=0)
        city = (chance * cumulated[-1] >= cumulated).sum(axis=0)
        last_peopled = np.flatnonzero(peopled)[-1]
        peopled_city: IntArray = np.minimum(city, last_peopled).astype(np.int64)
        return peopled_city

    def tracked(self, slot: IntArray) -> IntArray:
        """The device in each tracking slot (0 to the number of devices): a different one in each, spread over
        all cities."""
        count = len(self)
        stride = max(1, round(count * GOLDEN))
        while math.gcd(stride, count) != 1:
            stride += 1
        device: IntArray = (slot * stride) % count
        return device


def make_devices(population: Population, seed: int) -> Devices:
    """The devices of `population`: the same for the same seed. Takes 25 bytes a device."""
    random = np.random.default_rng([seed, 0xDE71CE5])
    count = population.devices
    shares = np.array([city.share for city in population.cities])
    city_start = np.rint(np.append(0.0, np.cumsum(shares / shares.sum())) * count).astype(np.int64)
    sizes = np.diff(city_start)

    def by_city(values: list[float]) -> NDArray[np.float64]:
        return np.repeat(np.array(values), sizes)

    centre_lat = by_city([city.lat for city in population.cities])
    centre_lon = by_city([city.lon for city in population.cities])
    away_m = by_city([city.radius_km * 1000.0 for city in population.cities]) * np.sqrt(random.random(count))
    towards = random.random(count) * 2 * math.pi
    activity = random.choice(
        len(population.activities),
        size=count,
        p=np.array([share for _, share in population.activities])
        / sum(share for _, share in population.activities),
    )
    slowest, fastest = np.array([SPEED_M_PER_S[name] for name, _ in population.activities]).T
    return Devices(
        account=_accounts(population, random.random(count)),
        city_start=city_start,
        home_lat=(centre_lat + away_m * np.sin(towards) / METRES_PER_DEGREE).astype(np.float32),
        home_lon=(
            centre_lon + away_m * np.cos(towards) / (METRES_PER_DEGREE * np.cos(np.radians(centre_lat)))
        ).astype(np.float32),
        radius_m=random.uniform(*_ROUND_M, count).astype(np.float32),
        speed=(slowest[activity] + (fastest - slowest)[activity] * random.random(count)).astype(np.float32),
        phase=(random.random(count) * 2 * math.pi).astype(np.float32),
        platform=(random.random(count) < 0.45).astype(np.uint8),
    )


def _accounts(population: Population, chance: FloatArray) -> NDArray[np.int32]:
    """By Zipf's law: the account of rank r has a part in proportion to r ** -skew."""
    parts = np.arange(1, population.accounts + 1, dtype=np.float64) ** -population.tenant_skew
    cumulated = np.cumsum(parts) / parts.sum()
    return np.searchsorted(cumulated, np.minimum(chance, _LAST), side="right").astype(np.int32)
