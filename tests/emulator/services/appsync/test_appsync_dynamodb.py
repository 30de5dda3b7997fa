"""The DynamoDB data source, against the owned DynamoDB in-process."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from harness.emulator.services.base import AwsError

SDL = """
type Query {
  device(account: ID!, id: ID!): Device
  devices(account: ID!, limit: Int, nextToken: String, filter: AWSJSON): Page!
  all(limit: Int, nextToken: String): Page
  many(keys: AWSJSON!): AWSJSON
  some(keys: AWSJSON!): AWSJSON
}
type Mutation {
  put(account: ID!, id: ID!, name: String, tags: [String], at: Float, ifNew: Boolean): Device
  rename(account: ID!, id: ID!, name: String!): Device
  remove(account: ID!, id: ID!, ifNamed: String): Device
  putAll(items: AWSJSON!): AWSJSON
  transact(items: AWSJSON!): AWSJSON
}
type Page { items: [Device]  nextToken: String  scannedCount: Int }
type Device { account: ID!  id: ID!  name: String  tags: [String]  at: Float  gone: String }
"""
KEY = """{
  "account": $util.dynamodb.toDynamoDBJson($ctx.args.account),
  "id": $util.dynamodb.toDynamoDBJson($ctx.args.id)
}"""
REQUESTS = {
    "Query.device": f'{{"version": "2018-05-29", "operation": "GetItem", "key": {KEY}, "consistentRead": true}}',  # noqa: E501
    "Query.devices": """{
      "version": "2018-05-29", "operation": "Query",
      "query": {
        "expression": "#a = :a",
        "expressionNames": {"#a": "account"},
        "expressionValues": {":a": $util.dynamodb.toDynamoDBJson($ctx.args.account)}
      },
      "limit": $util.defaultIfNull($ctx.args.limit, 10),
      "nextToken": $util.toJson($ctx.args.nextToken)
      #if($ctx.args.filter), "filter": $util.transform.toDynamoDBFilterExpression($ctx.args.filter) #end
    }""",
    "Query.all": """{"version": "2018-05-29", "operation": "Scan",
      "limit": $util.defaultIfNull($ctx.args.limit, 10), "nextToken": $util.toJson($ctx.args.nextToken)}""",
    "Query.many": """
      #set($keys = [])
      #foreach($key in $ctx.args.keys) $util.qr($keys.add($util.dynamodb.toMapValues($key))) #end
      {"version": "2018-05-29", "operation": "BatchGetItem",
       "tables": {"devices": {"keys": $util.toJson($keys), "consistentRead": true}}}""",
    "Query.some": """
      #set($gets = [])
      #foreach($key in $ctx.args.keys)
        $util.qr($gets.add({"table": "devices", "key": $util.dynamodb.toMapValues($key)}))
      #end
      {"version": "2018-05-29", "operation": "TransactGetItems", "transactItems": $util.toJson($gets)}""",
    "Mutation.put": f"""
      #set($values = $util.dynamodb.toMapValues($ctx.args))
      $util.qr($values.remove("ifNew"))
      {{"version": "2018-05-29", "operation": "PutItem", "key": {KEY},
        "attributeValues": $util.toJson($values)
        #if($ctx.args.ifNew == true), "condition": {{"expression": "attribute_not_exists(id)"}} #end
      }}""",
    "Mutation.rename": f"""{{"version": "2018-05-29", "operation": "UpdateItem", "key": {KEY},
        "update": {{"expression": "SET #n = :n", "expressionNames": {{"#n": "name"}},
                    "expressionValues": {{":n": $util.dynamodb.toDynamoDBJson($ctx.args.name)}}}},
        "condition": {{"expression": "attribute_exists(id)"}}}}""",
    "Mutation.remove": f"""{{"version": "2018-05-29", "operation": "DeleteItem", "key": {KEY}
        #if($ctx.args.ifNamed), "condition": {{"expression": "#n = :n", "expressionNames": {{"#n": "name"}},
          "expressionValues": {{":n": $util.dynamodb.toDynamoDBJson($ctx.args.ifNamed)}}}} #end }}""",
    "Mutation.putAll": """
      #set($items = [])
      #foreach($item in $ctx.args.items) $util.qr($items.add($util.dynamodb.toMapValues($item))) #end
      {"version": "2018-05-29", "operation": "BatchPutItem", "tables": {"devices": $util.toJson($items)}}""",
    "Mutation.transact": """
      {"version": "2018-05-29", "operation": "TransactWriteItems",
       "transactItems": $util.toJson($ctx.args.items)}""",
}
RESPONSE = """
#if($ctx.error) $util.error($ctx.error.message, $ctx.error.type, $ctx.error.data) #end
$util.toJson($ctx.result)
"""
PUT = """mutation($id: ID!, $name: String, $ifNew: Boolean) {
  put(account: "a", id: $id, name: $name, tags: ["x", "y"], at: 1.5, ifNew: $ifNew) { id name tags at gone }
}"""


