"""The product: it keeps the ids of the events that come, an object a batch."""

import base64
import json

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    records = [record["kinesis"] for record in event["Records"]]
    ids = [json.loads(base64.b64decode(record["data"]))["event_id"] for record in records]
    s3.put_object(Bucket="tiny", Key=f"seen/{records[0]['sequenceNumber']}", Body=json.dumps(ids))
