"""DynamoDB: tables, items, expressions, streams."""
