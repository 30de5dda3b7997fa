"""The errors that Kinesis answers, each with AWS's own wording.

The wording of those marked (ours) is not documented by AWS; their codes are.
"""

from __future__ import annotations

from harness.emulator.services.base import AwsError, CallContext


def stream_not_found(name: str, context: CallContext) -> AwsError:
    """There is no such stream, or it is still being created."""
    return AwsError(
        "ResourceNotFoundException", f"Stream {name} under account {context.account_id} not found."
    )


def shard_does_not_exist(shard_id: str, stream: str, context: CallContext) -> AwsError:
    """A read names a shard that the stream does not have."""
    return AwsError(
        "ResourceNotFoundException",
        f"Shard {shard_id} in stream {stream} under account {context.account_id} does not exist",
    )


def shard_not_found(shard_id: str, stream: str, context: CallContext) -> AwsError:
    """A reshard names a shard that the stream does not have, or something that is no shard id."""
    return AwsError(
        "ResourceNotFoundException",
        f"Could not find shard {shard_id} in stream {stream} under account {context.account_id}.",
    )


def stream_exists(name: str, context: CallContext) -> AwsError:
    """A stream is created twice."""
    return AwsError(
        "ResourceInUseException", f"Stream {name} under account {context.account_id} already exists."
    )


def stream_not_active(name: str, status: str, context: CallContext) -> AwsError:
    """A stream is changed while it is CREATING, UPDATING or DELETING."""
    return AwsError(
        "ResourceInUseException",
        f"Stream {name} under account {context.account_id} not ACTIVE, instead in state {status}",
    )


def invalid_argument(message: str) -> AwsError:
    """An argument that is well-formed and still wrong."""
    return AwsError("InvalidArgumentException", message)


def limit_exceeded(message: str) -> AwsError:
    """A quota of the account or the stream is used up."""
    return AwsError("LimitExceededException", message)


def validation(message: str) -> AwsError:
    """A combination of arguments that the operation does not allow."""
    return AwsError("ValidationException", message)


def rate_exceeded_message(shard_id: str, stream: str, account_id: str) -> str:
    """What a throttled caller reads, in PutRecord's error and in each refused entry of PutRecords."""
    return f"Rate exceeded for shard {shard_id} in stream {stream} under account {account_id}."


def throughput_exceeded(shard_id: str, stream: str, context: CallContext) -> AwsError:
    """A shard's write or read limit is used up for now."""
    return AwsError(
        "ProvisionedThroughputExceededException",
        rate_exceeded_message(shard_id, stream, context.account_id),
    )


INTERNAL_FAILURE_MESSAGE = "Internal service failure."


def internal_failure() -> AwsError:
    """The service itself could not do it: a full disk, a lost file."""
    return AwsError("InternalFailure", INTERNAL_FAILURE_MESSAGE, 500)


def not_offered(operation: str) -> AwsError:
    """Kinesis has this operation, the embedded AWS does not (ours)."""
    return AwsError(
        "UnknownOperationException",
        f"The embedded Kinesis does not offer {operation}. It is an operation of Kinesis Data Streams, "
        "but nothing behind it is rehearsed here.",
    )


def member_not_offered(operation: str, member: str) -> AwsError:
    """The operation is there, but this member of its input is not (ours)."""
    return invalid_argument(f"The embedded Kinesis does not offer {member} in {operation}.")


def unknown_operation(operation: str) -> AwsError:
    """Kinesis has no such operation (ours)."""
    return AwsError("UnknownOperationException", f"Kinesis has no operation {operation}.")
