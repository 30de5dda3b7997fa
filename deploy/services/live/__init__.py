"""The GraphQL API `live`: its schema and the mapping templates of its resolvers."""
