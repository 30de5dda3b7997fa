"""S3 as pipelines use it: objects, listings, parts, conditions, versions, notifications."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.functions import messages, queue
from tests.conformance.kit import Cleanup, refusing, until
from tests.conformance.targets import Aws

READ = "2026-11-24"


def guide(title: str, page: str) -> Any:
    return documented(f"S3 User Guide, {title}", f"AmazonS3/latest/userguide/{page}.html", noted=READ)


@dataclass(frozen=True)
class Bucket:
    """A bucket of a case's own."""

    s3: Any
    name: str

    def put(self, key: str, body: bytes = b"1", **more: Any) -> dict[str, Any]:
        put: dict[str, Any] = self.s3.put_object(Bucket=self.name, Key=key, Body=body, **more)
        return put

    def get(self, key: str, **more: Any) -> bytes:
        content: bytes = self.s3.get_object(Bucket=self.name, Key=key, **more)["Body"].read()
        return content

    def list(self, **more: Any) -> dict[str, Any]:
        listed: dict[str, Any] = self.s3.list_objects_v2(Bucket=self.name, **more)
        return listed

    def empty(self) -> None:
        for kind in ("Versions", "DeleteMarkers"):
            for each in self.s3.list_object_versions(Bucket=self.name).get(kind, []):
                self.s3.delete_object(Bucket=self.name, Key=each["Key"], VersionId=each["VersionId"])


def keys(listed: dict[str, Any]) -> list[str]:
    return [each["Key"] for each in listed.get("Contents", [])]


@pytest.fixture
def bucket(aws: Aws, cleanup: Cleanup) -> Bucket:
    made = Bucket(aws.client("s3"), aws.name("bucket"))
    made.s3.create_bucket(Bucket=made.name)
    cleanup.add(made.s3.delete_bucket, Bucket=made.name)
    cleanup.add(made.empty)
    return made


@behaviour(
    "s3.object-comes-back-whole",
    "An object comes back with its bytes, type, encoding and metadata; its ETag is the MD5 of its bytes.",
    reference("s3", "Object", "The entity tag is a hash of the object", read=READ),
)
def test_object(bucket: Bucket) -> None:
    body = bytes(range(256)) * 10
    put = bucket.put(
        "a", body, ContentType="application/x-own", ContentEncoding="own", Metadata={"who": "me"}
    )
    found = bucket.s3.get_object(Bucket=bucket.name, Key="a")
    assert found["Body"].read() == body
    assert (found["ContentType"], found["ContentEncoding"]) == ("application/x-own", "own")
    assert (found["Metadata"], found["ContentLength"]) == ({"who": "me"}, len(body))
    assert found["ETag"] == put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    head = bucket.s3.head_object(Bucket=bucket.name, Key="a")
    assert (head["ContentLength"], head["ETag"]) == (len(body), put["ETag"])


@behaviour(
    "s3.any-key-names-an-object",
    "A key may have spaces, slashes, signs and any letters; each is an object of its own.",
    guide("Naming Amazon S3 objects", "object-keys"),
)
def test_keys(bucket: Bucket) -> None:
    wanted = sorted(["a b", "a+b", "a%20b", "a/b//c", "é/ü", "q?x=1&y#z", "date=2026-01-01/hour=1/x.gz"])
    for key in wanted:
        bucket.put(key, key.encode())
    assert keys(bucket.list()) == sorted(wanted, key=str.encode)
    assert [bucket.get(key).decode() for key in wanted] == wanted


@behaviour(
    "s3.what-is-not-there",
    "An object that is not there is NoSuchKey, 404 when its head is asked for; a bucket is NoSuchBucket.",
    reference("s3", "GetObject", "The specified key does not exist", read=READ),
)
def test_missing(bucket: Bucket) -> None:
    with refusing("NoSuchKey", status=404):
        bucket.get("missing")
    with refusing("404", status=404):
        bucket.s3.head_object(Bucket=bucket.name, Key="missing")
    with refusing("NoSuchBucket", status=404):
        bucket.s3.get_object(Bucket=f"{bucket.name}-missing", Key="a")
    bucket.s3.delete_object(Bucket=bucket.name, Key="missing")


