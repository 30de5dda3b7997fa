"""The functions of the processing service: packaged as they are, importing nothing but each other, the
standard library and botocore."""
