"""AppSync: GraphQL APIs, their control plane, execution, authentication and real-time half."""
