"""The functions of the ingest service: packaged as they are, importing nothing but the standard library and
botocore."""
