"""AppSync's real-time half: subscriptions over WebSocket."""

from harness.emulator.services.appsync.realtime.hub import RealTime
from harness.emulator.services.appsync.realtime.sockets import Sockets

__all__ = ["RealTime", "Sockets"]
