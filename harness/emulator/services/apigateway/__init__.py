"""API Gateway: execution of REST APIs."""