@pytest.fixture
def api(appsync: Any) -> str:
    api_id: str = appsync.create_api(SDL)
    appsync.table(api_id, "devices", key="account", sort="id")
    for field, request in REQUESTS.items():
        appsync.resolver(api_id, field, request, RESPONSE, source="devices")
    return api_id


def put(appsync: Any, api: str, *ids: str, **variables: Any) -> Any:
    for device_id in ids:
        answer = appsync.query(api, PUT, id=device_id, **variables)
    return answer


def test_what_is_put_is_got(appsync: Any, api: str) -> None:
    device = {"id": "1", "name": "van", "tags": ["x", "y"], "at": 1.5, "gone": None}
    assert put(appsync, api, "1", name="van") == {"data": {"put": device}}
    query = '{ device(account: "a", id: "1") { id name tags at gone } }'
    assert appsync.query(api, query) == {"data": {"device": device}}
    assert appsync.calls.made[-1] == (
        "GetItem",
        {
            "TableName": "devices",
            "Key": {"account": {"S": "a"}, "id": {"S": "1"}},
            "ConsistentRead": True,
        },
    )


def test_what_is_not_there_is_null(appsync: Any, api: str) -> None:
    assert appsync.query(api, '{ device(account: "a", id: "?") { id } }') == {"data": {"device": None}}


def test_an_update_gives_the_item_and_a_delete_what_was(appsync: Any, api: str) -> None:
    put(appsync, api, "1", name="van")
    answer = appsync.query(api, 'mutation { rename(account: "a", id: "1", name: "bus") { name at } }')
    assert answer == {"data": {"rename": {"name": "bus", "at": 1.5}}}
    answer = appsync.query(api, 'mutation { remove(account: "a", id: "1") { name } }')
    assert answer == {"data": {"remove": {"name": "bus"}}}
    assert appsync.query(api, 'mutation { remove(account: "a", id: "1") { name } }') == {
        "data": {"remove": None}
    }


def test_pages_go_on_where_they_ended(appsync: Any, api: str) -> None:
    put(appsync, api, "1", "2", "3")
    query = 'query($t: String) { devices(account: "a", limit: 2, nextToken: $t) { items { id } nextToken scannedCount } }'  # noqa: E501
    first = appsync.query(api, query)["data"]["devices"]
    assert [item["id"] for item in first["items"]] == ["1", "2"]
    assert first["scannedCount"] == 2
    second = appsync.query(api, query, t=first["nextToken"])["data"]["devices"]
    assert [item["id"] for item in second["items"]] == ["3"]
    assert second["nextToken"] is None
    scanned = appsync.query(api, "{ all { items { id } } }")["data"]["all"]["items"]
    assert {item["id"] for item in scanned} == {"1", "2", "3"}


def test_a_token_that_nobody_gave_is_refused_before_dynamodb_sees_it(appsync: Any, api: str) -> None:
    import base64

    put(appsync, api, "1", "2")
    made = len(appsync.calls.made)
    key = {"account": {"S": "another"}, "id": {"S": "1"}}
    forged = base64.urlsafe_b64encode(b"0" * 32 + orjson.dumps(key)).decode()
    for token in (forged, "x", ""):
        query = "query($t: String) { all(nextToken: $t) { items { id } } }"
        answer = appsync.query(api, query, t=token)
        if token:
            assert answer["data"] == {"all": None}
            assert answer["errors"][0]["message"] == "Invalid pagination token given."
    assert len(appsync.calls.made) == made + 1


