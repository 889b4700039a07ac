"""Run the machine for so many steps: ``python -m tests.faults.machine STEPS=10000 SEED=7``.

With ``WITHOUT=lease`` a guard is taken away first, and the machine must find out.
"""

import logging
import sys
import time

import structlog

from fabroute_embedded import embedded_servers
from tests.faults.machine.guards import GUARDS, without
from tests.faults.machine.machine import machine_in
from tests.faults.machine.place import make_template
from tests.faults.machine.running import print_tally, run_side_by_side, steps_until_found


def main(arguments: list[str]) -> None:
    """Run it and print what was done."""
    wanted = {"STEPS": "10000", "SEED": "7", "PROCESSES": "2", "WITHOUT": ""} | dict(
        it.split("=", 1) for it in arguments
    )
    steps, number, removed = int(wanted["STEPS"]), int(wanted["SEED"]), wanted["WITHOUT"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    started = time.monotonic()
    with embedded_servers(durable=False) as servers:
        template = make_template(servers)
        if not removed:
            machine = machine_in(servers, template)
            problems = run_side_by_side(machine, steps=steps, seed=number, processes=int(wanted["PROCESSES"]))
            print_tally(machine.tally, seed=number, seconds=time.monotonic() - started)
            if problems:
                sys.exit("\n\n".join(problems))
        for name in GUARDS if removed == "each" else [removed] if removed else []:
            with without(name):
                found = steps_until_found(machine_in(servers, template, removed=name), steps=steps, seed=number)
            print(f"without {name}: {found}")


if __name__ == "__main__":
    main(sys.argv[1:])
