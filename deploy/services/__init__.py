"""The services of the reference pipeline, one folder each: a `serverless.yml` and the handlers it names."""
