from __future__ import annotations

import pytest

from harness.emulator.services.apigateway.routing import Routes

RESOURCES = [
    "/",
    "/v1",
    "/v1/devices",
    "/v1/devices/{id}",
    "/v1/devices/{id}/history",
    "/v1/devices/special",
    "/v1/{kind}/all",
    "/files/{path+}",
    "/{proxy+}",
]
ROUTES = Routes([(path, path) for path in RESOURCES])

FOUND = [
    ("/", "/", {}, "/"),
    ("/v1/devices", "/v1/devices", {}, "/v1/devices"),
    ("/v1/devices/", "/v1/devices", {}, "/v1/devices"),
    ("/v1/devices/7", "/v1/devices/{id}", {"id": "7"}, "/v1/devices/7"),
    ("/v1/devices/a%20b%2Fc", "/v1/devices/{id}", {"id": "a b/c"}, "/v1/devices/a b%2Fc"),
    ("/v1/devices/special", "/v1/devices/special", {}, "/v1/devices/special"),
    ("/v1/devices/speci%61l", "/v1/devices/special", {}, "/v1/devices/special"),
    ("/v1/devices/7/history", "/v1/devices/{id}/history", {"id": "7"}, "/v1/devices/7/history"),
    ("/v1/cars/all", "/v1/{kind}/all", {"kind": "cars"}, "/v1/cars/all"),
    ("/v1/devices/all", "/v1/devices/{id}", {"id": "all"}, "/v1/devices/all"),
    ("/files/a/b/c", "/files/{path+}", {"path": "a/b/c"}, "/files/a/b/c"),
    ("/elsewhere", "/{proxy+}", {"proxy": "elsewhere"}, "/elsewhere"),
    ("/v1/cars/none", "/{proxy+}", {"proxy": "v1/cars/none"}, "/v1/cars/none"),
    ("//v1/devices", "/{proxy+}", {"proxy": "/v1/devices"}, "//v1/devices"),
    ("/v1//devices", "/{proxy+}", {"proxy": "v1//devices"}, "/v1//devices"),
]


@pytest.mark.parametrize(("path", "resource", "parameters", "spelling"), FOUND)
def test_the_most_specific_resource_is_found(
    path: str, resource: str, parameters: dict[str, str], spelling: str
) -> None:
    found = ROUTES.find(path)
    assert found is not None
    assert (found.resource, found.parameters, found.path) == (resource, parameters, spelling)


@pytest.mark.parametrize("path", ["/v2", "/v1/a/b", "/v1/devices/7/history/1", "/v1/devices//"])
def test_what_the_api_has_not_is_not_found(path: str) -> None:
    routes = Routes([(resource, resource) for resource in RESOURCES if "+" not in resource])
    assert routes.find(path) is None


def test_a_greedy_parameter_takes_at_least_one_part() -> None:
    assert Routes([("/files/{path+}", "x")]).find("/files") is None


def test_a_path_of_ten_thousand_parts_is_not_found() -> None:
    assert ROUTES.find("/a" * 10_000) is None
