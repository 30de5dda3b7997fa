"""Deploys the reference pipeline as `launchday up` does, on the LocalStack that LAUNCHDAY_ENDPOINT_URL names.

Run by ready.d/10-deploy-pipeline.sh with Launchday's own Python. What stands as described already is left as
it is, so it may run any number of times. LAUNCHDAY_SCENARIO is the scenario that the pipeline is sized for.
"""

from __future__ import annotations

import os
import sys

from harness.conductor import deploy
from harness.errors import LaunchdayError
from harness.pipeline_loader import REFERENCE_PIPELINE, load_pipeline
from harness.scenario import load_scenario
from harness.targets.local import local_cloud

DEFAULT_URL = "http://127.0.0.1:4566"
DEFAULT_SCENARIO = "mass_registration"


def main() -> int:
    """The exit code."""
    url = os.environ.get("LAUNCHDAY_ENDPOINT_URL", DEFAULT_URL)
    region = os.environ.get("LAUNCHDAY_REGION", "us-east-1")
    try:
        scenario = load_scenario(os.environ.get("LAUNCHDAY_SCENARIO", DEFAULT_SCENARIO))
        pipeline = load_pipeline(REFERENCE_PIPELINE)
        deploy(pipeline, local_cloud({"": url}, region), scenario, {})
    except LaunchdayError as error:
        print(f"The pipeline is not deployed. {error}", file=sys.stderr)
        return error.exit_code
    print(f"{pipeline.name} stands on {url}, sized for {scenario.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