@behaviour(
    "s3.ranges",
    "A range returns those bytes with 206 and says of how many; one behind the end is refused with 416.",
    reference("s3", "GetObject", "Downloads the specified byte range of an object", read=READ),
)
def test_ranges(bucket: Bucket) -> None:
    bucket.put("a", b"0123456789")
    found = bucket.s3.get_object(Bucket=bucket.name, Key="a", Range="bytes=2-4")
    assert (found["Body"].read(), found["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert bucket.get("a", Range="bytes=-3") == b"789"
    with refusing("InvalidRange", status=416):
        bucket.get("a", Range="bytes=10-")


@behaviour(
    "s3.listing-in-pages",
    "A listing is in the order of the keys' bytes, in pages of MaxKeys, and goes on with the page's token.",
    reference("s3", "ListObjectsV2", "Sets the maximum number of keys returned in the response", read=READ),
)
def test_pages(bucket: Bucket) -> None:
    for key in ("b", "a", "c", "B", "é"):
        bucket.put(key)
    first = bucket.list(MaxKeys=2)
    assert (keys(first), first["IsTruncated"], first["KeyCount"]) == (["B", "a"], True, 2)
    rest = bucket.list(ContinuationToken=first["NextContinuationToken"])
    assert (keys(rest), rest["IsTruncated"]) == (["b", "c", "é"], False)
    assert keys(bucket.list(StartAfter="b")) == ["c", "é"]


@behaviour(
    "s3.folders-by-delimiter",
    "With a delimiter, keys that have it behind the prefix are rolled up into common prefixes.",
    reference("s3", "ListObjectsV2", "A delimiter is a character that you use to group keys", read=READ),
)
def test_delimiter(bucket: Bucket) -> None:
    for key in ("log/2026/1", "log/2026/2", "log/2027/1", "log/top", "other"):
        bucket.put(key)
    listed = bucket.list(Prefix="log/", Delimiter="/")
    assert keys(listed) == ["log/top"]
    assert [each["Prefix"] for each in listed["CommonPrefixes"]] == ["log/2026/", "log/2027/"]
    assert listed["KeyCount"] == 3


@behaviour(
    "s3.many-are-deleted-at-once",
    "DeleteObjects deletes each key, and names what is not there as deleted, too.",
    reference("s3", "DeleteObjects", "confirms the deletion by returning the result as deleted", read=READ),
)
def test_delete_many(bucket: Bucket) -> None:
    for key in ("a", "b", "c"):
        bucket.put(key)
    objects = [{"Key": key} for key in ("a", "b", "missing")]
    answer = bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": objects})
    assert sorted(each["Key"] for each in answer["Deleted"]) == ["a", "b", "missing"]
    assert keys(bucket.list()) == ["c"]


@behaviour(
    "s3.write-if-there-is-none",
    "A put with If-None-Match * is refused with 412 when the object is there.",
    guide("How to prevent object overwrites with conditional writes", "conditional-writes"),
)
def test_conditional_put(bucket: Bucket) -> None:
    bucket.put("a", b"first", IfNoneMatch="*")
    with refusing("PreconditionFailed", status=412):
        bucket.put("a", b"second", IfNoneMatch="*")
    assert bucket.get("a") == b"first"


@behaviour(
    "s3.write-if-it-is-the-same",
    "A put with If-Match is refused with 412 when the object's ETag is another.",
    guide("How to prevent object overwrites with conditional writes", "conditional-writes"),
)
def test_conditional_replace(bucket: Bucket) -> None:
    etag = bucket.put("a", b"first")["ETag"]
    with refusing("PreconditionFailed", status=412):
        bucket.put("a", b"second", IfMatch='"d41d8cd98f00b204e9800998ecf8427e"')
    assert bucket.get("a") == b"first"
    bucket.put("a", b"third", IfMatch=etag)
    assert bucket.get("a") == b"third"


@behaviour(
    "s3.read-if-it-changed",
    "A get with the ETag in If-None-Match is answered 304; with another ETag in If-Match it is refused, 412.",
    reference("s3", "GetObject", "otherwise, return a 304", read=READ),
)
def test_conditional_get(bucket: Bucket) -> None:
    etag = bucket.put("a")["ETag"]
    with refusing("304", "NotModified", status=304):
        bucket.get("a", IfNoneMatch=etag)
    with refusing("PreconditionFailed", status=412):
        bucket.get("a", IfMatch='"0"')
    assert bucket.get("a", IfMatch=etag) == b"1"


@behaviour(
    "s3.parts-make-an-object",
    "An object can be put in parts, in any order of sending; its ETag ends with the number of parts.",
    guide("Uploading and copying objects using multipart upload", "mpuoverview"),
)
def test_multipart(bucket: Bucket) -> None:
    at = {"Bucket": bucket.name, "Key": "big"}
    upload = bucket.s3.create_multipart_upload(**at)["UploadId"]
    first, second = b"a" * 5 * 1024 * 1024, b"b" * 10
    parts = []
    for number, body in ((2, second), (1, first)):
        etag = bucket.s3.upload_part(**at, UploadId=upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    assert keys(bucket.list()) == []
    parts.sort(key=lambda part: part["PartNumber"])
    done = bucket.s3.complete_multipart_upload(**at, UploadId=upload, MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.md5(body).digest() for body in (first, second))
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    assert bucket.get("big") == first + second


@behaviour(
    "s3.small-parts-are-refused",
    "Every part but the last has at least 5 MB: EntityTooSmall.",
    reference("s3", "CompleteMultipartUpload", "smaller than the minimum allowed object size", read=READ),
)
def test_small_parts(bucket: Bucket) -> None:
    at = {"Bucket": bucket.name, "Key": "big"}
    upload = bucket.s3.create_multipart_upload(**at)["UploadId"]
    parts = []
    for number in (1, 2):
        etag = bucket.s3.upload_part(**at, UploadId=upload, PartNumber=number, Body=b"small")["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    with refusing("EntityTooSmall", status=400):
        bucket.s3.complete_multipart_upload(**at, UploadId=upload, MultipartUpload={"Parts": parts})


@behaviour(
    "s3.versions-are-kept",
    "In a versioned bucket a put keeps the old object, and a delete puts a marker over both.",
    guide("Retaining multiple versions of objects with S3 Versioning", "Versioning"),
)
def test_versions(bucket: Bucket) -> None:
    enabled = {"Status": "Enabled"}
    bucket.s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration=enabled)
    old = bucket.put("a", b"old")["VersionId"]
    bucket.put("a", b"new")
    assert (bucket.get("a"), bucket.get("a", VersionId=old)) == (b"new", b"old")
    marker = bucket.s3.delete_object(Bucket=bucket.name, Key="a")
    assert marker["DeleteMarker"] is True
    with refusing("NoSuchKey", status=404):
        bucket.get("a")
    assert bucket.get("a", VersionId=old) == b"old"
    bucket.s3.delete_object(Bucket=bucket.name, Key="a", VersionId=marker["VersionId"])
    assert bucket.get("a") == b"new"


@behaviour(
    "s3.copies",
    "A copy has the bytes and the metadata of its source, or new metadata when they are to be replaced.",
    reference("s3", "CopyObject", "metadata is copied from the source object or replaced", read=READ),
)
def test_copy(bucket: Bucket) -> None:
    bucket.put("a", b"body", Metadata={"k": "old"})
    source = {"Bucket": bucket.name, "Key": "a"}
    bucket.s3.copy_object(Bucket=bucket.name, Key="b", CopySource=source)
    bucket.s3.copy_object(
        Bucket=bucket.name, Key="c", CopySource=source, Metadata={"k": "new"}, MetadataDirective="REPLACE"
    )
    metadata = [bucket.s3.head_object(Bucket=bucket.name, Key=key)["Metadata"] for key in ("b", "c")]
    assert metadata == [{"k": "old"}, {"k": "new"}]
    assert bucket.get("c") == b"body"


@behaviour(
    "s3.signed-links",
    "Whoever has a presigned URL reads the object by it, without credentials.",
    guide("Download and upload objects with presigned URLs", "using-presigned-url"),
)
def test_presigned(bucket: Bucket) -> None:
    bucket.put("a b", b"body")
    link = bucket.s3.generate_presigned_url("get_object", Params={"Bucket": bucket.name, "Key": "a b"})
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert answer.read() == b"body"


@behaviour(
    "s3.full-bucket-stays",
    "Deleting a bucket that has objects is refused with BucketNotEmpty (409).",
    guide("Deleting a general purpose bucket", "delete-bucket"),
)
def test_full_bucket(bucket: Bucket) -> None:
    bucket.put("a")
    with refusing("BucketNotEmpty", status=409):
        bucket.s3.delete_bucket(Bucket=bucket.name)


@behaviour(
    "s3.notifies-a-queue",
    "A bucket tells a queue of each object that is made under the prefix, with its key, size and ETag.",
    guide("Event message structure", "notification-content-structure"),
)
def test_notification(bucket: Bucket, aws: Aws, cleanup: Cleanup) -> None:
    url, arn = queue(aws, cleanup)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    rules = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in-"}]}}
    wanted = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": rules}

    def set_up() -> bool:
        try:
            bucket.s3.put_bucket_notification_configuration(
                Bucket=bucket.name, NotificationConfiguration={"QueueConfigurations": [wanted]}
            )
        except ClientError as error:
            if "InvalidArgument" not in str(error):
                raise
            return False  # the queue's policy is not seen yet
        return True

    until(set_up, "the notification is taken")
    bucket.put("out-1")
    etag = bucket.put("in-a b", b"12345")["ETag"]
    bodies = (json.loads(each["Body"]) for each in messages(aws, url))
    (record,) = next(body["Records"] for body in bodies if "Records" in body)
    assert (record["eventSource"], record["eventName"]) == ("aws:s3", "ObjectCreated:Put")
    assert record["s3"]["bucket"]["name"] == bucket.name
    told = record["s3"]["object"]
    assert (told["key"], told["size"], told["eTag"]) == ("in-a+b", 5, etag.strip('"'))
