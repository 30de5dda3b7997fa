"""SSM Parameter Store: values, versions, paths, secrets, labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.kit import Cleanup, refusing
from tests.conformance.targets import Aws

READ = "2026-11-24"


@dataclass(frozen=True)
class Parameters:
    """The parameters below a path of a case's own."""

    ssm: Any
    path: str
    cleanup: Cleanup

    def put(self, name: str, value: str, type_: str = "String", **more: Any) -> int:
        asked = {"Name": f"{self.path}/{name}", "Value": value, "Type": type_, **more}
        version = int(self.ssm.put_parameter(**asked)["Version"])
        if version == 1:
            self.cleanup.add(self.ssm.delete_parameter, Name=f"{self.path}/{name}")
        return version

    def get(self, name: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.ssm.get_parameter(Name=f"{self.path}/{name}", **more)["Parameter"]
        return found

    def below(self, path: str = "", **more: Any) -> list[str]:
        """The names below, without the path, of every page."""
        names: list[str] = []
        token: dict[str, Any] = {}
        while True:
            page = self.ssm.get_parameters_by_path(Path=self.path + path, **more, **token)
            names += [each["Name"].removeprefix(f"{self.path}/") for each in page["Parameters"]]
            if not page.get("NextToken"):
                return sorted(names)
            token = {"NextToken": page["NextToken"]}


@pytest.fixture
def parameters(aws: Aws, cleanup: Cleanup) -> Parameters:
    return Parameters(aws.client("ssm"), f"/{aws.name('path')}", cleanup)


@behaviour(
    "ssm.parameter-comes-back",
    "A parameter comes back with its value, its type, its version, its ARN and the time of its last change.",
    reference("ssm", "Parameter", "The Amazon Resource Name (ARN) of the parameter", read=READ),
)
def test_parameter(parameters: Parameters, aws: Aws) -> None:
    assert parameters.put("a", "välue") == 1
    found = parameters.get("a")
    assert (found["Value"], found["Type"], found["Version"]) == ("välue", "String", 1)
    assert found["Name"] == f"{parameters.path}/a"
    assert found["ARN"].startswith(f"arn:aws:ssm:{aws.region}:")
    assert found["ARN"].endswith(f":parameter{parameters.path}/a")
    assert found["LastModifiedDate"].tzinfo is not None


@behaviour(
    "ssm.overwriting-is-asked-for",
    "A parameter that is there is refused with ParameterAlreadyExists, unless it is to be overwritten.",
    reference("ssm", "PutParameter", "The parameter already exists", read=READ),
)
def test_overwrite(parameters: Parameters) -> None:
    parameters.put("a", "1")
    with refusing("ParameterAlreadyExists", status=400):
        parameters.put("a", "2")
    assert parameters.put("a", "2", Overwrite=True) == 2
    assert parameters.get("a")["Value"] == "2"


@behaviour(
    "ssm.versions-by-number",
    "An older version is got by the name, a colon and its number; a number that never was is refused.",
    documented(
        "Systems Manager User Guide, Working with parameter versions",
        "systems-manager/latest/userguide/sysman-paramstore-versions.html",
        noted=READ,
    ),
)
def test_versions(parameters: Parameters) -> None:
    parameters.put("a", "1")
    parameters.put("a", "2", Overwrite=True)
    assert parameters.get("a:1")["Value"] == "1"
    with refusing("ParameterVersionNotFound", status=400):
        parameters.get("a:9")


@behaviour(
    "ssm.secrets-are-decrypted-when-asked",
    "A SecureString comes back encrypted, and as it was put with decryption.",
    reference("ssm", "GetParameter", "Return decrypted values for secure string parameters", read=READ),
)
def test_secure(parameters: Parameters) -> None:
    parameters.put("secret", "hidden", "SecureString")
    assert "hidden" not in (parameters.get("secret")["Value"], "")
    assert parameters.get("secret", WithDecryption=True)["Value"] == "hidden"


@behaviour(
    "ssm.by-path",
    "GetParametersByPath finds the parameters of one level, or all below, in pages of ten at most.",
    reference("ssm", "GetParametersByPath", "Retrieve all parameters within a hierarchy", read=READ),
)
def test_by_path(parameters: Parameters) -> None:
    for name in ("a", "b", "deep/c", "deep/er/d"):
        parameters.put(name, name)
    assert parameters.below() == ["a", "b"]
    assert parameters.below(Recursive=True, MaxResults=3) == ["a", "b", "deep/c", "deep/er/d"]
    assert parameters.below("/deep") == ["deep/c"]
    first = parameters.ssm.get_parameters_by_path(Path=parameters.path, Recursive=True, MaxResults=3)
    assert len(first["Parameters"]) == 3
    with refusing("ValidationException", status=400):
        parameters.below(MaxResults=11)


@behaviour(
    "ssm.several-at-once",
    "GetParameters returns those that are there, and names the others as invalid; ten at most.",
    reference(
        "ssm", "GetParameters", "aren't formatted correctly or don't run during an execution", read=READ
    ),
)
def test_several(parameters: Parameters) -> None:
    parameters.put("a", "1")
    parameters.put("b", "2")
    names = [f"{parameters.path}/{name}" for name in ("b", "a", "missing")]
    answer = parameters.ssm.get_parameters(Names=names)
    assert sorted(each["Value"] for each in answer["Parameters"]) == ["1", "2"]
    assert answer["InvalidParameters"] == [names[2]]
    with refusing("ValidationException", status=400):
        parameters.ssm.get_parameters(Names=[f"{parameters.path}/{n}" for n in range(11)])


@behaviour(
    "ssm.history",
    "A parameter's history has every version with its value and its labels.",
    reference("ssm", "GetParameterHistory", "Retrieves the history of all changes to a parameter", read=READ),
)
def test_history(parameters: Parameters) -> None:
    parameters.put("a", "1")
    parameters.put("a", "2", Overwrite=True)
    name = f"{parameters.path}/a"
    parameters.ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["good"])
    history = parameters.ssm.get_parameter_history(Name=name)["Parameters"]
    assert [(each["Version"], each["Value"], each["Labels"]) for each in history] == [
        (1, "1", ["good"]),
        (2, "2", []),
    ]
    assert parameters.get("a:good")["Value"] == "1"


