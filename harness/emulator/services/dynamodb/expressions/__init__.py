"""DynamoDB's expressions: text is parsed once, bound to a request's names and values, then evaluated."""
