"""A scenario of a few seconds in which everybody shows a secret: devices, back ends, front ends, watchers."""

from harness.objectives import Objectives
from harness.scenario import (
    LOCATION,
    REGISTRATION,
    Calls,
    City,
    Constant,
    Population,
    Scenario,
    Traffic,
    Watchers,
)

scenario = Scenario(
    name="shown",
    summary="All entrances, and watchers at all ends.",
    traffic=Traffic(
        Constant(per_s=10, mix=((REGISTRATION, 1), (LOCATION, 4)), cadence_s=2.0),
        calls=tuple(
            Calls(kind, Constant(1.0))
            for kind in (
                *("list_devices", "get_device", "get_history", "list_webhooks"),
                *("graphql_device", "graphql_devices", "sign_in"),
            )
        ),
    ),
    population=Population(
        accounts=4, devices=200, cities=(City("Lisbon", 38.7223, -9.1393, utc_offset_h=1),)
    ),
    watchers=Watchers(
        device_subscribers=4, account_subscribers=2, webhooks=(("healthy", 2), ("failing", 1), ("hanging", 1))
    ),
    settings={"webhook_hosts": "loopback", "webhook_retry_delay_s": "1"},
    objectives=Objectives.of("ledger.missing==0"),
    duration_s=12.0,
)
