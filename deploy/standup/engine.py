"""Runs resources in the order of their needs, and undoes what was done when one fails.

1. A resource begins once all that it needs stands; those that need nothing of each other run at once.
2. Each change is journalled with how to undo it, the moment it is made.
3. When one fails, or somebody presses Ctrl-C, nothing more begins, what runs is waited for, and the journal
   is undone from its end: what was created goes, what was changed is as it was.
4. A journal that stays empty says that everything stood as described.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from harness.errors import LaunchdayError, TargetError

THREADS = 12

Clients = Callable[[str], Any]
Facts = Mapping[str, str]


class Change(NamedTuple):
    """Something that a stand-up did. `what` is said to a person: `created the table accounts`."""

    what: str
    undo: Callable[[], object]


class Journal:
    """What a stand-up did, in order."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._writing = Lock()

    def note(self, what: str, undo: Callable[[], object]) -> None:
        """Write down a change that was just made, and how to undo it."""
        with self._writing:
            self._changes.append(Change(what, undo))

    @property
    def changes(self) -> Sequence[str]:
        """What was done."""
        with self._writing:
            return [change.what for change in self._changes]

    def undo(self) -> list[str]:
        """Undo everything, last first; what could not be undone, and why."""
        left = []
        with self._writing:
            changes, self._changes = self._changes, []
        for change in reversed(changes):
            try:
                change.undo()
            except (BotoCoreError, ClientError, LaunchdayError) as why:
                left.append(f"{change.what}: {why}")
        return left


class Known:
    """What the resources that stand have said of themselves, by resource name."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}

    def say(self, name: str, facts: Facts) -> None:
        """Note what `name` says of itself."""
        self._facts[name] = facts

    def __getitem__(self, name: str) -> Facts:
        return self._facts[name]


class Resource(Protocol):
    """Something that stands in an AWS account under a name of its own."""

    @property
    def name(self) -> str:
        """How other resources name it as a need."""

    @property
    def needs(self) -> Sequence[str]:
        """The names of the resources that must stand before it."""

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        """Make it, or bring it to what is described; what others need to know of it."""

    def take_down(self) -> None:
        """Delete it and wait until it is gone. Nothing there is no error."""


def stand_up(resources: Iterable[Resource]) -> tuple[Known, Journal]:
    """Stand all `resources` up. Raises TargetError, having undone what was done."""
    waiting = list(resources)
    known, journal = Known(), Journal()
    standing: set[str] = set()
    running: dict[Future[Facts], Resource] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="standup") as threads:
        try:
            while waiting or running:
                ready = [each for each in waiting if standing.issuperset(each.needs)]
                waiting = [each for each in waiting if each not in ready]
                running |= {threads.submit(each.stand_up, known, journal): each for each in ready}
                if not running:
                    raise AssertionError(f"{[each.name for each in waiting]} need each other")
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    resource = running.pop(done)
                    known.say(resource.name, _facts_of(resource, done))
                    standing.add(resource.name)
        except BaseException as failure:
            wait(running)
            left = journal.undo()
            if left and isinstance(failure, TargetError):
                raise TargetError(failure.message, f"Not undone: {'; '.join(left)}.") from failure
            raise
    return known, journal


def _facts_of(resource: Resource, done: Future[Facts]) -> Facts:
    try:
        return done.result()
    except (BotoCoreError, ClientError) as why:
        raise TargetError(f"The {resource.name} could not be stood up: {why}.") from why


def take_down(resources: Iterable[Resource]) -> None:
    """Take all `resources` down, those that need others first. Raises TargetError after trying all."""
    left: list[str] = []
    waves = _waves(list(resources))
    with ThreadPoolExecutor(THREADS, thread_name_prefix="takedown") as threads:
        for wave in reversed(waves):
            taken = [(each, threads.submit(each.take_down)) for each in wave]
            for resource, done in taken:
                why = done.exception()
                if isinstance(why, BotoCoreError | ClientError | LaunchdayError):
                    left.append(f"the {resource.name} ({why})")
                elif why is not None:
                    raise why
    if left:
        raise TargetError(f"Not everything could be taken down: {'; '.join(left)}.", "Run it again.")


def _waves(resources: list[Resource]) -> list[list[Resource]]:
    """Each wave needs only what is in the waves before it."""
    waves: list[list[Resource]] = []
    standing: set[str] = set()
    while resources:
        wave = [each for each in resources if standing.issuperset(each.needs)]
        if not wave:
            raise AssertionError(f"{[each.name for each in resources]} need each other")
        resources = [each for each in resources if each not in wave]
        standing.update(each.name for each in wave)
        waves.append(wave)
    return waves
