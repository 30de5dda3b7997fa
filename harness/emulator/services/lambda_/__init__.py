"""Lambda: functions, environments, invocation, event source mappings."""

from harness.emulator.services.lambda_.environments.placement import Bounds
from harness.emulator.services.lambda_.service import LambdaService

__all__ = ["Bounds", "LambdaService"]
