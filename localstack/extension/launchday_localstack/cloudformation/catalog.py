"""How LocalStack learns which resource types there are, where it does not reach LocalStack's servers.

Where unsupported types are to fail (`CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES=0`), LocalStack looks each type of
a template up in a catalog that it downloads. Without the download its fallback knows no type at all, and
every stack fails, of what types ever. So this is another fallback, by the name that LocalStack looks for
first: a type is there when a plugin provides it.
"""

from __future__ import annotations

from localstack.utils.catalog.catalog import (
    AwsServicesSupportStatus,
    CatalogPlugin,
    CfnResourceSupportStatus,
)
from localstack.utils.catalog.common import (
    CloudFormationResourcesSupportAtRuntime,
    CloudFormationResourcesSupportInLatest,
)

from launchday_localstack.cloudformation.plugins import TYPES, turned_on


class RuntimeCatalog(CatalogPlugin):
    """What this LocalStack has now."""

    name = "aws-catalog-runtime-only-with-license"

    def get_aws_service_status(
        self,
        service_name: str,  # noqa: ARG002
        operation_name: str | None = None,  # noqa: ARG002
    ) -> AwsServicesSupportStatus | None:
        """Not known: as LocalStack's own fallback."""
        return None

    def get_cloudformation_resource_status(
        self,
        resource_name: str,
        service_name: str,  # noqa: ARG002
        is_pro_resource: bool = False,  # noqa: ARG002
    ) -> CfnResourceSupportStatus:
        """Whether a plugin provides the type."""
        turned_off = {kind.name for kind in TYPES if not turned_on(kind)}
        if resource_name in self._get_cfn_resources_available_at_runtime() - turned_off:
            return CloudFormationResourcesSupportAtRuntime.AVAILABLE
        return CloudFormationResourcesSupportInLatest.NOT_SUPPORTED
