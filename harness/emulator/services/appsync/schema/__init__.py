"""Schemas: AppSync's scalars and directives, compiled SDL, and who may use which field."""
