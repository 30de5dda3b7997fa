# ruff: noqa: E501  AWS's messages stand whole, to be searched for

from __future__ import annotations

from typing import Any

import pytest

HASH_ONLY: dict[str, Any] = {
    "TableName": "things",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def test_a_table_is_described_as_it_was_created(db: Any) -> None:
    created = db("CreateTable", **HASH_ONLY, Tags=[{"Key": "team", "Value": "core"}])["TableDescription"]
    assert created["TableStatus"] == "CREATING"
    described = db("DescribeTable", TableName="things")["Table"]
    assert described == {
        "TableName": "things",
        "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/things",
        "TableId": created["TableId"],
        "TableStatus": "ACTIVE",
        "CreationDateTime": 1_700_000_000.0,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "ProvisionedThroughput": {
            "NumberOfDecreasesToday": 0,
            "ReadCapacityUnits": 0,
            "WriteCapacityUnits": 0,
        },
        "BillingModeSummary": {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": 1_700_000_000.0,
        },
        "ItemCount": 0,
        "TableSizeBytes": 0,
        "DeletionProtectionEnabled": False,
        "WarmThroughput": {"Status": "ACTIVE"},
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TableName": None}, "The parameter 'TableName' is required but was not present in the request"),
        ({"TableName": "ab"}, "TableName must be at least 3 characters long and at most 255 characters long"),
        (
            {"TableName": "a;b"},
            "1 validation error detected: Value 'a;b' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ),
        (
            {"AttributeDefinitions": None},
            "1 validation error detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"KeySchema": []},
            "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            {"KeySchema": [{"AttributeName": "id", "KeyType": "RANGE"}]},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            {"KeySchema": [{"AttributeName": "no", "KeyType": "HASH"}]},
            "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [no], AttributeDefinitions: [id]",
        ),
        (
            {
                "KeySchema": [
                    {"AttributeName": "id", "KeyType": "HASH"},
                    {"AttributeName": "id", "KeyType": "RANGE"},
                ]
            },
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            {
                "AttributeDefinitions": [
                    {"AttributeName": "id", "AttributeType": "S"},
                    {"AttributeName": "x", "AttributeType": "S"},
                ]
            },
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ),
        (
            {"BillingMode": "PROVISIONED"},
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        (
            {"StreamSpecification": {"StreamEnabled": True}},
            "One or more parameter values were invalid: StreamViewType is required when StreamEnabled is true",
        ),
        (
            {"ResourcePolicy": "{}"},
            "The parameter ResourcePolicy of CreateTable is not offered by Launchday's DynamoDB.",
        ),
    ],
)
def test_a_wrong_table_is_refused_in_aws_words(db: Any, changes: dict[str, Any], message: str) -> None:
    members = {name: value for name, value in {**HASH_ONLY, **changes}.items() if value is not None}
    error = db.fails("CreateTable", **members)
    assert (error.code, error.message) == ("ValidationException", message)
    assert db("ListTables") == {"TableNames": []}


def test_a_name_is_taken_once(db: Any) -> None:
    db("CreateTable", **HASH_ONLY)
    error = db.fails("CreateTable", **HASH_ONLY)
    assert (error.code, error.message) == ("ResourceInUseException", "Table already exists: things")


def test_a_deleted_table_is_gone_with_its_items(db: Any) -> None:
    db.create()
    db.put({"id": {"S": "a"}})
    assert db("DeleteTable", TableName="things")["TableDescription"]["TableStatus"] == "DELETING"
    error = db.fails("DescribeTable", TableName="things")
    assert (error.code, error.message) == (
        "ResourceNotFoundException",
        "Requested resource not found: Table: things not found",
    )
    assert db.gauges() == {}
    db.create()
    assert db.get({"id": {"S": "a"}}) is None


def test_deletion_protection_protects_until_it_is_lifted(db: Any) -> None:
    db.create(DeletionProtectionEnabled=True)
    assert "protected against deletion" in db.fails("DeleteTable", TableName="things").message
    db("UpdateTable", TableName="things", DeletionProtectionEnabled=False)
    db("DeleteTable", TableName="things")
    assert db("ListTables")["TableNames"] == []


def test_tables_are_listed_in_pages(db: Any) -> None:
    for name in ("ccc", "aaa", "bbb"):
        db.create(name)
    first = db("ListTables", Limit=2)
    assert first == {"TableNames": ["aaa", "bbb"], "LastEvaluatedTableName": "bbb"}
    assert db("ListTables", ExclusiveStartTableName="bbb") == {"TableNames": ["ccc"]}


def test_billing_can_be_changed_both_ways(db: Any) -> None:
    db.create()
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    db("UpdateTable", TableName="things", BillingMode="PROVISIONED", ProvisionedThroughput=units)
    described = db("DescribeTable", TableName="things")["Table"]
    assert described["ProvisionedThroughput"] == {"NumberOfDecreasesToday": 0, **units}
    assert described["BillingModeSummary"] == {"BillingMode": "PROVISIONED"}
    db("UpdateTable", TableName="things", BillingMode="PAY_PER_REQUEST")
    described = db("DescribeTable", TableName="things")["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_an_update_that_says_nothing_is_refused(db: Any) -> None:
    db.create()
    assert db.fails("UpdateTable", TableName="things").message.startswith(
        "At least one of ProvisionedThroughput"
    )


def test_tags(db: Any) -> None:
    arn = db.create(Tags=[{"Key": "b", "Value": "1"}])["TableArn"]
    db("TagResource", ResourceArn=arn, Tags=[{"Key": f"k{i:02d}", "Value": str(i)} for i in range(12)])
    db("UntagResource", ResourceArn=arn, TagKeys=["b", "never"])
    first = db("ListTagsOfResource", ResourceArn=arn)
    assert len(first["Tags"]) == 10
    rest = db("ListTagsOfResource", ResourceArn=arn, NextToken=first["NextToken"])
    assert rest == {"Tags": [{"Key": "k10", "Value": "10"}, {"Key": "k11", "Value": "11"}]}
    assert db.fails("ListTagsOfResource", ResourceArn=arn + "x").code == "ResourceNotFoundException"
    too_many = [{"Key": f"t{i}", "Value": ""} for i in range(51)]
    assert db.fails("TagResource", ResourceArn=arn, Tags=too_many).code == "LimitExceededException"


def test_continuous_backups_are_as_on_a_table_that_never_enabled_them(db: Any) -> None:
    db.create()
    assert db("DescribeContinuousBackups", TableName="things") == {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
        }
    }
    assert db.fails("DescribeContinuousBackups", TableName="nope").code == "TableNotFoundException"


def test_time_to_live_is_enabled_once_and_disabled(db: Any) -> None:
    db.create()

    def ask(enabled: bool, attribute: str = "ends_at") -> dict[str, Any]:
        return {
            "TableName": "things",
            "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": attribute},
        }

    assert db("DescribeTimeToLive", TableName="things") == {
        "TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}
    }
    assert db("UpdateTimeToLive", **ask(True)) == {
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ends_at"}
    }
    assert db("DescribeTimeToLive", TableName="things")["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "ends_at",
    }
    assert db.fails("UpdateTimeToLive", **ask(True)).message == "TimeToLive is already enabled"
    assert "different AttributeName" in db.fails("UpdateTimeToLive", **ask(False, "other")).message
    db("UpdateTimeToLive", **ask(False))
    assert db.fails("UpdateTimeToLive", **ask(False)).message == "TimeToLive is already disabled"


def test_limits_are_those_in_force(make_db: Any) -> None:
    from harness.aws.limits.profiles import FRESH

    assert make_db(FRESH)("DescribeLimits") == {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }
    assert "TableMaxReadCapacityUnits" not in make_db()("DescribeLimits")


def test_reset_forgets_everything(db: Any) -> None:
    db.create(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    db.run(db.service.reset())
    assert db("ListTables") == {"TableNames": []}
    assert db.read_streams("ListStreams") == {"Streams": []}
