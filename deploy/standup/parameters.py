"""SSM parameters: how the shared infrastructure tells the services its names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.standup.engine import Clients, Facts, Journal, Known

NAMES_A_CALL = 10  # GetParameters' and DeleteParameters' own limit


@dataclass(frozen=True)
class Parameters:
    """Parameters of type String. `values` maps each one's name to its value, once what it needs stands."""

    clients: Clients
    name: str
    names: Sequence[str]
    values: Callable[[Known], Mapping[str, str]]
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        """Put the parameters that are missing or differ; all values by name."""
        wanted = self.values(known)
        before = read(self.clients, self.names)
        for name, value in wanted.items():
            if before.get(name) != value:
                self._put(name, value)
                journal.note(f"put the parameter {name}", self._undo(name, before.get(name)))
        return wanted

    def _undo(self, name: str, before: str | None) -> Callable[[], object]:
        return lambda: self._delete([name]) if before is None else self._put(name, before)

    def _put(self, name: str, value: str) -> None:
        self.clients("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def _delete(self, names: Iterable[str]) -> None:
        self.clients("ssm").delete_parameters(Names=list(names))

    def take_down(self) -> None:
        """Delete the parameters."""
        for names in _chunks(self.names):
            self._delete(names)


def read(clients: Clients, names: Sequence[str]) -> dict[str, str]:
    """The values of those of `names` that there are."""
    answers: list[dict[str, Any]] = [
        clients("ssm").get_parameters(Names=chunk, WithDecryption=True) for chunk in _chunks(names)
    ]
    return {each["Name"]: each["Value"] for answer in answers for each in answer["Parameters"]}


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), NAMES_A_CALL):
        yield list(names[start : start + NAMES_A_CALL])
