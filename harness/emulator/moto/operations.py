"""What a request to one of moto's services is: the operation's name and the resource it is about.

docs: Amazon S3 API Reference (read 2026) for the S3 operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote

import orjson

from harness.emulator.billed import PARAMETERS
from harness.emulator.services.base import AwsRequest

_SERVICE_NAMES = {"monitoring": "cloudwatch", "states": "stepfunctions", "email": "ses"}
_SUBRESOURCES: Mapping[str, str] = {
    "accelerate": "BucketAccelerateConfiguration",
    "analytics": "BucketAnalyticsConfiguration",
    "cors": "BucketCors",
    "encryption": "BucketEncryption",
    "intelligent-tiering": "BucketIntelligentTieringConfiguration",
    "inventory": "BucketInventoryConfiguration",
    "lifecycle": "BucketLifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "metrics": "BucketMetricsConfiguration",
    "notification": "BucketNotificationConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "PublicAccessBlock",
    "replication": "BucketReplication",
    "requestPayment": "BucketRequestPayment",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_OBJECT_SUBRESOURCES: Mapping[str, str] = {
    "acl": "Acl",
    "attributes": "Attributes",
    "legal-hold": "LegalHold",
    "retention": "Retention",
    "tagging": "Tagging",
    "torrent": "Torrent",
}


class Operation(NamedTuple):
    """`service` is boto3's name of it. `resource` is as the meters name it, empty when not told."""

    service: str
    name: str
    resource: str = ""


def operation_of(scope: str, request: AwsRequest) -> Operation:
    """The operation that `request`, routed to the credential scope `scope`, asks for."""
    service = _SERVICE_NAMES.get(scope, scope)
    if service == "s3":
        return s3_operation(request)
    name = _named(request)
    if service == "sqs":
        return Operation(service, name, _queue(request))
    if service == "logs":
        return Operation(service, name, _member(request, "logGroupName"))
    if service == "ssm":
        return Operation(service, name, PARAMETERS)
    return Operation(service, name)


def s3_operation(request: AwsRequest) -> Operation:
    """S3's operation by method, path and query; the resource is `<bucket>/<first segment of the key>`."""
    bucket, _, key = unquote(request.path.lstrip("/")).partition("/")
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    resource = f"{bucket}/{key.split('/', 1)[0]}" if key else bucket
    name = _object_operation(request, query) if key else _bucket_operation(request.method, bucket, query)
    return Operation("s3", name, resource)


def _object_operation(request: AwsRequest, query: Mapping[str, str]) -> str:
    method = request.method
    verb = {"PUT": "Put", "GET": "Get", "DELETE": "Delete", "HEAD": "Head"}.get(method, "Post")
    if "uploadId" in query:
        copied = "x-amz-copy-source" in request.headers
        return {
            "PUT": "UploadPartCopy" if copied else "UploadPart",
            "POST": "CompleteMultipartUpload",
            "DELETE": "AbortMultipartUpload",
        }.get(method, "ListParts")
    if method == "POST":
        for marker, name in (
            ("uploads", "CreateMultipartUpload"),
            ("select", "SelectObjectContent"),
            ("restore", "RestoreObject"),
        ):
            if marker in query:
                return name
        return "PostObject"
    for marker, suffix in _OBJECT_SUBRESOURCES.items():
        if marker in query:
            return f"{verb}Object{suffix}"
    if method == "PUT" and "x-amz-copy-source" in request.headers:
        return "CopyObject"
    return f"{verb}Object"


def _bucket_operation(method: str, bucket: str, query: Mapping[str, str]) -> str:
    if not bucket:
        return "ListBuckets"
    for marker, noun in _SUBRESOURCES.items():
        if marker in query:
            return f"{ {'PUT': 'Put', 'DELETE': 'Delete'}.get(method, 'Get') }{noun}"
    for marker, noun in (("acl", "BucketAcl"), ("tagging", "BucketTagging")):
        if marker in query:
            return f"{ {'PUT': 'Put', 'DELETE': 'Delete'}.get(method, 'Get') }{noun}"
    if method == "POST":
        return "DeleteObjects" if "delete" in query else "PostObject"
    if method == "GET":
        if "uploads" in query:
            return "ListMultipartUploads"
        if "versions" in query:
            return "ListObjectVersions"
        return "ListObjectsV2" if query.get("list-type") == "2" else "ListObjects"
    return {"PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "HeadBucket"}.get(
        method, f"{method} bucket"
    )


def _named(request: AwsRequest) -> str:
    """JSON protocols name the operation in a header, query protocols in Action; REST ones do not name it."""
    target = request.headers.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    fields = parse_qs(request.body.decode("latin-1")) if form else parse_qs(request.query)
    action = fields.get("Action")
    return action[0] if action else f"{request.method} {request.path}"


def _queue(request: AwsRequest) -> str:
    """The queue's name, the last segment of its URL."""
    url = _member(request, "QueueUrl") or _member(request, "QueueName")
    if not url and request.path.count("/") >= 2:
        url = request.path
    return url.rstrip("/").rpartition("/")[2]


def _member(request: AwsRequest, name: str) -> str:
    """A member of the input that is a string: of a JSON body or of a form."""
    if "x-amz-target" in request.headers:
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            return ""
        value = body.get(name) if isinstance(body, dict) else None
        return value if isinstance(value, str) else ""
    found = parse_qs(request.body.decode("latin-1")).get(name)
    return found[0] if found else ""
