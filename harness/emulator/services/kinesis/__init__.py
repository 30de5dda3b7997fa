"""Kinesis Data Streams."""

from harness.emulator.services.kinesis.service import KinesisService

__all__ = ["KinesisService"]
