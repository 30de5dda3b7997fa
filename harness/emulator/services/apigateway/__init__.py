"""API Gateway: execution of REST APIs. IAM authorization (AWS_IAM, resource policies) is not evaluated."""

from harness.emulator.services.apigateway.service import ApiGatewayService

__all__ = ["ApiGatewayService"]