def test_clients_filters_become_expressions(appsync: Any, api: str) -> None:
    put(appsync, api, "1", name="white van")
    put(appsync, api, "2", name="white bus")
    query = 'query($f: AWSJSON) { devices(account: "a", filter: $f) { items { id } } }'
    found = appsync.query(api, query, f=orjson.dumps({"name": {"contains": "van"}}).decode())
    assert found["data"]["devices"]["items"] == [{"id": "1"}]
    either = {
        "or": [{"name": {"eq": "white bus"}}, {"name": {"beginsWith": "white v"}}],
        "at": {"between": [1, 2]},
    }
    found = appsync.query(api, query, f=orjson.dumps(either).decode())
    assert [item["id"] for item in found["data"]["devices"]["items"]] == ["1", "2"]


def test_text_stays_text_whatever_it_says(appsync: Any, api: str) -> None:
    """A value that looks like JSON, VTL or an expression is a value."""
    for text in (
        '"}, "operation": "Scan", "x": {"',
        "$ctx.identity #set($a = 1)",
        "id = :v OR 1 = 1",
        "\\u0022",
        "\n\0é😀",
    ):
        put(appsync, api, "1", name=text)
        answer = appsync.query(api, '{ device(account: "a", id: "1") { name } }')
        assert answer == {"data": {"device": {"name": text}}}
    assert {operation for operation, _ in appsync.calls.made} == {"PutItem", "GetItem"}


# -- conditions


def test_a_condition_that_fails_carries_the_item(appsync: Any, api: str) -> None:
    put(appsync, api, "1", name="van")
    answer = put(appsync, api, "1", name="other", ifNew=True)
    assert answer["data"] == {"put": None}
    error = answer["errors"][0]
    assert error["errorType"] == "DynamoDB:ConditionalCheckFailedException"
    assert error["message"].startswith("The conditional request failed (Service: DynamoDb, Status Code: 400")
    assert error["data"]["name"] == "van"
    assert appsync.calls.made[-1][0] == "GetItem"
    assert appsync.subscriptions.published == []


def test_a_write_that_was_made_already_counts_as_made(appsync: Any, api: str) -> None:
    put(appsync, api, "1", name="van", ifNew=True)
    assert put(appsync, api, "1", name="van", ifNew=True)["data"]["put"]["name"] == "van"
    query = 'mutation { remove(account: "a", id: "9", ifNamed: "x") { id } }'
    assert appsync.query(api, query) == {"data": {"remove": None}}


def test_an_update_of_nothing_fails_without_data(appsync: Any, api: str) -> None:
    answer = appsync.query(api, 'mutation { rename(account: "a", id: "9", name: "x") { id } }')
    assert answer["errors"][0]["errorType"] == "DynamoDB:ConditionalCheckFailedException"
    assert answer["errors"][0]["data"] is None


# -- batches and transactions


def test_batches_answer_in_the_order_of_their_keys(appsync: Any, api: str) -> None:
    items = [{"account": "a", "id": str(n)} for n in range(3)]
    query = "mutation($i: AWSJSON!) { putAll(items: $i) }"
    written = orjson.loads(appsync.query(api, query, i=orjson.dumps(items).decode())["data"]["putAll"])
    assert written["data"]["devices"] == items
    keys = [items[2], {"account": "a", "id": "none"}, items[0]]
    for field in ("many", "some"):
        query = "query($k: AWSJSON!) { %s(keys: $k) }" % field  # noqa: UP031
        found = orjson.loads(appsync.query(api, query, k=orjson.dumps(keys).decode())["data"][field])
        expected = [items[2], None, items[0]]
        assert (found["data"]["devices"] if field == "many" else found["items"]) == expected


