"""The functions of the access service: packaged as they are, importing nothing but the standard library and
botocore."""
