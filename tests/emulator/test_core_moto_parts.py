"""The parts of the moto process that need no moto."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.emulator import billed
from harness.emulator.billed import Prefixes
from harness.emulator.moto.blobs import Blob, BlobFiles, BlobStore
from harness.emulator.moto.bounds import BoundedList, LogGroupBudget, RecentSet
from harness.emulator.moto.metering import bounded, count, sqs_payload_bytes
from harness.emulator.moto.operations import Operation, operation_of, s3_operation
from harness.emulator.moto.waiting import Waits
from harness.emulator.moto.wsgi import environ_of, run_wsgi
from harness.emulator.services.base import AwsRequest, AwsResponse, CallContext
from harness.measure.meters import Meters


def request(
    method: str, path: str, query: str = "", headers: dict[str, str] | None = None, body: bytes = b""
) -> AwsRequest:
    context = CallContext(trace_id="1-abc")
    return AwsRequest(method, path, query, {"host": "127.0.0.1", **(headers or {})}, body, context)


# Bodies on disk


def test_a_body_reads_back_as_written_whole_or_in_blocks(tmp_path: Path) -> None:
    blob = BlobFiles(BlobStore(tmp_path)).SpooledTemporaryFile(16)
    assert blob.read() == b""
    blob.write(b"hello world")
    blob.seek(0)
    assert (blob.read(5), blob.read(100), blob.read(1)) == (b"hello", b" world", b"")
    blob.seek(0)
    blob.truncate()
    blob.write(b"again")
    blob.seek(0)
    assert blob.read() == b"again"


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_bodies_stay_apart_and_segments_go_when_all_of_theirs_are_gone(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("blobs")
    store = BlobStore(folder, segment_bytes=256)
    blobs = [Blob(store) for _ in bodies]
    for blob, body in zip(blobs, bodies, strict=True):
        blob.write(body)
    for blob, body in zip(blobs, bodies, strict=True):
        blob.seek(0)
        assert blob.read() == body
    for blob in blobs:
        blob.close()
        blob.close()
    assert len(list(folder.iterdir())) <= 1
    store.close()


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_a_thousand_bodies_hold_no_file_open(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    before = open_files()
    blobs = [Blob(store) for _ in range(1000)]
    for blob in blobs:
        blob.write(b"x" * 100)
        blob.seek(0)
        blob.read()
    assert open_files() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_what_an_earlier_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "00000009.blobs").write_bytes(b"old")
    BlobStore(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["00000001.blobs"]


# Bounds


def stream() -> SimpleNamespace:
    return SimpleNamespace(events=[])


def test_a_log_group_lets_its_oldest_events_go_whichever_stream_holds_them() -> None:
    budget, a, b = LogGroupBudget(bound=5), stream(), stream()
    for number, (target, events) in enumerate([(a, 3), (b, 2), (a, 2), (b, 1)]):
        target.events += [f"{number}.{n}" for n in range(events)]
        budget.added(target, events)
    assert (a.events, b.events) == (["2.0", "2.1"], ["1.0", "1.1", "3.0"])


def test_a_deleted_stream_no_longer_counts() -> None:
    budget, a, b = LogGroupBudget(bound=5), stream(), stream()
    a.events += [1, 2, 3, 4]
    budget.added(a, 4)
    budget.forget(a)
    b.events += [1, 2, 3, 4, 5]
    budget.added(b, 5)
    assert b.events == [1, 2, 3, 4, 5]


def test_one_batch_larger_than_the_bound_keeps_its_end() -> None:
    budget, a = LogGroupBudget(bound=3), stream()
    a.events += list(range(10))
    budget.added(a, 10)
    assert a.events == [7, 8, 9]


def test_long_log_lines_go_sooner_than_short_ones() -> None:
    budget, a, b = LogGroupBudget(bound=100, max_bytes=1000), stream(), stream()
    for number, (target, size_bytes) in enumerate([(a, 600), (b, 300), (a, 400), (b, 2000)]):
        target.events += [f"{number}.0", f"{number}.1"]
        budget.added(target, 2, size_bytes)
        if number == 2:
            assert (a.events, b.events) == (["2.0", "2.1"], ["1.0", "1.1"])
    assert (a.events, b.events) == ([], [])


@given(st.integers(1, 50), st.integers(0, 300))
def test_a_bounded_list_holds_the_last_ones(bound: int, appended: int) -> None:
    bounded = BoundedList(bound)
    for number in range(appended):
        bounded.append(number)
    assert len(bounded) <= bound
    assert list(bounded) == list(range(appended))[appended - len(bounded) :]
    assert len(bounded) >= min(appended, bound - bound // 10 - 1)


def test_a_recent_set_forgets_the_first_ones() -> None:
    recent = RecentSet(2)
    recent.update(["a", "b"])
    recent.update(["c"])
    assert ("a" in recent, "b" in recent, "c" in recent) == (False, True, True)


# Operations

COPY = {"x-amz-copy-source": "/b/k"}
S3_TABLE = [
    ("GET", "/", "", {}, "ListBuckets", ""),
    ("PUT", "/b", "", {}, "CreateBucket", "b"),
    ("HEAD", "/b/", "", {}, "HeadBucket", "b"),
    ("DELETE", "/b", "", {}, "DeleteBucket", "b"),
    ("GET", "/b", "list-type=2&prefix=x", {}, "ListObjectsV2", "b"),
    ("GET", "/b", "", {}, "ListObjects", "b"),
    ("GET", "/b", "versions", {}, "ListObjectVersions", "b"),
    ("GET", "/b", "uploads", {}, "ListMultipartUploads", "b"),
    ("PUT", "/b", "policy", {}, "PutBucketPolicy", "b"),
    ("GET", "/b", "location", {}, "GetBucketLocation", "b"),
    ("DELETE", "/b", "tagging", {}, "DeleteBucketTagging", "b"),
    ("POST", "/b", "delete", {}, "DeleteObjects", "b"),
    ("PUT", "/b/audit/date=1/x", "", {}, "PutObject", "b/audit"),
    ("PUT", "/b/k", "", COPY, "CopyObject", "b/k"),
    ("GET", "/b/audit%2Fx", "", {}, "GetObject", "b/audit"),
    ("HEAD", "/b/k", "", {}, "HeadObject", "b/k"),
    ("DELETE", "/b/k", "versionId=1", {}, "DeleteObject", "b/k"),
    ("GET", "/b/k", "tagging", {}, "GetObjectTagging", "b/k"),
    ("POST", "/b/k", "uploads", {}, "CreateMultipartUpload", "b/k"),
    ("PUT", "/b/k", "partNumber=1&uploadId=u", {}, "UploadPart", "b/k"),
    ("PUT", "/b/k", "partNumber=1&uploadId=u", COPY, "UploadPartCopy", "b/k"),
    ("POST", "/b/k", "uploadId=u", {}, "CompleteMultipartUpload", "b/k"),
    ("DELETE", "/b/k", "uploadId=u", {}, "AbortMultipartUpload", "b/k"),
    ("GET", "/b/k", "uploadId=u", {}, "ListParts", "b/k"),
]


@pytest.mark.parametrize(("method", "path", "query", "headers", "name", "resource"), S3_TABLE)
def test_s3_operations_by_method_path_and_query(
    method: str, path: str, query: str, headers: dict[str, str], name: str, resource: str
) -> None:
    assert s3_operation(request(method, path, query, headers)) == Operation("s3", name, resource)


JSON = {"x-amz-target": "AmazonSQS.SendMessage"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
OTHER_TABLE = [
    ("sqs", JSON, b'{"QueueUrl":"http://127.0.0.1:4566/000000000000/dlq"}', "SendMessage", "dlq"),
    ("sqs", FORM, b"Action=SendMessage&QueueUrl=http%3A%2F%2Fx%2F0%2Fdlq", "SendMessage", "dlq"),
    ("logs", {"x-amz-target": "Logs_20140328.PutLogEvents"}, b'{"logGroupName":"/g"}', "PutLogEvents", "/g"),
    ("ssm", {"x-amz-target": "AmazonSSM.GetParameter"}, b'{"Name":"/a"}', "GetParameter", "parameters"),
    ("iam", FORM, b"Action=CreateRole", "CreateRole", ""),
    ("monitoring", FORM, b"Action=PutMetricData", "PutMetricData", ""),
    ("sqs", JSON, b"not json", "SendMessage", ""),
]


@pytest.mark.parametrize(("scope", "headers", "body", "name", "resource"), OTHER_TABLE)
def test_other_operations_by_target_or_action(
    scope: str, headers: dict[str, str], body: bytes, name: str, resource: str
) -> None:
    found = operation_of(scope, request("POST", "/", "", headers, body))
    assert (found.name, found.resource) == (name, resource)
    assert found.service == {"monitoring": "cloudwatch"}.get(scope, scope)


# Meters


def metered(asked: AwsRequest, response: AwsResponse, scope: str = "s3") -> dict[tuple[str, str, str], float]:
    meters = Meters()
    operation = operation_of(scope, asked)
    count(meters, operation, asked, response)
    assert meters.take_calls() == [("1-abc", operation.service, operation.name, operation.resource, 1)]
    return {(row.service, row.resource, row.unit): row.quantity for row in meters.usage()}


def test_s3_requests_are_counted_in_their_price_classes() -> None:
    ok = AwsResponse(200, b"12345")
    put = request("PUT", "/b/audit/1", body=b"xyz")
    assert metered(put, AwsResponse(200)) == {
        ("s3", "b/audit", "put_requests"): 1,
        ("s3", "b/audit", "bytes_in"): 3,
    }
    assert metered(request("GET", "/b/audit/1"), ok) == {
        ("s3", "b/audit", "get_requests"): 1,
        ("s3", "b/audit", "bytes_out"): 5,
    }
    assert metered(request("HEAD", "/b/audit/1"), AwsResponse(200)) == {("s3", "b/audit", "get_requests"): 1}
    assert ("s3", "b", "put_requests") in metered(request("GET", "/b", "list-type=2"), ok)
    assert metered(request("DELETE", "/b/x"), AwsResponse(204)) == {("s3", "b/x", "delete_requests"): 1}
    assert ("s3", "b", "delete_requests") in metered(request("POST", "/b", "delete", body=b"<D/>"), ok)


def test_keys_that_begin_with_ids_are_counted_under_their_bucket() -> None:
    prefixes = Prefixes(most=2)

    def resource(path: str, scope: str = "s3") -> str:
        return bounded(prefixes, operation_of(scope, request("PUT", path))).resource

    assert [resource(f"/b/{key}") for key in ("audit/1", "id-1", "id-2", "id-3/x", "audit/2")] == [
        "b/audit",
        "b/id-1",
        "b",
        "b",
        "b/audit",
    ]
    assert (resource("/other/id-4"), resource("/b")) == ("other/id-4", "b")
    prefixes.clear()
    assert resource("/b/id-3") == "b/id-3"


def test_the_framing_of_a_checksummed_upload_is_not_the_objects_size() -> None:
    framed = request(
        "PUT", "/b/k", headers={"x-amz-decoded-content-length": "3"}, body=b"3\r\nxyz\r\n0\r\n\r\n"
    )
    assert metered(framed, AwsResponse(200))[("s3", "b/k", "bytes_in")] == 3


def test_an_object_that_is_refused_is_a_request_and_takes_no_room() -> None:
    refused = metered(request("PUT", "/no-such-bucket/k", body=b"xyz"), AwsResponse(404, b"<Error/>"))
    assert refused == {
        ("s3", "no-such-bucket/k", "put_requests"): 1,
        ("s3", "no-such-bucket/k", "bytes_out"): 8,
    }


def test_what_fails_on_the_far_side_is_not_billed_but_noted_as_a_call() -> None:
    assert metered(request("PUT", "/b/k", body=b"x"), AwsResponse(500)) == {}


def sqs_requests(asked: AwsRequest, answer: AwsResponse) -> int:
    return billed.sqs_requests(sqs_payload_bytes(asked, answer))


@pytest.mark.parametrize(
    ("sent", "received", "counted"), [(0, 0, 1), (65_536, 0, 1), (65_537, 0, 2), (1, 262_144, 4)]
)
def test_sqs_bills_every_64_kb_of_a_payload(sent: int, received: int, counted: int) -> None:
    body = orjson.dumps({"QueueUrl": "http://127.0.0.1:4566/000000000000/dlq", "MessageBody": '"' * sent})
    answer = orjson.dumps({"Messages": [{"MessageId": "m" * 36, "Body": "y" * (received // 2)}] * 2})
    assert sqs_requests(request("POST", "/", body=body), AwsResponse(200, answer)) == counted


def test_sqs_bills_attributes_and_a_batch_as_one_payload() -> None:
    attributes = {
        "name": {"DataType": "String", "StringValue": "x" * 40_000},
        "data": {"DataType": "Binary", "BinaryValue": "AAAA" * 10_000},
    }
    entries = [{"Id": str(n), "MessageBody": "", "MessageAttributes": attributes} for n in range(2)]
    body = orjson.dumps({"QueueUrl": "q", "Entries": entries})
    # 2 * (4 + 6 + 40,000 + 4 + 6 + 30,000) bytes
    assert sqs_requests(request("POST", "/", body=body), AwsResponse(200, b"{}")) == 3


def test_sqs_bills_a_form_by_all_of_it() -> None:
    assert sqs_requests(request("POST", "/", body=b"x" * 65_537), AwsResponse(200, b"<Answer/>")) == 2


def test_log_events_are_billed_with_their_overhead() -> None:
    body = '{"logGroupName":"/g","logEvents":[{"timestamp":1,"message":"é"},{"timestamp":2,"message":"ab"}]}'
    asked = request("POST", "/", headers={"x-amz-target": "Logs_20140328.PutLogEvents"}, body=body.encode())
    assert metered(asked, AwsResponse(200, b"{}"), "logs") == {("logs", "/g", "ingested_bytes"): 2 + 2 + 52}


def test_log_events_that_are_refused_are_not_billed() -> None:
    events = ",".join(f'{{"timestamp":{n},"message":"{n}"}}' for n in range(6))
    body = f'{{"logGroupName":"/g","logEvents":[{events}]}}'.encode()
    asked = request("POST", "/", headers={"x-amz-target": "Logs_20140328.PutLogEvents"}, body=body)
    refused = b'{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":2,"tooNewLogEventStartIndex":5}}'
    assert metered(asked, AwsResponse(200, refused), "logs") == {("logs", "/g", "ingested_bytes"): 3 * 27}


# WSGI


def test_a_wsgi_application_sees_the_raw_path_and_underscored_metadata() -> None:
    headers = {"x-amz-meta-my_key": "1", "content-type": "text/x", "transfer-encoding": "chunked"}
    environ = environ_of(request("PUT", "/b/%C3%A9%2Fx", "a=%20", headers, b"123"))
    assert environ["RAW_URI"] == "/b/%C3%A9%2Fx?a=%20"
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/b/é/x"
    assert (environ["CONTENT_LENGTH"], environ["CONTENT_TYPE"]) == ("3", "text/x")
    assert environ["moto.preserved_header_names"] == {"HTTP_X_AMZ_META_MY_KEY": "x-amz-meta-my_key"}
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_a_wsgi_answer_comes_back_whole_and_closed() -> None:
    closed = []

    class Chunks(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    def application(environ: object, start_response: object) -> Chunks:
        assert callable(start_response)
        start_response("201 Created", [("X-A", "1"), ("Content-Length", "4")])
        return Chunks([b"ab", b"cd"])

    response = run_wsgi(application, request("GET", "/"))
    assert (response.status, response.body, response.headers) == (201, b"abcd", {"x-a": "1"})
    assert closed == [True]
    assert run_wsgi(application, request("HEAD", "/")).headers["content-length"] == "4"


# Receives that wait


def test_receives_wait_until_the_process_is_to_end() -> None:
    class Queue:
        def __init__(self) -> None:
            self.waited_s: list[int] = []

        def wait_for_messages(self, timeout: int) -> None:
            self.waited_s.append(timeout)

    waits, queue = Waits(), Queue()
    waits.watch_over(Queue)
    queue.wait_for_messages(1)
    waits.end()
    with pytest.raises(InterruptedError):
        queue.wait_for_messages(1)
    assert queue.waited_s == [1]
