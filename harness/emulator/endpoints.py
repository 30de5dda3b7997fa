"""Which process answers which service, and the addresses that follow from it."""

from __future__ import annotations

from collections.abc import Mapping

STATE_SERVICES = ("dynamodb", "dynamodbstreams")
PUSH_SERVICES = ("appsync", "cognito-idp", "sns")
EDGE_SERVICES = ("apigateway", "kinesis", "lambda")
MOTO_DIRECT_SERVICES = ("logs", "s3", "sqs", "ssm", "sts")
"""What functions use of moto's often enough to go there without passing the edge."""
_SERVICE_IDS = {
    "apigateway": "API_GATEWAY",
    "cognito-idp": "COGNITO_IDENTITY_PROVIDER",
    "dynamodbstreams": "DYNAMODB_STREAMS",
    "logs": "CLOUDWATCH_LOGS",
}


def service_endpoints(processes: Mapping[str, str]) -> dict[str, str]:
    """boto3's service name to URL; `""` is the edge, which serves every service. `processes` maps the names
    edge, state, push and moto to their URLs."""
    return {
        "": processes["edge"],
        **dict.fromkeys(EDGE_SERVICES, processes["edge"]),
        **dict.fromkeys(STATE_SERVICES, processes["state"]),
        **dict.fromkeys(PUSH_SERVICES, processes["push"]),
        **dict.fromkeys(MOTO_DIRECT_SERVICES, processes["moto"]),
    }


def function_environment(processes: Mapping[str, str]) -> dict[str, str]:
    """The variables by which an AWS SDK inside a function finds the embedded AWS.

    docs: AWS SDKs and Tools Reference Guide, Service-specific endpoints (read 2026)."""
    variables = {}
    for service, url in service_endpoints(processes).items():
        suffix = _SERVICE_IDS.get(service, service.upper())
        variables[f"AWS_ENDPOINT_URL_{suffix}" if service else "AWS_ENDPOINT_URL"] = url
    return variables
