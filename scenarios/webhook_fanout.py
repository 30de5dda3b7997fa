"""Customers' webhooks side by side: sixteen healthy endpoints, two slow ones, one that fails, one that hangs.

Every live event of an account is owed to its endpoints. A healthy endpoint must not be late because another
customer's is slow, and what a failing or a hanging one does not take has to end in the dead-letter queue
after its retries, event by event. The retries are a second apart here where AWS's default is twenty, so that
a rehearsal sees their end; a request that hangs is still given up after SNS's fifteen seconds.
"""

import sys
from dataclasses import replace

from harness.objectives import Objectives
from harness.scenario import LOCATION, REGISTRATION, Constant, Scenario, Traffic, Watchers, load_scenario

_everyday = load_scenario("baseline_day").population

scenario = Scenario(
    name="webhook_fanout",
    summary="Healthy, slow, failing and hanging webhook endpoints, side by side.",
    traffic=Traffic(Constant(per_s=80.0, mix=((LOCATION, 0.95), (REGISTRATION, 0.05)), cadence_s=6.0)),
    population=replace(_everyday, accounts=20, devices=2_000, tenant_skew=0.3),
    watchers=Watchers(webhooks=(("healthy", 16), ("slow", 2), ("failing", 1), ("hanging", 1))),
    objectives=Objectives.of(
        *("stages.accepted_to_webhook.p99<4s", "latency.p99<500ms"),
        *("deliveries.webhook.healthy_undelivered==0", "deliveries.webhook.missing==0"),
        *("deliveries.webhook.dead_lettered>=1", "deliveries.webhook.misdirected==0"),
        *("throughput.achieved_share>=99%", "ledger.missing==0", "ledger.duplicated==0"),
    ),
    settings={"webhook_hosts": "loopback", "webhook_retry_delay_s": "1"},
    duration_s=40.0,
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
