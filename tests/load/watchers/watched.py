from harness.scenario import LOCATION, City, Constant, Population, Scenario, Traffic, Watchers

scenario = Scenario(
    name="watched",
    summary="",
    traffic=Traffic(Constant(10.0, ((LOCATION, 1.0),), cadence_s=5.0)),
    population=Population(accounts=3, devices=100, cities=(City("A", 40.0, -74.0, utc_offset_h=-5),)),
    duration_s=20.0,
    watchers=Watchers(
        device_subscribers=4,
        account_subscribers=1,
        webhooks=(("healthy", 1), ("slow", 1), ("failing", 1), ("hanging", 1)),
    ),
)
