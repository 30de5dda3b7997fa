"""AppSync: GraphQL APIs, their control plane, execution, authentication and real-time half."""

from harness.emulator.services.appsync.service import AppSyncService

__all__ = ["AppSyncService"]
