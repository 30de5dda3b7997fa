"""The operations on functions themselves: create, read, update, delete, list."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.lambda_.environments.pool import EnvironmentPool
from harness.emulator.services.lambda_.errors import conflict, invalid
from harness.emulator.services.lambda_.function_settings import (
    ARCHITECTURES,
    changed_configuration,
    new_configuration,
)
from harness.emulator.services.lambda_.functions import Function, Functions, render_configuration
from harness.emulator.services.lambda_.leases import Leases
from harness.emulator.services.lambda_.members import Members
from harness.emulator.services.lambda_.names import only_latest, parse_function
from harness.emulator.services.lambda_.operations import Body, Operation, page, paged
from harness.emulator.services.lambda_.packages import CodePackage, check_package, unpack


class FunctionOperations:
    """Holds no state of its own: functions, leases and environments are given."""

    def __init__(
        self,
        functions: Functions,
        leases: Leases,
        pool: EnvironmentPool,
        data_dir: Path,
        clock: Callable[[], float],
    ) -> None:
        self._functions = functions
        self._leases = leases
        self._pool = pool
        self._packages = data_dir / "packages"
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        """By the API's names."""
        return {
            "CreateFunction": self.create,
            "GetFunction": self.get,
            "GetFunctionConfiguration": self.get_configuration,
            "UpdateFunctionCode": self.update_code,
            "UpdateFunctionConfiguration": self.update_configuration,
            "DeleteFunction": self.delete,
            "ListFunctions": self.list,
            "ListVersionsByFunction": self.list_versions,
            "ListAliases": self.list_aliases,
        }

    async def create(self, members: Members, context: CallContext) -> Body:
        """CreateFunction: Pending until the package is unpacked."""
        reference = parse_function(members.required_text("FunctionName"), context)
        if self._functions.find(reference.arn) is not None:
            raise conflict(f"Function already exist: {reference.name}")
        if members.flag("Publish"):
            raise invalid("The embedded Lambda does not offer versions (Publish).")
        configuration = new_configuration(members)
        code = members.structure("Code")
        if code is None:
            raise invalid("Please provide a source for function code.")
        zipped = await _package_of(code)
        region, account_id = reference.arn.split(":")[3:5]
        function = Function(reference.name, reference.arn, region, account_id, configuration, self._clock())
        function.tags = dict(members.text_map("Tags") or {})
        if self._functions.find(reference.arn) is not None:  # it may have come while the package was checked
            raise conflict(f"Function already exist: {reference.name}")
        self._functions.add(function)
        answer = render_configuration(function)
        self._prepare(function, zipped)
        return answer

    def _prepare(self, function: Function, zipped: bytes) -> None:
        """Unpack off the loop, then let the function run the new code."""

        async def prepare() -> None:
            try:
                package = await asyncio.to_thread(unpack, zipped, self._packages / function.name)
            except Exception as error:  # a full disk, or one of the many ways in which a zip file is broken
                function.last_update_status = "Failed"
                function.state = "Active" if function.package else "Failed"
                function.state_reason = f"The package could not be unpacked: {error}"
            else:
                self._switch(function, package)
            finally:
                function.preparing = None

        function.preparing = asyncio.get_running_loop().create_task(prepare())

    def _switch(self, function: Function, package: CodePackage) -> None:
        before = function.revision_id
        function.package = package
        function.state, function.last_update_status = "Active", "Successful"
        function.revise(self._clock())
        self._pool.retire(before)

    async def get(self, members: Members, context: CallContext) -> Body:
        """GetFunction."""
        function = self._find(members, context)
        body: Body = {"Configuration": render_configuration(function)}
        if function.package is not None:
            body["Code"] = {"RepositoryType": "S3", "Location": function.package.archive.as_uri()}
        if function.tags:
            body["Tags"] = dict(function.tags)
        if function.reserved_concurrency is not None:
            body["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return body

    async def get_configuration(self, members: Members, context: CallContext) -> Body:
        """GetFunctionConfiguration."""
        return render_configuration(self._find(members, context))

    async def update_code(self, members: Members, context: CallContext) -> Body:
        """UpdateFunctionCode: InProgress until the package is unpacked."""
        function = self._find_for_update(members, context)
        if members.flag("Publish"):
            raise invalid("The embedded Lambda does not offer versions (Publish).")
        architectures = members.texts("Architectures")
        if architectures and architectures[0] not in ARCHITECTURES:
            raise invalid(f"Architectures must be one of {', '.join(ARCHITECTURES)}.")
        zipped = await _package_of(members)
        if members.flag("DryRun"):
            return render_configuration(function)
        self._refuse_while_preparing(function)
        function.last_update_status = "InProgress"
        answer = render_configuration(function)
        self._prepare(function, zipped)
        return answer

    async def update_configuration(self, members: Members, context: CallContext) -> Body:
        """UpdateFunctionConfiguration: in force for every invocation from now on."""
        function = self._find_for_update(members, context)
        configuration = changed_configuration(function.configuration, members)
        if configuration != function.configuration:
            before = function.revision_id
            function.configuration = configuration
            function.revise(self._clock())
            self._pool.retire(before)
        return render_configuration(function)

    async def delete(self, members: Members, context: CallContext) -> None:
        """DeleteFunction: what runs runs on, nothing more begins."""
        function = self._find(members, context)
        self._functions.remove(function)
        self._leases.forget(function.arn)
        self._pool.retire(function.revision_id)

    async def list(self, members: Members, context: CallContext) -> Body:
        """ListFunctions of the caller's account and Region."""
        members.refuse("MasterRegion")
        prefix = f"arn:aws:lambda:{context.region}:{context.account_id}:"
        found = [render_configuration(each) for each in self._functions if each.arn.startswith(prefix)]
        return paged("Functions", page(found, members, at_most=50))

    async def list_versions(self, members: Members, context: CallContext) -> Body:
        """ListVersionsByFunction: there is $LATEST."""
        function = self._find(members, context)
        rendered = render_configuration(function)
        rendered["FunctionArn"] += ":$LATEST"
        return paged("Versions", page([rendered], members))

    async def list_aliases(self, members: Members, context: CallContext) -> Body:
        """ListAliases: there is none, as none can be made."""
        self._find(members, context)
        return {"Aliases": []}

    def _find(self, members: Members, context: CallContext) -> Function:
        name = members.required_text("FunctionName")
        only_latest(parse_function(name, context), members.text("Qualifier"))
        return self._functions.get(name, context)

    def _find_for_update(self, members: Members, context: CallContext) -> Function:
        function = self._find(members, context)
        self._refuse_while_preparing(function)
        wanted = members.text("RevisionId")
        if wanted is not None and wanted != function.revision_id:
            message = "The Revision Id provided does not match the latest Revision Id."
            raise AwsError("PreconditionFailedException", message, 412, {"Type": "User"})
        return function

    @staticmethod
    def _refuse_while_preparing(function: Function) -> None:
        if function.preparing is not None:
            raise conflict(
                "The operation cannot be performed at this time. An update is in progress for resource: "
                f"{function.arn}"
            )


async def _package_of(code: Members) -> bytes:
    """The zip file that `code` carries, checked off the loop."""
    if "S3Bucket" in code or "ImageUri" in code or "SourceKMSKeyArn" in code:
        raise invalid("The embedded Lambda takes code as ZipFile, not from S3Bucket or ImageUri.")
    encoded = code.text("ZipFile")
    if not encoded:
        raise invalid("Please provide a source for function code.")
    return await asyncio.to_thread(_decode_package, encoded)


def _decode_package(encoded: str) -> bytes:
    try:
        zipped = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise invalid("Could not decode ZipFile: it is not base64.") from None
    check_package(zipped)
    return zipped
