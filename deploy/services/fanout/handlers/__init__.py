"""The functions of the fan-out service: packaged as they are, importing nothing but the standard library and
botocore."""
