"""``python -m tests.faults.poison ORDERS=1000 POISON=50 SEED=7 [WORKERS=2] [WALL=30] [FOLDER=…]``: exit code 1 if red.

Real PostgreSQL, Redis, a relay and a Celery worker with so many children, as they are installed but for the lines that
break the solver. A suspect that hangs takes 15 seconds, three times, so 50 of six kinds take some minutes.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from rich.console import Console

from fabroute import migrations
from fabroute_embedded import embedded_servers
from tests.factories.databases import engine_for
from tests.faults.poison.poisons import POISONS
from tests.faults.poison.scene import Dose, Outcome, follow, outcome_of, place, poisoned_workers
from tests.faults.poison.table import print_outcome, verdict

_DEFAULTS = {"ORDERS": "1000", "POISON": "50", "SEED": "7", "WORKERS": "2", "WALL": "30", "FOLDER": ""}
_PATIENCE_SECONDS = 7200.0


def main(arguments: Sequence[str]) -> int:
    """Give the dose that is asked for, print what came of it, and say by the exit code whether all was well."""
    given = _DEFAULTS | dict(argument.split("=", 1) for argument in arguments)
    if unknown := given.keys() - _DEFAULTS.keys():
        print(f"poison knows {', '.join(_DEFAULTS)}; not {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    dose = Dose(
        orders=int(given["ORDERS"]), poisoned=int(given["POISON"]), seed=int(given["SEED"]), kinds=tuple(POISONS)
    )
    folder = Path(given["FOLDER"] or mkdtemp(prefix="poison-"))
    folder.mkdir(parents=True, exist_ok=True)
    _tell(f"logs of all processes: {folder}")
    outcome = _dosed(dose, folder, children=int(given["WORKERS"]), wall_seconds=given["WALL"])
    print_outcome(dose, outcome, Console(width=140))
    return 1 if verdict(dose, outcome) else 0


def _dosed(dose: Dose, folder: Path, *, children: int, wall_seconds: str) -> Outcome:
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("poison")
        migrations.upgrade(urls.migration_url)
        settings = {
            "FABROUTE_PROFILE": "embedded",
            "FABROUTE_DATABASE_URL": urls.url,
            "FABROUTE_BROKER_URL": servers.redis.url,
            "FABROUTE_ROUTING_WALL_SECONDS": wall_seconds,
        }
        with engine_for(urls.url) as engine:
            kinds = place(engine, dose)
            with poisoned_workers(settings, folder, children=children) as watch:
                took = follow(engine, seconds=_PATIENCE_SECONDS, tell=_tell)
            return outcome_of(engine, watch, kinds, took=took)


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
