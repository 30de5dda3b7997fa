"""What a product shows of a run: its evidence, read as often as it is asked, and the ledger that it makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import MeasurementInvalid
from harness.load.devices import make_devices
from harness.load.events import columns_of, events_of
from harness.load.watchers.endpoints import number_of
from harness.load.watchers.posts import posts
from harness.measure.deliveries import Assigned, Deliveries, reconcile_deliveries
from harness.measure.ledger import Ledger
from harness.measure.run_folder import RunFolder
from harness.pipeline import Cloud, Outputs, Pipeline
from harness.pipeline_loader import asking, watchable
from harness.scenario import Scenario


@dataclass(frozen=True)
class Evidence:
    """Of run `run_id`, whose folder has what the generator and the watchers wrote."""

    scenario: Scenario
    pipeline: Pipeline
    run_id: str
    cloud: Cloud
    outputs: Outputs
    folder: RunFolder

    def read(self) -> Ledger:
        """A ledger of what there is now. Raises MeasurementInvalid."""
        acceptance = self.folder.acceptance()
        if acceptance is None:
            raise MeasurementInvalid("The load generator left no record of what was accepted.")
        ledger = Ledger(acceptance, self.run_id)
        with asking(self.pipeline, "show its evidence", MeasurementInvalid):
            ledger.record_many(self.pipeline.evidence(self.cloud, self.outputs, self.run_id))
        return ledger

    def reconcile(self) -> None:
        """Hold the evidence against what was promised, predicted and owed, and keep it all in the folder.
        Raises MeasurementInvalid."""
        scenario, ledger = self.scenario, self.read()
        summary = self.folder.load_summary()
        if summary is not None:
            started_at_s = float(summary["started_at_s"])
            events = events_of(scenario, scenario.seed, self.run_id, started_at_s)
            with asking(self.pipeline, "predict outcomes", MeasurementInvalid):
                ledger.predict_many(self.pipeline.predict(events))
            if scenario.watchers is not None:
                self.folder.write_deliveries(self._deliveries(started_at_s, ledger, self._lost_deliveries()))
        self.folder.write_ledger(ledger)

    def _lost_deliveries(self) -> list[tuple[int, int]]:
        """(ordinal, watcher) of the deliveries that the pipeline says were given up."""
        tells = watchable(self.pipeline, self.scenario.name)
        with asking(self.pipeline, "show its lost deliveries", MeasurementInvalid):
            lost = list(tells.lost_deliveries(self.cloud, self.outputs, self.run_id))
        return [
            (int(each.event_id.rpartition("-")[2]), number)
            for each in lost
            if (number := number_of(each.url)) is not None
        ]

    def _deliveries(self, started_at_s: float, ledger: Ledger, lost: Iterable[tuple[int, int]]) -> Deliveries:
        """Who was told of what, against who was owed it. Raises MeasurementInvalid when nobody kept
        receipts."""
        scenario = self.scenario
        receipts = self.folder.receipts()
        if receipts is None:
            raise MeasurementInvalid("The watchers left no record of what they were told.")
        tells = watchable(self.pipeline, scenario.name)
        assigned = [
            Assigned(
                post.number,
                post.watcher.channel,
                post.watcher.account,
                post.device,
                post.behaviour,
                tells.owed_kinds(post.watcher.channel),
            )
            for post in posts(scenario, make_devices(scenario.population, scenario.seed), self.run_id)
        ]
        columns = columns_of(scenario, scenario.seed, started_at_s)
        events = len(ledger.live)
        return reconcile_deliveries(columns.first(events), ledger.live, assigned, receipts, lost)
