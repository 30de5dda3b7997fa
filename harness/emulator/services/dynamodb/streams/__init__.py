"""DynamoDB Streams: changes captured as they happen, and the API that reads them."""
