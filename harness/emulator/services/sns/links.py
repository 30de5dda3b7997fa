"""The URLs that SNS puts into its messages, under the address at which an endpoint reaches this SNS."""

from __future__ import annotations

import re
import secrets

CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")


class Links:
    """URLs below `base_url`. The certificate's name is new with each process, as its key is."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self.certificate_path = f"/SimpleNotificationService-{secrets.token_hex(16)}.pem"

    @property
    def certificate(self) -> str:
        """SigningCertURL."""
        return self._base_url + self.certificate_path

    def confirm(self, topic_arn: str, token: str) -> str:
        """SubscribeURL."""
        return f"{self._base_url}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}"

    def unsubscribe(self, subscription_arn: str) -> str:
        """UnsubscribeURL."""
        return f"{self._base_url}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"
