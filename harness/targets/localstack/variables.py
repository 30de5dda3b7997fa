"""The environment variables of LocalStack's process: few of the user's, and what makes it run here.

docs: LocalStack, Configuration (docs.localstack.cloud/references/configuration); localstack/config.py of
4.14.0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from harness.emulator.companion.parts import PARTS, PARTS_VARIABLE

COMPANION_VARIABLE = "LAUNCHDAY_COMPANION_URL"
INSTANCE_VARIABLE = "LAUNCHDAY_LOCALSTACK_INSTANCE"
"""In the environment of all that LocalStack starts, so that what it leaves behind is found."""
LIFELINE_VARIABLE = "LAUNCHDAY_LIFELINE"
POLL_INTERVAL_S = "0.05"
"""How long event source mappings wait between two polls: with LocalStack's second it is a batch a second."""
MAX_POLL_BACKOFF_S = "1"
"""The longest wait of a mapping that has found nothing for a while, where LocalStack's is 10 s: AWS polls an
idle shard once a second. Half of it took a quarter of a core to find nothing in eight shards."""
KINESIS_LOG_LEVEL = "ERROR"
"""At `WARN` each refusal, of a stream that is not there yet say, is a page of JavaScript's stack; LocalStack
logs the refusal itself, in a line."""

_NO_LIMIT = 1_000_000_000
_ENFORCED = ("dynamodb_", "appsync_", "cognito_", "lambda_concurrent_executions")
"""The quotas, by how their names begin, that Launchday's parts hold, and one that LocalStack can be told."""

_UNPROXIED = ("NO_PROXY", "no_proxy")
"""Of the two, Python goes by the second alone where both are set."""
_OF_THE_USER = (
    *("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TZ", "USER"),
    *("CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", *_UNPROXIED),
    *("LOCALSTACK_API_KEY", "LOCALSTACK_AUTH_TOKEN", "DEBUG", "LS_LOG"),
)
_OF_PARTS: Mapping[str, tuple[str, ...]] = {
    "lambda": ("DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_SOCK", "DOCKER_TLS_VERIFY"),
    "dynamodb": ("JAVA_HOME",),
}
"""What LocalStack's own needs where Launchday's part is switched off."""


def localstack_variables(
    user: Mapping[str, str],
    *,
    data_dir: Path,
    extension: Path,
    port: int,
    companion_url: str,
    parts: Collection[str],
    instance: str,
    region: str,
    allow_origins: Collection[str] = (),
    concurrent_executions: float = 1_000,
) -> dict[str, str]:
    """All that LocalStack's process is to have in its environment.

    `user` is the environment of whoever starts it; `data_dir` is for all that it writes; `parts` are
    Launchday's own that are turned on, one at least; `concurrent_executions` is Lambda's quota."""
    off = [name for part in PARTS if part not in parts for name in _OF_PARTS.get(part, ())]
    kept = {name: user[name] for name in (*_OF_THE_USER, *off) if user.get(name)}
    unproxied = ",".join(filter(None, (*map(kept.get, _UNPROXIED), "127.0.0.1", "localhost")))
    variables = {
        **kept,
        **dict.fromkeys(_UNPROXIED, unproxied),
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(extension),
        "PYTHONUNBUFFERED": "1",
        # Where it listens, and by which name clients reach it: no name server is asked for a local address.
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "SQS_ENDPOINT_STRATEGY": "path",
        "DNS_ADDRESS": "0",
        "OVERRIDE_IN_DOCKER": "0",  # in a container that is not LocalStack's, too, it runs in host mode
        # What it writes.
        "FILESYSTEM_ROOT": str(filesystem(data_dir)),
        "CONFIG_DIR": str(data_dir / "config"),
        "XDG_CACHE_HOME": str(data_dir / "cache"),
        "TMPDIR": str(data_dir / "tmp"),
        # It neither tells anybody of its use nor fetches anything.
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "EAGER_SERVICE_LOADING": "0",
        "KINESIS_PERSISTENCE": "0",
        # An account's usual quotas of streams, where LocalStack's are 10 and 100.
        "KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT": "50",
        "KINESIS_SHARD_LIMIT": "500",
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": POLL_INTERVAL_S,
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": MAX_POLL_BACKOFF_S,
        "LAMBDA_LIMITS_CONCURRENT_EXECUTIONS": str(int(min(concurrent_executions, _NO_LIMIT))),
        COMPANION_VARIABLE: companion_url,
        PARTS_VARIABLE: ",".join(part for part in PARTS if part in parts),
        INSTANCE_VARIABLE: instance,
        LIFELINE_VARIABLE: "1",
    }
    if "LS_LOG" not in kept:  # else it is by that what Kinesis logs
        variables["KINESIS_MOCK_LOG_LEVEL"] = KINESIS_LOG_LEVEL
    if "lambda" in parts:
        variables["LAMBDA_RUNTIME_EXECUTOR"] = "launchday"
    if allow_origins:
        variables["EXTRA_CORS_ALLOWED_ORIGINS"] = ",".join(allow_origins)
    return variables


def is_enforced(limit: str) -> bool:
    """Whether a quota of Limits, by its name, is enforced on LocalStack."""
    return limit.startswith(_ENFORCED)


def filesystem(data_dir: Path) -> Path:
    """The folder that LocalStack takes for the root of its file system."""
    return data_dir / "filesystem"


def make_folders(data_dir: Path, libraries: Path) -> None:
    """The folders that the variables name; the environment's packages are where LocalStack looks for them."""
    for name in ("config", "cache", "tmp"):
        (data_dir / name).mkdir(parents=True, exist_ok=True)
    static = filesystem(data_dir) / "usr" / "lib" / "localstack"
    static.parent.mkdir(parents=True, exist_ok=True)
    if not static.is_symlink():
        static.symlink_to(libraries, target_is_directory=True)
