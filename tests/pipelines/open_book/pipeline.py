"""The reference pipeline, which tells a test what it must not find anywhere else: LAUNCHDAY_TEST_OUTPUTS is
the file that takes the outputs of its deployment, and what functions and endpoints are given."""

import json
import os
from pathlib import Path

from deploy.pipeline import LiveLocation


class OpenBook(LiveLocation):
    def deploy(self, cloud, parameters):
        outputs = super().deploy(cloud, parameters)
        cognito, live = cloud.client("cognito-idp"), outputs["live"]
        tokens = cognito.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=live["client_id"],
            AuthParameters={"USERNAME": live["sample_user"], "PASSWORD": live["sample_password"]},
        )["AuthenticationResult"]
        key = cloud.client("appsync").create_api_key(apiId=live["api_id"])["apiKey"]["id"]
        told = {"outputs": outputs, "tokens": tokens, "api_key": key}
        Path(os.environ["LAUNCHDAY_TEST_OUTPUTS"]).write_text(json.dumps(told))
        return outputs


pipeline = OpenBook("local")
