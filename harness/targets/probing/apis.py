"""Trials of API Gateway: one REST API with a method for each, executed over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.targets.probing.bench import Bench, CannotDoIt, Once
from harness.targets.probing.function import CONTEXT, ProbeFunction, make_role
from harness.targets.probing.stores import make_stream, records

_STAGE = "probe"
_TIMEOUT_S = 10.0


class Answer(NamedTuple):
    """What came back over HTTP; `status` 0 when nothing did, and `body` then says why."""

    status: int
    body: str


def ask(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """A GET, or a POST of `body`."""
    request = urllib.request.Request(url, body, dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            return Answer(answer.status, answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as refusal:
        return Answer(refusal.code, refusal.read().decode(errors="replace"))
    except OSError as why:
        return Answer(0, str(why))


class ProbeApi:
    """An API with `/mapping`, `/authorized` and `/proxy`, each added by its own trial and then deployed."""

    def __init__(self, bench: Bench, function: ProbeFunction) -> None:
        self._bench = bench
        self._function = function
        self._role: Once[str] = Once(lambda: make_role(bench, "api-role"))
        self._stream: Once[str] = Once(lambda: make_stream(bench, "called"))

    def mapping(self) -> str:
        """`PutRecord` by a template, without a function."""
        api = self._make("mapping")
        self._stream()
        self._put(api, "POST", "mapping", self._to_kinesis())
        body = json.dumps({"probe": self._bench.token})
        self._accepted(self._deployed(api) + "/mapping", body)
        self._there(body)
        return "a request stands in the stream as its template has it"

    def authorizer(self) -> str:
        """A TOKEN authorizer whose context the integration is given."""
        self._function.runs()
        api = self._make("authorizer")
        authorizer = self._bench.client("apigateway").create_authorizer(
            restApiId=api,
            name="probe",
            type="TOKEN",
            authorizerUri=self._uri(),
            identitySource="method.request.header.Authorization",
            authorizerResultTtlInSeconds=300,
        )["id"]
        self._let_in(api, f"authorizers/{authorizer}")
        self._let_in(api, "*/GET/authorized")
        self._put(api, "GET", "authorized", self._to_function(), authorizer)
        url = self._deployed(api) + "/authorized"
        answer = ask(url, headers={"Authorization": "Bearer probe"})
        if (answer.status, answer.body) != (200, CONTEXT):
            raise CannotDoIt(f"a request with a token was answered {answer.status} {_short(answer.body)}")
        without = ask(url)
        if without.status != 401:
            raise CannotDoIt(f"a request without a token is answered {without.status}, not 401")
        return "a request without a token is refused, and the function's context is handed on"

    def proxy(self) -> str:
        """AWS_PROXY."""
        self._function.runs()
        api = self._make("proxy")
        self._let_in(api, "*/GET/proxy")
        self._put(api, "GET", "proxy", self._to_function())
        answer = ask(self._deployed(api) + "/proxy")
        if (answer.status, answer.body) != (200, "of-the-function"):
            raise CannotDoIt(f"a request was answered {answer.status} {_short(answer.body)}")
        return "a function answered a request"

    # -- parts

    def _make(self, thing: str) -> str:
        gateway = self._bench.client("apigateway")
        api = str(gateway.create_rest_api(name=self._bench.name(thing))["id"])
        self._bench.afterwards(
            f"the API {self._bench.name(thing)}", lambda: gateway.delete_rest_api(restApiId=api)
        )
        return api

    def _put(
        self, api: str, verb: str, path: str, integration: dict[str, Any], authorizer: str | None = None
    ) -> None:
        gateway = self._bench.client("apigateway")
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]
        resource = gateway.create_resource(restApiId=api, parentId=root, pathPart=path)["id"]
        at = {"restApiId": api, "resourceId": resource, "httpMethod": verb}
        custom = {"authorizationType": "CUSTOM", "authorizerId": authorizer}
        gateway.put_method(**at, **(custom if authorizer else {"authorizationType": "NONE"}))
        answers = integration.pop("responses")
        gateway.put_integration(**at, integrationHttpMethod="POST", **integration)
        if answers:
            gateway.put_method_response(**at, statusCode="200")
            gateway.put_integration_response(
                **at, statusCode="200", responseTemplates={"application/json": '{"probe":"taken"}'}
            )

    def _to_function(self) -> dict[str, Any]:
        return {"type": "AWS_PROXY", "uri": self._uri(), "responses": False}

    def _to_kinesis(self) -> dict[str, Any]:
        stream = self._bench.name("called")
        template = (
            f'{{"StreamName":"{stream}","PartitionKey":"$context.requestId",'
            '"Data":"$util.base64Encode($input.body)"}'
        )
        region = self._bench.cloud.region
        return {
            "type": "AWS",
            "uri": f"arn:{self._bench.partition}:apigateway:{region}:kinesis:action/PutRecord",
            "credentials": self._role(),
            "requestParameters": {"integration.request.header.Content-Type": "'application/x-amz-json-1.1'"},
            "requestTemplates": {"application/json": template},
            "passthroughBehavior": "NEVER",
            "responses": True,
        }

    def _uri(self) -> str:
        lambda_ = f"arn:{self._bench.partition}:apigateway:{self._bench.cloud.region}:lambda"
        return f"{lambda_}:path/2015-03-31/functions/{self._function.arn()}/invocations"

    def _let_in(self, api: str, what: str) -> None:
        arn = self._function.arn()
        account = arn.split(":")[4]
        self._bench.client("lambda").add_permission(
            FunctionName=self._function.name,
            StatementId=f"probe-{api}-{sum(map(ord, what))}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:{self._bench.partition}:execute-api:{self._bench.cloud.region}:{account}:{api}/{what}",
        )

    def _deployed(self, api: str) -> str:
        """Deploy it; where it is executed."""
        self._bench.client("apigateway").create_deployment(restApiId=api, stageName=_STAGE)
        return execution_url(self._bench, api, _STAGE)

    def _accepted(self, url: str, body: str) -> None:
        answer = ask(url, body.encode(), {"Content-Type": "application/json"})
        if (answer.status, answer.body.replace(" ", "")) != (200, '{"probe":"taken"}'):
            raise CannotDoIt(f"a request was answered {answer.status} {_short(answer.body)}")

    def _there(self, said: str) -> None:
        wanted, found = said.encode(), records(self._bench, self._bench.name("called"))
        if wanted not in found:
            twice = b64encode(wanted) in found
            raise CannotDoIt(
                "the record is not what the template says" + (": it is encoded twice" if twice else "")
            )


def execution_url(bench: Bench, api: str, stage: str) -> str:
    """Where a deployed API is called: the form that local AWS's share."""
    endpoint = bench.cloud.endpoint("apigateway")
    if endpoint is None:
        return f"https://{api}.execute-api.{bench.cloud.region}.amazonaws.com/{stage}"
    return f"{endpoint}/_aws/execute-api/{api}/{stage}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 100 else f"{text[:97]}..."
