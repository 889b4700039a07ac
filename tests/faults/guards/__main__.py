"""``python -m tests.faults.guards [GUARDS=fence,sweeper] [MARKDOWN=table.md] [FOLDER=…]``: exit code 1 if red.

Takes every guard away in turn, in one process and on running ones, each time with a fresh database, and prints what
went wrong then, by which rule that was found, and that nothing does with the guard.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from rich.console import Console

from fabroute import migrations
from fabroute_embedded import EmbeddedServers, embedded_servers
from tests.faults.guards.cases import GUARDS, RACES, REQUESTS, ROUTING, WORKERS, Case
from tests.faults.guards.finding import Findings, findings
from tests.faults.guards.removals import drop, removed
from tests.faults.guards.scene import Furnished, Scene, a_real_scene, a_scene, furnish
from tests.faults.guards.table import ONE_PROCESS, PROCESSES, Result, print_results, write_markdown, wrong
from tests.faults.guards.workers import Crew, a_crew
from tests.faults.machine.place import Place, Template, a_place, make_template

Where = TypeVar("Where")
Tried = tuple[str, Findings]
Try = Callable[[Callable[[Where], str], frozenset[str]], Tried]

_DEFAULTS = {"GUARDS": ",".join(GUARDS), "MARKDOWN": "", "FOLDER": ""}
_MIGRATED = "template_migrated"


def main(arguments: Sequence[str]) -> int:
    """Try what is asked for, print the table, and say by the exit code whether every removal was found."""
    given = _DEFAULTS | dict(argument.split("=", 1) for argument in arguments)
    guards = given["GUARDS"].split(",")
    if unknown := (given.keys() - _DEFAULTS.keys()) | (set(guards) - set(GUARDS)):
        print(f"guards knows {', '.join(_DEFAULTS)}, and {', '.join(GUARDS)}; not {unknown}", file=sys.stderr)
        return 2
    folder = Path(given["FOLDER"] or mkdtemp(prefix="guards-"))
    print(f"logs of all processes: {folder}", file=sys.stderr)
    results = tuple(_results(folder, guards))
    print_results(results, Console(width=200))
    if given["MARKDOWN"]:
        write_markdown(results, Path(given["MARKDOWN"]))
    return 1 if wrong(results) else 0


def _results(folder: Path, guards: Sequence[str]) -> Iterator[Result]:
    with embedded_servers(durable=True) as servers:
        migrations.upgrade(servers.postgres.create_database(_MIGRATED).migration_url)
        template = make_template(servers, copy_of=_MIGRATED)
        furnished = furnish(servers, copy_of=_MIGRATED, storage=folder / "print-files")
        place, scene, crew = _in_place(servers, template), _in_scene(servers, furnished), _in_crew(servers, folder)
        yield from _tried(_of(ROUTING, guards), place, guarded=_apart(place), on=ONE_PROCESS)
        yield from _tried(_of(REQUESTS, guards), scene, guarded=_apart(scene), on=ONE_PROCESS)
        yield from _tried(_of(WORKERS, guards), crew, guarded=_apart(crew), on=PROCESSES)
    red = [case for case in _of((*REQUESTS, *RACES), guards) if case.red and not case.caught_by]
    if red:
        together = _together(folder, [case.provoke for case in red])
        yield from _tried(red, _in_real_scene(folder), guarded=together.__getitem__, on=PROCESSES)


def _of(cases: Sequence[Case[Where]], guards: Sequence[str]) -> list[Case[Where]]:
    return [case for case in cases if case.guard in guards]


def _tried(
    cases: Sequence[Case[Where]], attempt: Try[Where], *, guarded: Callable[[Callable[[Where], str]], Findings], on: str
) -> Iterator[Result]:
    """Try each removal; ``guarded`` says what a provocation comes to with all guards."""
    for case in cases:
        said, found = attempt(case.provoke, case.without)
        result = Result(case=case, on=on, said=said, found=found, guarded=guarded(case.provoke))
        _tell(result)
        yield result


def _apart(attempt: Try[Where]) -> Callable[[Callable[[Where], str]], Findings]:
    """Return what tries each provocation once with all guards."""

    @cache
    def guarded(provoke: Callable[[Where], str]) -> Findings:
        return attempt(provoke, frozenset())[1]

    return guarded


def _together(folder: Path, provocations: Sequence[Callable[[Scene], str]]) -> dict[Callable[[Scene], str], Findings]:
    """Try provocations with all guards on one running installation: it takes long to start."""
    found = {}
    with a_real_scene(folder / "with", without=frozenset()) as scene:
        for provoke in dict.fromkeys(provocations):
            provoke(scene)
            scene.settle()
            found[provoke] = findings(scene.installed.engine, scene.tally)
    return found


def _in_place(servers: EmbeddedServers, template: Template) -> Try[Place]:
    def attempt(provoke: Callable[[Place], str], without: frozenset[str]) -> Tried:
        with a_place(servers, template) as place:
            drop(place.admin, without)
            with removed(without):
                said = provoke(place)
            return said, findings(place.engine)

    return attempt


def _in_crew(servers: EmbeddedServers, folder: Path) -> Try[Crew]:
    def attempt(provoke: Callable[[Crew], str], without: frozenset[str]) -> Tried:
        logs = folder / f"{provoke.__name__}-{'without' if without else 'with'}"
        with a_crew(servers, _MIGRATED, logs, without=without) as crew:
            said = provoke(crew)
            return said, findings(crew.engine)

    return attempt


def _in_scene(servers: EmbeddedServers, furnished: Furnished) -> Try[Scene]:
    return _scened(lambda provoke, without: a_scene(servers, furnished, without=without))


def _in_real_scene(folder: Path) -> Try[Scene]:
    def scene(provoke: Callable[[Scene], str], without: frozenset[str]) -> AbstractContextManager[Scene]:
        return a_real_scene(folder / f"{provoke.__name__}-{'without' if without else 'with'}", without=without)

    return _scened(scene)


def _scened(scene: Callable[[Callable[[Scene], str], frozenset[str]], AbstractContextManager[Scene]]) -> Try[Scene]:
    def attempt(provoke: Callable[[Scene], str], without: frozenset[str]) -> Tried:
        with scene(provoke, without) as installed:
            said = provoke(installed)
            installed.settle()
            return said, findings(installed.installed.engine, installed.tally)

    return attempt


def _tell(result: Result) -> None:
    word = "as it must be" if result.is_as_it_must_be else "NOT as it must be"
    names = ", ".join(sorted(result.case.without))
    print(f"{result.case.guard} on {result.on} without {names}: {result.said}: {word}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
