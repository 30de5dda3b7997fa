"""Amazon SNS: topics and what is pushed from them."""

from harness.emulator.services.sns.service import SnsService

__all__ = ["SnsService"]
