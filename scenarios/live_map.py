"""Front ends watch a live map: sign-in, queries, and a thousand subscriptions that are told as devices move.

Each subscriber is a user of its device's account, signed in at the user pool, and holds a WebSocket with one
subscription: most watch one device, some a whole account. Beside them front ends sign in and query. An event
is owed to each who watches its device or account, and to nobody else: the report has what came, what is
missing, what was shown to the wrong account, and the time from the event's acceptance to the subscriber.
"""

import sys
from dataclasses import replace

from harness.objectives import Objectives
from harness.scenario import LOCATION, Calls, Constant, Scenario, Traffic, Watchers, load_scenario

_everyday = load_scenario("baseline_day").population

scenario = Scenario(
    name="live_map",
    summary="Users sign in, query, and watch devices move: a thousand live subscriptions.",
    traffic=Traffic(
        Constant(per_s=80.0, mix=((LOCATION, 1.0),), cadence_s=6.0),
        calls=(
            Calls("graphql_device", Constant(10.0)),
            Calls("graphql_devices", Constant(2.0)),
            Calls("sign_in", Constant(1.0)),
        ),
    ),
    population=replace(_everyday, accounts=20, devices=2_000),
    watchers=Watchers(device_subscribers=980, account_subscribers=20),
    settings={"users": "20"},
    objectives=Objectives.of(
        *("stages.accepted_to_subscriber.p99<3s", "latency.p99<1s"),
        *("deliveries.subscription.missing==0", "deliveries.subscription.misdirected==0"),
        *("throughput.achieved_share>=99%", "ledger.missing==0", "ledger.duplicated==0"),
    ),
    duration_s=40.0,
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
