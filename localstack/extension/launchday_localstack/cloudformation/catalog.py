"""How LocalStack learns which resource types there are, without asking LocalStack's servers.

Where unsupported types are to fail (`CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES=0`), LocalStack looks each type of
a template up in a catalog that it downloads, and waits for as long as that takes. Without the download its
fallback knows no type at all, and every stack fails, of what types ever. So this is a catalog of what is
there, by the name that LocalStack looks for first: a type is there when a plugin provides it.
"""

from __future__ import annotations

import os

from localstack.utils.catalog.catalog import (
    AwsCatalogRemoteStatePlugin,
    AwsServicesSupportStatus,
    CatalogPlugin,
    CfnResourceSupportStatus,
)
from localstack.utils.catalog.common import (
    CloudFormationResourcesSupportAtRuntime,
    CloudFormationResourcesSupportInLatest,
)

from launchday_localstack.cloudformation.plugins import TYPES, turned_on
from launchday_localstack.settings import usable_settings


class Catalog(CatalogPlugin):
    """What this LocalStack has now; LocalStack's own catalog where the extension turns nothing on."""

    name = "aws-catalog-remote-state-with-license"

    def __init__(self) -> None:
        """Raises what LocalStack's own catalog raises when it cannot be had, and LocalStack falls back."""
        super().__init__()
        self._localstacks = AwsCatalogRemoteStatePlugin() if usable_settings(os.environ) is None else None

    def get_aws_service_status(
        self, service_name: str, operation_name: str | None = None
    ) -> AwsServicesSupportStatus | None:
        """Not known: as LocalStack's own fallback."""
        if self._localstacks is not None:
            return self._localstacks.get_aws_service_status(service_name, operation_name)
        return None

    def get_cloudformation_resource_status(
        self, resource_name: str, service_name: str, is_pro_resource: bool = False
    ) -> CfnResourceSupportStatus:
        """Whether a plugin provides the type."""
        if self._localstacks is not None:
            return self._localstacks.get_cloudformation_resource_status(
                resource_name, service_name, is_pro_resource
            )
        turned_off = {kind.name for kind in TYPES if not turned_on(kind)}
        if resource_name in self._get_cfn_resources_available_at_runtime() - turned_off:
            return CloudFormationResourcesSupportAtRuntime.AVAILABLE
        return CloudFormationResourcesSupportInLatest.NOT_SUPPORTED
