"""``python -m tests.faults.secrets.verbose MODULE ARGUMENTS…``: a program of the product, all of its logs."""

import logging
import runpy
import sys

if __name__ == "__main__":
    logging.INFO = logging.DEBUG  # type: ignore[misc]
    logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)  # every statement with its parameters
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