def test_a_cancelled_transaction_says_why(appsync: Any, api: str) -> None:
    put(appsync, api, "1", name="van")
    key = {"account": {"S": "a"}, "id": {"S": "1"}}
    items = [
        {"table": "devices", "operation": "PutItem", "key": {**key, "id": {"S": "2"}}},
        {
            "table": "devices",
            "operation": "UpdateItem",
            "key": key,
            "update": {"expression": "SET x = :x", "expressionValues": {":x": {"N": "1"}}},
            "condition": {"expression": "attribute_not_exists(id)"},
        },
    ]
    query = "mutation($i: AWSJSON!) { transact(items: $i) }"
    error = appsync.query(api, query, i=orjson.dumps(items).decode())["errors"][0]
    assert error["errorType"] == "DynamoDB:TransactionCanceledException"
    reasons = error["data"]["cancellationReasons"]
    assert [reason["type"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["item"]["name"] == "van"
    del items[1]["condition"]
    done = orjson.loads(appsync.query(api, query, i=orjson.dumps(items).decode())["data"]["transact"])
    assert done == {
        "keys": [{"account": "a", "id": "2"}, {"account": "a", "id": "1"}],
        "cancellationReasons": None,
    }


# -- what goes wrong


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (AwsError("ProvisionedThroughputExceededException", "slow down"), "DynamoDB:ProvisionedThroughputExceededException"),  # noqa: E501
        (AwsError("ValidationException", "no"), "DynamoDB:DynamoDbException"),
        (AwsError("ServiceUnavailable", "gone", 503), "DynamoDB:DynamoDbException"),
    ],
)  # fmt: skip
def test_errors_of_dynamodb_reach_the_response_template(
    appsync: Any, api: str, failure: AwsError, kind: str
) -> None:
    appsync.calls.failure = failure
    error = appsync.query(api, '{ device(account: "a", id: "1") { id } }')["errors"][0]
    assert (error["errorType"], error["message"]) == (
        kind,
        f"{failure.message} (Service: DynamoDb, Status Code: {failure.status})",
    )


def test_the_old_version_ends_with_the_error(appsync: Any, api: str) -> None:
    old = REQUESTS["Query.device"].replace("2018-05-29", "2017-02-28")
    appsync(
        "POST",
        f"/v1/apis/{api}/types/Query/resolvers/device",
        dataSourceName="devices",
        requestMappingTemplate=old,
        responseMappingTemplate='{"account": "never", "id": "reached"}',
    )
    appsync.calls.failure = AwsError("ValidationException", "no")
    answer = appsync.query(api, '{ device(account: "a", id: "1") { id } }')
    assert answer["data"] == {"device": None}
    assert answer["errors"][0]["errorType"] == "DynamoDB:DynamoDbException"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("{}", "Value for field '$[version]' not found."),
        ('{"version": "2019-01-01"}', "Unsupported version '2019-01-01'."),
        ('{"version": "2018-05-29"}', "Value for field '$[operation]' not found."),
        (
            '{"version": "2018-05-29", "operation": "DropTable"}',
            "Unsupported operation 'DropTable' for a data source of type AMAZON_DYNAMODB.",
        ),
        ('{"version": "2018-05-29", "operation": "GetItem"}', "Value for field '$[key]' not found."),
        (
            '{"version": "2018-05-29", "operation": "GetItem", "key": 1}',
            "Value for field '$[key]' is not valid.",
        ),
        ('{"version": "2018-05-29", "operation": "Query"}', "Value for field '$[query]' not found."),
        ("{", "Unable to parse the JSON document: '"),
        ("#set($a = 1)", "Template transformation yielded an empty response."),
        ('{"version": "2018-05-29", "operation": "PutItem", "key": {"id": 1}}', ""),
    ],
)
def test_a_request_that_is_none_is_a_mapping_error(
    appsync: Any, api: str, request_: str, message: str
) -> None:
    appsync(
        "POST",
        f"/v1/apis/{api}/types/Query/resolvers/device",
        dataSourceName="devices",
        requestMappingTemplate=request_,
        responseMappingTemplate=RESPONSE,
    )
    answer = appsync.query(api, '{ device(account: "a", id: "1") { id } }')
    assert answer["data"] == {"device": None}
    error = answer["errors"][0]
    assert error["message"].startswith(message)
    assert error["errorType"] in ("MappingTemplate", "DynamoDB:DynamoDbException")
