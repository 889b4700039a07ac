"""Run the machine for so many steps: ``python -m tests.faults.machine STEPS=10000 SEED=7``."""

import sys
import time

from fabroute_embedded import embedded_servers
from tests.faults.machine.machine import Tally, machine_in
from tests.faults.machine.place import make_template
from tests.faults.machine.running import print_tally, run_steps


def main(arguments: list[str]) -> None:
    """Run it and print what was done."""
    wanted = {"STEPS": 10_000, "SEED": 7} | {
        name: int(value) for name, _, value in (argument.partition("=") for argument in arguments)
    }
    started = time.monotonic()
    tally = Tally()
    with embedded_servers(durable=False) as servers:
        machine = machine_in(servers, make_template(servers), tally)
        run_steps(machine, steps=wanted["STEPS"], seed=wanted["SEED"])
    print_tally(tally, seed=wanted["SEED"], seconds=time.monotonic() - started)


if __name__ == "__main__":
    main(sys.argv[1:])
