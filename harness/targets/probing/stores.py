"""Trials of what keeps things: S3, SQS, SSM, DynamoDB, Kinesis."""

from __future__ import annotations

from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from harness.targets.probing.bench import Bench, CannotDoIt


def answers(bench: Bench) -> str:
    """STS."""
    identity = bench.client("sts").get_caller_identity()
    return f"account {identity['Account']}"


def s3(bench: Bench) -> str:
    """An object, there and listed."""
    client, bucket = bench.client("s3"), bench.name("bucket")
    elsewhere = bench.cloud.region != "us-east-1"
    placed = {"CreateBucketConfiguration": {"LocationConstraint": bench.cloud.region}} if elsewhere else {}
    client.create_bucket(Bucket=bucket, **placed)
    bench.afterwards(f"the bucket {bucket}", lambda: client.delete_bucket(Bucket=bucket))
    for key in ("a/2", "a/1"):
        client.put_object(Bucket=bucket, Key=key, Body=b"kept")
        bench.afterwards(f"the object {key}", partial(client.delete_object, Bucket=bucket, Key=key))
    listed = [each["Key"] for each in client.list_objects_v2(Bucket=bucket, Prefix="a/").get("Contents", ())]
    if listed != ["a/1", "a/2"]:
        raise CannotDoIt(f"of two objects it lists {listed}")
    if client.get_object(Bucket=bucket, Key="a/1")["Body"].read() != b"kept":
        raise CannotDoIt("an object is not what was put")
    return "an object is there, and listed in order"


def make_queue(bench: Bench, thing: str) -> tuple[str, str]:
    """A queue of the trials: its URL and its ARN."""
    client = bench.client("sqs")
    url = str(client.create_queue(QueueName=bench.name(thing))["QueueUrl"])
    bench.afterwards(f"the queue {bench.name(thing)}", lambda: client.delete_queue(QueueUrl=url))
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, str(attributes["QueueArn"])


def sqs(bench: Bench) -> str:
    """A message, received once and then hidden, counted."""
    client, (url, _) = bench.client("sqs"), make_queue(bench, "messages")
    client.send_message(QueueUrl=url, MessageBody="kept")

    def receive() -> Any:
        return client.receive_message(QueueUrl=url, VisibilityTimeout=30).get("Messages")

    message = bench.until(receive, "a message that was sent is not received")[0]
    if message["Body"] != "kept":
        raise CannotDoIt("a message is not what was sent")
    if receive():
        raise CannotDoIt("a message that was received is received again at once")
    client.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    bench.until(receive, "a message that was given back is not received again")
    return "a message is hidden while it is held, and there again when it is given back"


def ssm(bench: Bench) -> str:
    """A parameter."""
    client, name = bench.client("ssm"), f"/{bench.name('parameter')}"
    client.put_parameter(Name=name, Value="kept", Type="String")
    bench.afterwards(f"the parameter {name}", lambda: client.delete_parameter(Name=name))
    if client.get_parameter(Name=name)["Parameter"]["Value"] != "kept":
        raise CannotDoIt("a parameter is not what was put")
    return "a parameter is there"


def make_table(bench: Bench, thing: str, *, stream: bool = False) -> dict[str, Any]:
    """A table of the trials with the key `id`, ready: its description."""
    client, table = bench.client("dynamodb"), bench.name(thing)
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **({"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}} if stream else {}),
    )
    bench.afterwards(f"the table {table}", lambda: client.delete_table(TableName=table))

    def ready() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_table(TableName=table)["Table"]
        return found if found["TableStatus"] == "ACTIVE" else None

    return bench.until(ready, "a table is not active")


def dynamodb(bench: Bench) -> str:
    """An item, and a condition that must not hold."""
    client, table = bench.client("dynamodb"), make_table(bench, "table")["TableName"]
    item = {"id": {"S": "a"}, "n": {"N": "1"}}
    client.put_item(TableName=table, Item=item)
    if client.get_item(TableName=table, Key={"id": {"S": "a"}}, ConsistentRead=True).get("Item") != item:
        raise CannotDoIt("an item is not what was put")
    try:
        client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(id)")
    except ClientError as why:
        if why.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return "an item is there, and not written again where a condition forbids it"
    raise CannotDoIt("a condition that does not hold does not stop a write")


def make_stream(bench: Bench, thing: str) -> str:
    """A stream of the trials of one shard, ready: its ARN."""
    client, stream = bench.client("kinesis"), bench.name(thing)
    client.create_stream(StreamName=stream, ShardCount=1)
    bench.afterwards(
        f"the stream {stream}",
        lambda: client.delete_stream(StreamName=stream, EnforceConsumerDeletion=True),
    )

    def ready() -> str | None:
        found = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        return str(found["StreamARN"]) if found["StreamStatus"] == "ACTIVE" else None

    return bench.until(ready, "a stream is not active")


def records(bench: Bench, stream: str) -> list[bytes]:
    """All that stands in a stream of one shard."""
    client = bench.client("kinesis")
    shard = client.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    at = client.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    answer = client.get_records(ShardIterator=at["ShardIterator"], Limit=100)
    return [bytes(each["Data"]) for each in answer["Records"]]


def kinesis(bench: Bench) -> str:
    """Records of a key, in their order."""
    client, stream = bench.client("kinesis"), bench.name("records")
    make_stream(bench, "records")
    sent = [b"1", b"2", b"3"]
    for data in sent:
        client.put_record(StreamName=stream, PartitionKey="k", Data=data)

    def there() -> list[bytes] | None:
        found = records(bench, stream)
        return found if len(found) >= len(sent) else None

    found = bench.until(there, "three records that were put are not read")
    if found != sent:
        raise CannotDoIt(f"records {sent} of one key are read as {found}")
    return "records of a key are read in their order"
