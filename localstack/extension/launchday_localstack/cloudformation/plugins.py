"""LocalStack's plugins of resource types, one a type."""

from __future__ import annotations

import os

from localstack.services.cloudformation.resource_provider import CloudFormationResourceProviderPlugin

from launchday_localstack.cloudformation import appsync, cognito
from launchday_localstack.cloudformation.resources import ResourceType
from launchday_localstack.settings import usable_settings

TYPES = (*appsync.TYPES, *cognito.TYPES)


def turned_on(kind: ResourceType) -> bool:
    """Whether the part that the type is of is turned on."""
    settings = usable_settings(os.environ)
    return settings is not None and kind.part in settings.parts


def _plugin(kind: ResourceType) -> type[CloudFormationResourceProviderPlugin]:
    class ResourceTypePlugin(CloudFormationResourceProviderPlugin):
        name = kind.name

        def should_load(self) -> bool:
            """Not where the user has the real thing."""
            return turned_on(kind)

        def load(self) -> None:
            """Make the provider's class; LocalStack makes its instances by `factory`."""
            from launchday_localstack.cloudformation.providers import provider_of

            self.factory = provider_of(kind)

    return ResourceTypePlugin


appsync_api_key = _plugin(appsync.API_KEY)
appsync_data_source = _plugin(appsync.DATA_SOURCE)
appsync_function_configuration = _plugin(appsync.FUNCTION_CONFIGURATION)
appsync_graphql_api = _plugin(appsync.GRAPHQL_API)
appsync_graphql_schema = _plugin(appsync.GRAPHQL_SCHEMA)
appsync_resolver = _plugin(appsync.RESOLVER)
cognito_user_pool = _plugin(cognito.USER_POOL)
cognito_user_pool_client = _plugin(cognito.USER_POOL_CLIENT)
cognito_user_pool_group = _plugin(cognito.USER_POOL_GROUP)
cognito_user_pool_user = _plugin(cognito.USER_POOL_USER)
cognito_user_pool_user_to_group_attachment = _plugin(cognito.USER_POOL_USER_TO_GROUP_ATTACHMENT)
