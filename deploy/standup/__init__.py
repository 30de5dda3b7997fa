"""The pipeline stood up over boto3."""
