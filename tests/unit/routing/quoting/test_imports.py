"""Whoever answers quotes carries no solver."""

import subprocess
import sys


def test_quoting_imports_no_solver_engine() -> None:
    code = "import sys, fabroute.routing.service.quoting; print('ortools' in sys.modules, 'numpy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)

    assert found.stdout.split() == ["False", "True"]
    assert found.stderr == ""
