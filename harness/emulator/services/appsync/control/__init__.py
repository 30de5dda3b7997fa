"""The control plane: APIs, keys, schemas, types, data sources, functions, resolvers and tags."""
