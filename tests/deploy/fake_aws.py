"""The operations that the handlers call, in memory, with the failures that a test asks for."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any


class Throttled(Exception):
    pass


class FakeAws:
    """One account. `client(service)` gives the client; each may be told to fail."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}
        self.writes: list[dict[str, Any]] = []
        self.letters: list[dict[str, Any]] = []
        self.handovers: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.fails: dict[str, Callable[[Mapping[str, Any]], BaseException | None]] = {}
        self.refused_keys: set[str] = set()
        self.exceptions = type("exceptions", (), {"ProvisionedThroughputExceededException": Throttled})

    def client(self, _service: str) -> FakeAws:
        return self

    def _called(self, operation: str, given: Mapping[str, Any]) -> None:
        self.calls.append(operation)
        failure = self.fails.get(operation, lambda _: None)(given)
        if failure is not None:
            raise failure

    def batch_get_item(self, **given: Any) -> dict[str, Any]:
        self._called("batch_get_item", given)
        [(table, request)] = given["RequestItems"].items()
        keys = [key["device_key"]["S"] for key in request["Keys"]]
        assert len(keys) <= 100
        assert len(set(keys)) == len(keys)
        found = [copy.deepcopy(self.items[key]) for key in keys if key in self.items]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def batch_write_item(self, **given: Any) -> dict[str, Any]:
        self._called("batch_write_item", given)
        [(table, puts)] = given["RequestItems"].items()
        assert 0 < len(puts) <= 25
        unprocessed = []
        for put in puts:
            item = put["PutRequest"]["Item"]
            if item["device_key"]["S"] in self.refused_keys:
                unprocessed.append(put)
            else:
                self.items[item["device_key"]["S"]] = copy.deepcopy(item)
                self.writes.append(copy.deepcopy(item))
        return {"UnprocessedItems": {table: unprocessed} if unprocessed else {}}

    def put_object(self, **given: Any) -> dict[str, Any]:
        self._called("put_object", given)
        self.objects[given["Key"]] = given["Body"]
        return {}

    def invoke(self, **given: Any) -> dict[str, Any]:
        self._called("invoke", given)
        assert given["InvocationType"] == "Event"
        assert len(given["Payload"]) < 256 * 1024
        self.handovers.append(json.loads(given["Payload"]))
        return {"StatusCode": 202}

    def send_message_batch(self, **given: Any) -> dict[str, Any]:
        self._called("send_message_batch", given)
        assert len(given["Entries"]) <= 10
        self.letters += [json.loads(entry["MessageBody"]) for entry in given["Entries"]]
        return {"Successful": []}

    def documents(self, prefix: str) -> list[dict[str, Any]]:
        """The audit objects under `prefix`."""
        return [
            json.loads(gzip.decompress(body))
            for key, body in sorted(self.objects.items())
            if key.startswith(prefix)
        ]
