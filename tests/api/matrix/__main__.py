"""``python -m tests.api.matrix``: asks every operation as everyone, and prints what came of it as a table."""

import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from rich.console import Console
from rich.table import Table

from fabroute import migrations
from fabroute_embedded import embedded_servers
from tests.api.matrix.asking import ask
from tests.api.matrix.audiences import AUDIENCES, EVERYONE, Who
from tests.api.matrix.confusion import CONFUSIONS, EXEMPT, HEADER, confused
from tests.api.matrix.leaks import changes_between, ids_in, leaks_in, read_rows
from tests.api.matrix.operations import operations
from tests.api.matrix.world import World, a_world, make_world

_SHOWN = 40
_KINDS = ("answered", "403", "404", "401", "other 4xx", "5xx")


def asked_by_everyone(world: World, victim_ids: frozenset[str], who: Who) -> tuple[Counter[str], list[str]]:
    """Ask for every operation as somebody who may not; return how often what was answered, and the leaks."""
    counts: Counter[str] = Counter()
    leaks: list[str] = []
    for name, audience in AUDIENCES.items():
        if audience[who] != "yes":
            answer = ask(world, who, operations()[name])
            counts[_kind(answer.status_code)] += 1
            leaks += leaks_in(answer, who=who, operation=name, victim_ids=victim_ids)
    return counts, leaks


def asked_confused(world: World, victim_ids: frozenset[str], who: Who) -> tuple[Counter[str], list[str]]:
    """Ask for every operation as a stranger whom the application takes for others; return the same."""
    counts: Counter[str] = Counter()
    leaks: list[str] = []
    for name, audience in AUDIENCES.items():
        for confusion in CONFUSIONS:
            if confusion.who == who and audience["other owner"] != "secret" and name not in EXEMPT:
                answer = ask(world, who, operations()[name], headers={HEADER: confusion.taken_for})
                counts[_kind(answer.status_code)] += 1
                leaks += leaks_in(answer, who=who, operation=name, victim_ids=victim_ids)
    return counts, leaks


def _kind(status: int) -> str:
    if status < 400:
        return "answered"
    return "5xx" if status >= 500 else str(status) if status in (401, 403, 404) else "other 4xx"


def run(world: World) -> int:
    """Print the table; return how many leaks there are, with changes of what is the victim's."""
    before = read_rows(world.api.engine)
    victim_ids = ids_in(before)
    table = Table("refused", "requests", *_KINDS, "leaks", title=f"{len(operations())} operations")
    leaks: list[str] = []
    turns = [(who, asked_by_everyone) for who in EVERYONE]
    turns += [(who, asked_confused) for who in ("other owner", "other bureau")]
    for who, asking in turns:
        with confused(world.api.app):
            counts, found = asking(world, victim_ids, who)
        name = f"{who}, filter confused" if asking is asked_confused else who
        table.add_row(name, str(counts.total()), *(str(counts[kind]) for kind in _KINDS), str(len(found)))
        leaks += found
    leaks += changes_between(before, read_rows(world.api.engine), victim_ids=victim_ids)
    console = Console()
    console.print(table)
    for leak in leaks[:_SHOWN]:
        console.print(leak[:200], style="red", markup=False)
    console.print(f"{len(leaks)} leaks and changes")
    return len(leaks)


def main() -> int:
    """Make the world on servers of its own, and ask; the exit code is 1 where something leaked."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with embedded_servers(durable=False) as servers, TemporaryDirectory() as folder:
        urls = servers.postgres.create_database("matrix")
        migrations.upgrade(urls.migration_url)
        recipe = make_world(urls.url, Path(folder))
        with a_world(urls.url, recipe) as world:
            return 1 if run(world) else 0


if __name__ == "__main__":
    sys.exit(main())