@behaviour(
    "ssm.what-is-not-there",
    "A parameter that is not there is refused with ParameterNotFound, when it is got or deleted.",
    reference("ssm", "GetParameter", "The parameter couldn't be found", read=READ),
)
def test_missing(parameters: Parameters) -> None:
    with refusing("ParameterNotFound", status=400):
        parameters.get("missing")
    with refusing("ParameterNotFound", status=400):
        parameters.ssm.delete_parameter(Name=f"{parameters.path}/missing")


@behaviour(
    "ssm.several-are-deleted",
    "DeleteParameters deletes those that are there, and names the others as invalid.",
    reference("ssm", "DeleteParameters", "The names of parameters that weren't deleted", read=READ),
)
def test_delete(parameters: Parameters) -> None:
    parameters.put("a", "1")
    names = [f"{parameters.path}/a", f"{parameters.path}/missing"]
    answer = parameters.ssm.delete_parameters(Names=names)
    assert (answer["DeletedParameters"], answer["InvalidParameters"]) == (names[:1], names[1:])
    assert parameters.below() == []


@behaviour(
    "ssm.standard-parameters-have-4-kb",
    "A standard parameter has 4 KB at most; a larger value is refused.",
    reference("ssm", "PutParameter", "Standard parameters have a content size limit of 4 KB", read=READ),
)
def test_size(parameters: Parameters) -> None:
    parameters.put("a", "x" * 4096)
    with refusing("ValidationException", status=400):
        parameters.put("b", "x" * 4097)


@behaviour(
    "ssm.names-are-checked",
    "A name with a slash in it begins with one, and none begins with aws or ssm.",
    reference("ssm", "PutParameter", "you must include a leading forward slash character", read=READ),
)
def test_names(parameters: Parameters) -> None:
    for name in (f"{parameters.path[1:]}/a", "/aws/mine", "/ssm/mine"):
        with refusing("ValidationException", "AccessDeniedException", status=400):
            parameters.ssm.put_parameter(Name=name, Value="1", Type="String")
