"""Whatever is sent, the answer is an answer or an error that AWS has."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb.service import OPERATIONS

KEY = {"id": {"S": "a"}}
EXPRESSION = {
    "ConditionExpression": "attribute_not_exists(#n) OR v < :v",
    "ExpressionAttributeNames": {"#n": "no"},
    "ExpressionAttributeValues": {":v": {"N": "5"}},
}
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/things"
VALID: dict[str, dict[str, Any]] = {
    "CreateTable": {
        "TableName": "more",
        "AttributeDefinitions": [
            {"AttributeName": "h", "AttributeType": "S"},
            {"AttributeName": "r", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_r",
                "KeySchema": [{"AttributeName": "r", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            }
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        "SSESpecification": {"Enabled": True, "SSEType": "KMS"},
        "Tags": [{"Key": "k", "Value": "v"}],
        "WarmThroughput": {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000},
    },
    "UpdateTable": {
        "TableName": "things",
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        "OnDemandThroughput": {"MaxReadRequestUnits": 1},
        "AttributeDefinitions": [{"AttributeName": "v", "AttributeType": "N"}],
        "GlobalSecondaryIndexUpdates": [
            {
                "Create": {
                    "IndexName": "by_v",
                    "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
                }
            }
        ],
    },
    "DescribeTable": {"TableName": "things"},
    "ListTables": {"Limit": 3, "ExclusiveStartTableName": "a"},
    "UpdateTimeToLive": {
        "TableName": "things",
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ends"},
    },
    "TagResource": {"ResourceArn": ARN, "Tags": [{"Key": "k", "Value": "v"}]},
    "UntagResource": {"ResourceArn": ARN, "TagKeys": ["k"]},
    "ListTagsOfResource": {"ResourceArn": ARN, "NextToken": "x"},
    "PutItem": {
        "TableName": "things",
        "Item": {**KEY, "v": {"N": "1"}, "m": {"M": {"l": {"L": [{"SS": ["x"]}, {"B": "YQ=="}]}}}},
        "ReturnValues": "ALL_OLD",
        **EXPRESSION,
    },
    "UpdateItem": {
        "TableName": "things",
        "Key": KEY,
        "UpdateExpression": "SET m.l[0] = :v ADD v :v REMOVE x DELETE z :s",
        "ReturnValues": "UPDATED_NEW",
        "ExpressionAttributeValues": {":v": {"N": "5"}, ":s": {"SS": ["x"]}},
    },
    "DeleteItem": {"TableName": "things", "Key": KEY, **EXPRESSION},
    "GetItem": {
        "TableName": "things",
        "Key": KEY,
        "ProjectionExpression": "v, m.l[0]",
        "ConsistentRead": True,
    },
    "Query": {
        "TableName": "things",
        "KeyConditionExpression": "id = :id",
        "FilterExpression": "v BETWEEN :v AND :v OR contains(m.l, :id)",
        "ExpressionAttributeValues": {":id": {"S": "a"}, ":v": {"N": "5"}},
        "ExclusiveStartKey": KEY,
        "Limit": 4,
    },
    "Scan": {
        "TableName": "things",
        "FilterExpression": "size(m) > :v",
        "ExpressionAttributeValues": {":v": {"N": "0"}},
        "Segment": 0,
        "TotalSegments": 2,
        "ExclusiveStartKey": KEY,
    },
    "BatchGetItem": {"RequestItems": {"things": {"Keys": [KEY], "ProjectionExpression": "v"}}},
    "BatchWriteItem": {
        "RequestItems": {
            "things": [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": {"id": {"S": "b"}}}}]
        }
    },
    "TransactGetItems": {"TransactItems": [{"Get": {"TableName": "things", "Key": KEY}}]},
    "TransactWriteItems": {
        "TransactItems": [
            {"Put": {"TableName": "things", "Item": KEY, **EXPRESSION}},
            {"ConditionCheck": {"TableName": "things", "Key": {"id": {"S": "b"}}, **EXPRESSION}},
        ],
        "ClientRequestToken": "t",
    },
}
ODD_VALUES = (
    None,
    True,
    -1,
    0,
    3,
    1.5,
    "",
    "x",
    "\x00é",
    "things",
    [],
    {},
    [None],
    [[]],
    [{}],
    {"S": 1},
    {"": ""},
)
CHANGES = 100


def places(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every member and element of a request."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for name, below in members for place in [(*at, name), *places(below, (*at, name))]]


def changed(request: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """The request with something in it replaced, renamed or left out."""
    twisted = copy.deepcopy(request)
    *above, last = draw.choice(places(request))
    parent = twisted
    for step in above:
        parent = parent[step]
    action = draw.randrange(6)
    if action == 0 and isinstance(parent, dict):
        del parent[last]
    elif action == 1 and isinstance(parent, dict):
        parent["Odd"] = parent.pop(last)
    else:
        parent[last] = copy.deepcopy(draw.choice(ODD_VALUES))
    return twisted


@pytest.mark.parametrize("operation", sorted(VALID))
def test_a_malformed_request_is_answered_with_an_error_of_awss(make_db: Any, operation: str) -> None:
    draw = random.Random(operation)
    for _ in range(CHANGES):
        db = make_db()
        db.create()
        db.put({**KEY, "v": {"N": "1"}, "m": {"M": {"l": {"L": [{"N": "1"}]}}}})
        request = changed(VALID[operation], draw)
        try:
            db(operation, **request)
        except AwsError:
            pass  # one of AWS's: as it should be
        except Exception as error:
            pytest.fail(f"{operation} {request}: {error!r}")
        assert db("DescribeTable", TableName="things")["Table"]["ItemCount"] <= 2


def test_most_operations_are_tried() -> None:
    untried = OPERATIONS.keys() - VALID.keys()
    assert untried == {
        "DeleteTable",
        "DescribeContinuousBackups",
        "DescribeLimits",
        "DescribeTimeToLive",
    }
