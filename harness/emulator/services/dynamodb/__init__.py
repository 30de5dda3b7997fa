"""DynamoDB: tables, items, expressions, capacity, and the streams of their changes."""

from harness.emulator.services.dynamodb.service import DynamoDbService
from harness.emulator.services.dynamodb.streams.service import DynamoDbStreamsService

__all__ = ["DynamoDbService", "DynamoDbStreamsService"]
