"""What LocalStack runs when it starts and stops: the extension turns its parts on, or says why not."""

from __future__ import annotations

import logging
import os

from localstack import config
from localstack.runtime import hooks

from launchday_localstack import authorizers, routes
from launchday_localstack.companion import CompanionUnreachable
from launchday_localstack.forwarding import companion
from launchday_localstack.listening import is_loopback, node_options
from launchday_localstack.metering.deliveries import note_deliveries
from launchday_localstack.metering.turning_on import Metering
from launchday_localstack.settings import (
    URL_VARIABLE,
    Settings,
    SettingsError,
    read_settings,
    usable_settings,
)

LOG = logging.getLogger(__name__)
PROVIDER = "launchday"
NODE_VARIABLE = "NODE_OPTIONS"
SERVER_VARIABLE = "GATEWAY_SERVER"
EXECUTOR_VARIABLE = "LAMBDA_RUNTIME_EXECUTOR"
_metering: list[Metering] = []
_UNSUPPORTED_TYPES = "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES"


@hooks.on_runtime_create()
def launchday_listen() -> None:
    """Listen on the hosts of GATEWAY_LISTEN and on no others, unless the user chose a server; and where that
    is loopback alone, have LocalStack's Node programs listen there, too."""
    if usable_settings(os.environ) is None:
        return
    if SERVER_VARIABLE not in os.environ:
        config.GATEWAY_SERVER = PROVIDER
    if all(is_loopback(each.host) for each in config.GATEWAY_LISTEN):
        os.environ[NODE_VARIABLE] = node_options(os.environ.get(NODE_VARIABLE, ""))


@hooks.on_infra_start(priority=10)
def launchday_turn_on() -> None:
    """Choose the providers and Lambda's executor, before LocalStack loads any service."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        LOG.error("Launchday's extension turns nothing on: %s", error)
        return
    if settings is None:
        LOG.info("Launchday's extension turns nothing on: %s is not set.", URL_VARIABLE)
        return
    for service in settings.services():
        config.SERVICE_PROVIDER_CONFIG.set_provider_if_not_exists(service, PROVIDER)
    if "lambda" in settings.parts and EXECUTOR_VARIABLE not in os.environ:
        config.LAMBDA_RUNTIME_EXECUTOR = PROVIDER  # nothing has asked for it yet: no service is loaded
    config.SERVICE_PROVIDER_CONFIG.set_provider_if_not_exists("sns", PROVIDER)
    routes.add(settings)
    _start_metering()
    if "authorizers" in settings.parts:
        authorizers.add()
    _fail_on_unsupported_types()
    LOG.info("Launchday's extension: %s by %s.", ", ".join(sorted(settings.parts)), settings.companion_url)
    _look_for_companion(settings)


@hooks.on_infra_shutdown()
def launchday_turn_off() -> None:
    """Take the routes away again, and post what was metered."""
    routes.remove()
    authorizers.remove()
    while _metering:
        _metering.pop().stop()


def _start_metering() -> None:
    """Note every request from now on, for the companion to meter."""
    metering = Metering(companion())
    note_deliveries(metering.recorder)
    metering.start()
    _metering.append(metering)


def _fail_on_unsupported_types() -> None:
    """A stack that LocalStack says is CREATE_COMPLETE must be there: unless the user chose, a resource type
    that nobody provides fails it, as LocalStack will have it in a later release."""
    if _UNSUPPORTED_TYPES not in os.environ:
        os.environ[_UNSUPPORTED_TYPES] = "0"
        config.CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES = False


def _look_for_companion(settings: Settings) -> None:
    """Say it now when it is not there; it may yet come, and requests are answered 503 until then."""
    try:
        companion().look()
    except CompanionUnreachable as error:
        LOG.warning("%s What is of %s fails until it does.", error, ", ".join(sorted(settings.parts)))
