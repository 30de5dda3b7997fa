"""Execution: GraphQL documents parsed, validated, planned and run, in AppSync's shapes."""
