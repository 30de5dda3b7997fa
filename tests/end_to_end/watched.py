"""A few seconds with all that a rehearsal can have: calls, webhooks of each kind, subscribers."""

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

CALLS = ("get_device", "list_devices", "get_history", "list_webhooks", "graphql_device", "graphql_devices")

scenario = Scenario(
    name="watched",
    summary="Everything at once, a little of it.",
    traffic=Traffic(
        Constant(per_s=12, mix=((REGISTRATION, 1), (LOCATION, 5)), cadence_s=2.0),
        calls=(*(Calls(kind, Constant(1.0)) for kind in CALLS), Calls("sign_in", Constant(1.0))),
    ),
    population=Population(
        accounts=4,
        devices=60,
        cities=(City("Lisbon", 38.7223, -9.1393, utc_offset_h=1),),
        tenant_skew=0.0,
        activities=(("drive", 1.0),),
    ),
    watchers=Watchers(
        device_subscribers=12,
        account_subscribers=4,
        webhooks=(("healthy", 2), ("slow", 1), ("failing", 1)),
    ),
    objectives=Objectives.of(
        *("ledger.missing==0", "ledger.duplicated==0", "errors.share<1%"),
        *("deliveries.webhook.missing==0", "deliveries.webhook.healthy_undelivered==0"),
        *("deliveries.subscription.missing==0", "deliveries.subscription.misdirected==0"),
        *("deliveries.webhook.misdirected==0", "deliveries.webhook.dead_lettered>=1"),
    ),
    settings={"webhook_hosts": "loopback", "webhook_retry_delay_s": "1", "users": "4"},
    duration_s=8.0,
)
