"""What the shared infrastructure tells the services by SSM parameters, and which resource knows it."""

from __future__ import annotations

from collections.abc import Mapping

# SSM parameter under /launchday/<stage>/ -> the resource whose fact it is, and which one.
SHARED: Mapping[str, tuple[str, str]] = {
    "accounts/table": ("table accounts", "name"),
    "devices/table": ("table devices", "name"),
    "devices/stream_arn": ("table devices", "stream_arn"),
    "events/stream_arn": ("stream events", "arn"),
    "events/dead_letters_url": ("queue events", "url"),
    "events/dead_letters_arn": ("queue events", "arn"),
    "webhooks/table": ("table webhooks", "name"),
    "webhooks/dead_letters_arn": ("queue webhooks", "arn"),
    "device_events/topic_arn": ("topic device_events", "arn"),
    "archive/bucket": ("bucket archive", "name"),
    "archive/dead_letters_arn": ("queue archive", "arn"),
    "roles/authorizer": ("role authorizer", "arn"),
    "roles/processor": ("role processor", "arn"),
    "roles/archiver": ("role archiver", "arn"),
    "roles/access_authorizer": ("role access_authorizer", "arn"),
    "roles/access_api": ("role access_api", "arn"),
    "roles/fanout": ("role fanout", "arn"),
    "fanout/dead_letters_arn": ("queue fanout", "arn"),
}
# Apart from those above, so that the functions which need none of it do not wait for a GraphQL API.
LIVE: Mapping[str, tuple[str, str]] = {
    "live/graphql_url": ("graphql live", "graphql_url"),
    "live/api_id": ("graphql live", "id"),
    "users/pool_id": ("users pool", "id"),
    "users/client_id": ("users pool", "client_id"),
}
NEED_LIVE = ("fanout",)
STALE_AFTER_S = "rules/stale_after_s"
WEBHOOK_HOSTS = "webhooks/hosts"
