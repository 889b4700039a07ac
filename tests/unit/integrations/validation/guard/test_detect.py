import struct
import subprocess
import sys
from pathlib import Path

import pytest

from fabroute.integrations.validation.guard import detect
from tests.factories.threemf import archive, model, package

BINARY_STL = bytes(80) + struct.pack("<I", 2) + bytes(100)
WEIGHT = """
import re, sys
from pathlib import Path

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

before = peak()
from fabroute.integrations.validation.guard import guard_3mf
from fabroute.integrations.validation.types import Limits

facts = guard_3mf(Path(sys.argv[1]), Limits())
print(facts.vertices, (peak() - before) // 1024)
print(*sorted({name.partition(".")[0] for name in sys.modules} - {*sys.stdlib_module_names, "__main__"}))
"""


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (package(), "3mf"),
        (archive(), "3mf"),
        (b"PK\x03\x04", "3mf"),
        (BINARY_STL, "stl"),
        (b"solid" + BINARY_STL[5:], "stl"),
        (b"solid a\nendsolid a\n", "stl"),
        (b"\xef\xbb\xbf  SOLID a", "stl"),
        (BINARY_STL[:-1], "unknown"),
        (BINARY_STL + b"\0", "unknown"),
        (b"#!/bin/sh\n" + package(), "unknown"),
        (b"ISO-10303-21;", "unknown"),
        (b"", "unknown"),
    ],
)
def test_files_are_told_by_their_content(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "misleading.xyz"
    path.write_bytes(content)
    assert detect(path) == found
    assert path.read_bytes() == content


def test_the_guard_needs_nothing_but_the_standard_library_and_little_memory(tmp_path: Path) -> None:
    rows = "".join(f'<vertex x="{n}" y="{n % 97}.5" z="-{n}e-3"/>' for n in range(60_000))
    path = tmp_path / "part.3mf"
    path.write_bytes(package(content=model().replace("</vertices>", f"{rows}</vertices>")))
    run = subprocess.run([sys.executable, "-c", WEIGHT, str(path)], capture_output=True, encoding="utf-8", check=True)
    counted, modules = run.stdout.splitlines()
    vertices, mebibytes = map(int, counted.split())
    assert vertices == 60_004
    assert mebibytes < 20
    assert {name for name in modules.split() if name in ("numpy", "lib3mf", "trimesh", "sqlalchemy")} == set()
