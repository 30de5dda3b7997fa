"""Stands the reference pipeline up on any AWS endpoint, and takes it down again.

`engine` runs resources in the order of their needs, in threads, and undoes what it did when one fails.
`iam`, `tables`, `streams`, `buckets`, `queues`, `parameters`, `functions`, `rest_api` each know one kind of
resource: find it, make it, bring it to what is described, delete it. `serverless` and `packaging` read a
service as the Serverless Framework would. `blueprint` is the list of what the pipeline consists of.
"""
