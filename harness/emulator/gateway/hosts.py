"""What a Host header says, and whether it is one that this machine answers to.

A name that somebody else's DNS could point at 127.0.0.1 is unknown here; that is what stops DNS rebinding.
AWS's own names are known, because SDKs, Terraform and proxies send them with the address overridden.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

_LOCAL_SUFFIX = ".localhost.localstack.cloud"  # LocalStack's public name for 127.0.0.1
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)"
_EXECUTE_API = re.compile(rf"(?P<api>{_LABEL})\.execute-api\.{_REGION}\.amazonaws\.com(?:\.cn)?")
_GRAPHQL_API = re.compile(rf"(?P<api>{_LABEL})\.appsync-(?:realtime-)?api(?:\.{_REGION})?")
_BUCKET = re.compile(
    rf"(?P<bucket>.+)\.s3(?:[.-](?:dualstack\.)?{_REGION})?\.amazonaws\.com(?:\.cn)?", re.ASCII
)
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SUFFIX = r"\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
_REGIONAL_SERVICE = re.compile(rf"(?:{_LABEL}\.)?(?P<service>{_LABEL})[.-]{_REGION}{_SUFFIX}")
_GLOBAL_SERVICE = re.compile(rf"(?:{_LABEL}\.)?(?P<service>{_LABEL}){_SUFFIX}")


class Host(NamedTuple):
    """A Host header that is known. Empty strings stand for what it does not say."""

    service: str = ""
    region: str = ""
    api_id: str = ""
    bucket: str = ""


@lru_cache(maxsize=4096)
def parse_host(host: str) -> Host | None:
    """What the Host header `host` (with or without a port) names, or None when it is not known here."""
    name = _without_port(host.strip().lower())
    if name is None:
        return None
    if name == "localhost" or _is_address(name):
        return Host()
    if name.endswith(".localhost"):
        return _local(name.removesuffix(".localhost"))
    if name == _LOCAL_SUFFIX[1:]:
        return Host()
    if name.endswith(_LOCAL_SUFFIX):
        return _local(name.removesuffix(_LOCAL_SUFFIX))
    return _aws(name)


def _without_port(host: str) -> str | None:
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        return name if bracket and (not rest or re.fullmatch(r":\d+", rest)) else None
    name, colon, port = host.partition(":")
    if not name or (colon and not port.isdecimal()):
        return None
    return name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _local(labels: str) -> Host | None:
    """`labels` stands before a local suffix: an API, a bucket, or a service with or without its Region."""
    graphql = _GRAPHQL_API.fullmatch(labels)
    if graphql:
        return Host("appsync", region=graphql["region"] or "", api_id=graphql["api"])
    api, dot, rest = labels.partition(".execute-api")
    if dot and not rest:
        return Host("execute-api", api_id=api) if re.fullmatch(_LABEL, api) else None
    if labels == "s3" or labels.startswith("s3."):
        return Host("s3", region=labels.partition(".")[2])
    bucket = re.fullmatch(rf"(?P<bucket>.+)\.s3(?:\.{_REGION})?", labels)
    if bucket:
        return _bucket(bucket["bucket"], bucket["region"])
    service = re.fullmatch(rf"(?P<service>{_LABEL})\.{_REGION}", labels)
    if service:
        return Host(service["service"], region=service["region"])
    # `bucket.localhost` is how an SDK names a bucket at http://localhost; nothing else is named there.
    return _bucket(labels, None)


def _aws(name: str) -> Host | None:
    api = _EXECUTE_API.fullmatch(name)
    if api:
        return Host("execute-api", region=api["region"], api_id=api["api"])
    graphql = _GRAPHQL_API.fullmatch(name.removesuffix(".cn").removesuffix(".amazonaws.com"))
    if graphql and graphql["region"] and name.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Host("appsync", region=graphql["region"], api_id=graphql["api"])
    bucket = _BUCKET.fullmatch(name)
    if bucket:
        return _bucket(bucket["bucket"], bucket["region"])
    regional = _REGIONAL_SERVICE.fullmatch(name)
    if regional:
        return Host(regional["service"], region=regional["region"])
    service = _GLOBAL_SERVICE.fullmatch(name)
    return Host(service["service"]) if service else None


def _bucket(name: str, region: str | None) -> Host | None:
    return Host("s3", region=region or "", bucket=name) if _BUCKET_NAME.fullmatch(name) else None
