"""The handlers' DynamoDB client, whose batches go over the wire as plain JSON, against one of boto3's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from deploy.services.processing.handlers import aws
from harness.pipeline import Cloud

ITEM = {
    "device_key": {"S": "a/d \u00e9 \"'\\ \u2028"},
    "lat": {"N": "-0.1278"},
    "nested": {"M": {"flag": {"BOOL": True}, "none": {"NULL": True}, "list": {"L": [{"N": "1"}]}}},
}


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        aws.client.cache_clear()
        plain = aws.client("dynamodb")
        boto = Cloud("us-east-1", access_key_id="test", secret_access_key="test").client("dynamodb")
        boto.create_table(
            TableName="devices",
            KeySchema=[{"AttributeName": "device_key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "device_key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield plain, boto
        aws.client.cache_clear()


def test_what_is_written_plainly_boto3_reads_and_the_other_way_round(both: tuple[Any, Any]) -> None:
    plain, boto = both
    other = {"device_key": {"S": "other"}, "n": {"N": "1"}}
    answer = plain.batch_write_item(RequestItems={"devices": [{"PutRequest": {"Item": ITEM}}]})
    assert answer["UnprocessedItems"] == {}
    boto.batch_write_item(RequestItems={"devices": [{"PutRequest": {"Item": other}}]})
    keys = {"devices": {"Keys": [{"device_key": ITEM["device_key"]}, {"device_key": {"S": "other"}}]}}
    read = [client.batch_get_item(RequestItems=keys)["Responses"]["devices"] for client in both]
    assert read[0] == read[1] == [ITEM, other]


def test_errors_stay_botocores(both: tuple[Any, Any]) -> None:
    with pytest.raises(ClientError) as error:
        both[0].batch_get_item(RequestItems={"nowhere": {"Keys": [{"device_key": {"S": "x"}}]}})
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert hasattr(both[0].exceptions, "ProvisionedThroughputExceededException")


def test_a_setting_that_is_not_there_is_named() -> None:
    with pytest.raises(RuntimeError, match="NO_SUCH_SETTING"):
        aws.setting("NO_SUCH_SETTING")


def test_backoff_grows_and_stays_bounded() -> None:
    assert all(0 <= aws.backoff_s(attempt) <= min(2.0, 0.05 * 2**attempt) for attempt in range(1, 20))
