"""CloudFormation for the types that the companion's services add to LocalStack.

What a type does is in `cognito` and `appsync`, with boto3's clients alone; `providers` and `plugins` are what
LocalStack asks of a plugin, and `catalog` is how it learns which types there are.
"""
