"""S3 buckets."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.waiting import found

_MISSING = ("404", "NoSuchBucket")


@dataclass(frozen=True)
class Bucket:
    """A bucket in the region of the deployment."""

    clients: Clients
    name: str
    bucket_name: str
    region: str
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create the bucket."""
        s3 = self.clients("s3")
        if found(lambda: s3.head_bucket(Bucket=self.bucket_name), missing=_MISSING) is None:
            # us-east-1 is the one region that may not be named (docs: CreateBucket, read 2026-11).
            elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
            s3.create_bucket(Bucket=self.bucket_name, **({} if self.region == "us-east-1" else elsewhere))
            journal.note(f"created the bucket {self.bucket_name}", self.take_down)
        return {"name": self.bucket_name}

    def take_down(self) -> None:
        """Delete the bucket with all that is in it."""
        s3 = self.clients("s3")
        if found(lambda: s3.head_bucket(Bucket=self.bucket_name), missing=_MISSING) is None:
            return
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name)
        with ThreadPoolExecutor(4) as threads:
            for _ in threads.map(self._delete, (page.get("Contents", ()) for page in pages)):
                pass
        found(lambda: s3.delete_bucket(Bucket=self.bucket_name), missing=_MISSING)

    def _delete(self, objects: Sequence[dict[str, Any]]) -> None:
        if objects:
            keys = [{"Key": each["Key"]} for each in objects]
            self.clients("s3").delete_objects(
                Bucket=self.bucket_name, Delete={"Objects": keys, "Quiet": True}
            )
