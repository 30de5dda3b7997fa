"""500 events a second through all of the platform: for `benchmarks/everything.py`."""

from harness.objectives import Objectives
from harness.scenario import LOCATION, Population, Scenario, Stages, Traffic, Watchers, load_scenario

_population = load_scenario("baseline_day").population

scenario = Scenario(
    name="everything",
    summary="Stored, archived, published, pushed to a thousand subscribers and posted to twenty webhooks.",
    # Ten seconds in which every function starts, then a minute at full rate.
    traffic=Traffic(
        Stages(
            ((8.0, 20.0), (2.0, 500.0), (60.0, 500.0)),
            start_per_s=20.0,
            mix=((LOCATION, 1.0),),
            cadence_s=2.0,
        )
    ),
    population=Population(
        accounts=20,
        devices=1_000,
        cities=_population.cities,
        tenant_skew=0.3,
        activities=(("drive", 1.0),),  # far enough between two fixes that none is discarded as unchanged
    ),
    watchers=Watchers(device_subscribers=1_000, webhooks=(("healthy", 20),)),
    objectives=Objectives.of(
        *("ledger.missing==0", "throughput.achieved_share>=99%"),
        *("deliveries.webhook.missing==0", "deliveries.subscription.missing==0"),
        *("stages.accepted_to_subscriber.p99<1s", "stages.accepted_to_webhook.p99<60s"),
        *("stages.accepted_to_processed.p99<60s", "latency.p99<60s"),
    ),
    settings={"webhook_hosts": "loopback", "users": "20"},
    duration_s=70.0,
)
