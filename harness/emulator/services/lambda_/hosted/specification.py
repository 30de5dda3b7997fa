"""What is to be hosted, as whoever has the functions says it, and the program that follows from it."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.emulator.services.lambda_.environments.sandbox import Program
from harness.emulator.services.lambda_.environments.variables import PLATFORM
from harness.emulator.services.lambda_.hosted import layers as layers_module
from harness.emulator.services.lambda_.hosted.code import KeptCode
from harness.emulator.services.lambda_.hosted.interpreters import Interpreter, Interpreters
from harness.emulator.services.lambda_.hosted.layers import Layers
from harness.emulator.services.lambda_.hosted.refusal import NotHosted
from harness.emulator.services.lambda_.hosted.supplied import Supplied
from harness.emulator.services.lambda_.performing import Subject

LOG_STREAM = "AWS_LAMBDA_LOG_STREAM_NAME"
"""By its value, which no two environments have in common, an environment's processes are known."""
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
OF_ONE_ENVIRONMENT = frozenset({LOG_STREAM, *CREDENTIALS})
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}


class Code(NamedTuple):
    """What a version of a function consists of, on this machine's disk."""

    runtime: str
    architecture: str
    folder: Path
    layers: tuple[Path, ...] = ()
    in_place: bool = False
    """Whether it is run where it is, so that what is changed there is seen: hot reloading."""


@dataclass(frozen=True, slots=True)
class Specification:
    """An environment to be. `variables` are the function's and its platform's; what follows from where it
    runs is added to them. `provisioned` says that it must be initialized before it is needed."""

    id: str
    owner_pid: int
    subject: Subject
    arn: str
    role: str
    handler: str
    code: Code
    log_group: str
    log_stream: str
    variables: Mapping[str, str]
    provisioned: bool = False
    code_stamp: int = 0
    """Another number when the code in its folder is another."""

    @property
    def version(self) -> object:
        """Equal for environments that differ in nothing that their function can tell, but for the name of
        their log stream and their access keys."""
        own = {name: value for name, value in self.variables.items() if name not in OF_ONE_ENVIRONMENT}
        return self.subject, self.arn, self.handler, self.code, self.code_stamp, frozenset(own.items())


class Prepared(NamedTuple):
    """What an environment runs, and what is to be said of it."""

    program: Program
    notes: Sequence[str]


def parse_specification(id_: str, given: Mapping[str, Any]) -> Specification:
    """The environment that a request describes. Raises NotHosted for what is missing or of the wrong kind."""
    try:
        function = given["function"]
        specification = Specification(
            id=id_,
            owner_pid=int(given["owner_pid"]),
            subject=Subject(
                str(function["name"]),
                str(function["version"]),
                float(function["timeout_s"]),
                int(function["memory_mb"]),
                str(function["architecture"]),
                str(function["runtime"]),
            ),
            arn=str(function["arn"]),
            role=str(function["role"]),
            handler=str(function["handler"]),
            code=parse_code(function),
            log_group=str(given["log_group"]),
            log_stream=str(given["log_stream"]),
            variables={str(name): str(value) for name, value in given["variables"].items()},
            provisioned=bool(given.get("provisioned", False)),
            code_stamp=int(given.get("code_stamp", 0)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotHosted(f"The environment is not described as it must be: {error!r}") from None
    if id_ not in specification.log_stream:
        raise NotHosted(f"The log stream {specification.log_stream} must carry the environment's id, {id_}.")
    return specification


def parse_code(function: Mapping[str, Any]) -> Code:
    """The code that a request describes. Raises KeyError, TypeError."""
    return Code(
        str(function["runtime"]),
        str(function["architecture"]),
        Path(str(function["folder"])),
        tuple(Path(str(layer)) for layer in function.get("layers", ())),
        bool(function.get("in_place", False)),
    )


class _Basis(NamedTuple):
    """What code is run with. `opt` is what stands for /opt."""

    folder: Path
    interpreter: Interpreter
    opt: Path | None
    client: str
    supplied: Sequence[Path]
    notes: list[str]


class Programs:
    """Makes programs of specifications. All of it may block: call it off the event loop."""

    def __init__(self, home: Path, interpreters: Interpreters | None = None) -> None:
        self._interpreters = interpreters or Interpreters()
        self._supplied = Supplied(home / "supplied")
        self._layers = Layers(home / "layers")
        self._code = KeptCode(home / "code")

    def check(self, code: Code) -> list[str]:
        """See that `code` can be run; what of it is not as on AWS, a sentence each. Raises NotHosted."""
        return self._basis(code).notes

    def prepare(self, wanted: Specification) -> Prepared:
        """The program of an environment. Raises NotHosted."""
        code = wanted.code
        basis = self._basis(code)
        variables = {
            **PLATFORM,
            "AWS_LAMBDA_LOG_FORMAT": "Text",
            **layers_module.variables(basis.opt),
            **wanted.variables,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{code.runtime}",
            "LAMBDA_TASK_ROOT": str(basis.folder),
            "_HANDLER": wanted.handler,
            LOG_STREAM: wanted.log_stream,
        }
        program = Program(
            handler=wanted.handler,
            folder=basis.folder,
            variables=_with_address(variables),
            client=basis.client,
            interpreter=basis.interpreter.path,
            import_path=[
                *layers_module.import_path(basis.opt, basis.interpreter.version),
                *basis.supplied,
            ],
        )
        return Prepared(program, basis.notes)

    def let_go(self, code: Code) -> None:
        """No environment has `code` any more."""
        self._code.let_go(code.folder)

    def _basis(self, code: Code) -> _Basis:
        interpreter = self._interpreters.of(code.runtime)
        folder = code.folder if code.in_place else self._code.keep(code.folder)
        if not folder.is_dir():
            raise NotHosted(f"The function's folder {folder} is not there.")
        opt = self._layers.merged(code.layers)
        client, supplied = self._supplied.for_python(interpreter.version)
        notes = [interpreter.note] if interpreter.note else []
        machine = MACHINES.get(platform.machine().lower(), platform.machine())
        if code.architecture != machine:
            notes.append(f"It is for {code.architecture}, and runs on this machine's {machine}.")
        notes += layers_module.notes(opt)
        return _Basis(folder, interpreter, opt, client, supplied, notes)


def _with_address(variables: Mapping[str, str]) -> Callable[[str], Mapping[str, str]]:
    return lambda address: {**variables, "AWS_LAMBDA_RUNTIME_API": address}
