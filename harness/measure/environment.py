"""What a run ran on: versions, machine, and what else changes its figures."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

PACKAGES = ("launchday", "aiohttp", "awslambdaric", "boto3", "locust", "moto", "numpy", "uvloop")


def describe_environment() -> dict[str, Any]:
    """`{"versions": {...}, "machine": {...}}`. A package that is not installed is left out."""
    return {"versions": versions(), "machine": machine()}


def versions() -> dict[str, str]:
    """The interpreter's version and those of the packages that a run's figures depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Cores that this process may use, memory in bytes, and the kind of system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "cores": cores,
        "memory_bytes": psutil.virtual_memory().total,
        "implementation": sys.implementation.name,
    }
