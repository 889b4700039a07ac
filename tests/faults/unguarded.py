"""``python -m tests.faults.unguarded MODULE ARGS…``: a module of the product as its main program, without some guards.

``CHAOS_WITHOUT`` names the guards, a comma between two: they are replaced in this process before the module runs, and
so in its forks. ``CHAOS_HALTS`` names a folder with halts (``tests.faults.guards``).
The product knows nothing of either.
"""

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.faults.guards.halts import HALTS, halt_after_deciding
from tests.faults.guards.removals import remove

WITHOUT = "CHAOS_WITHOUT"


def main(arguments: Sequence[str]) -> None:
    """Take the guards away that the environment names, then run a module with its arguments."""
    remove(name for name in os.environ.get(WITHOUT, "").split(",") if name)
    if folder := os.environ.get(HALTS):
        halt_after_deciding(Path(folder))
    module = arguments[0]
    sys.argv = list(arguments)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
