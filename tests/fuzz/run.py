"""``make fuzz``: throw changed files at the readers for a while, and keep the input of a crash.

With atheris (libFuzzer, guided by coverage) where it is installed, else with Hypothesis (blind changes of the seeds).
A target is a module with ``SEEDS`` and ``fuzz_one(data)``, which raises on anything that is wrong.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

TARGETS = ("fuzz_stl", "fuzz_threemf")
CRASHES = Path("fuzz-crashes")
LONGEST_INPUT = 65_536
SLOWEST_INPUT_SECONDS = 10
MEMORY_MIB = 2_048
ROUND = 500
"""Inputs that Hypothesis makes before the clock is looked at."""


def main(arguments: Sequence[str]) -> int:
    """Run ``run.py SECONDS [TARGET…]``: each target in a process of its own; return 1 if any crashed."""
    seconds = int(arguments[0]) if arguments else 60
    targets = arguments[1:] or TARGETS
    return 1 if [target for target in targets if not _survives(target, seconds)] else 0


def _survives(target: str, seconds: int) -> bool:
    how = "atheris" if find_spec("atheris") else "hypothesis"
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as corpus:
        command = [sys.executable, "-m", "tests.fuzz.run", f"--{how}", target, str(seconds), corpus]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace"
        )
    runs = re.findall(r"Done (\d+) (?:runs|in)", done.stdout) or re.findall(r"#(\d+)", done.stdout) or ["0"]
    crashes = 0 if done.returncode == 0 else 1
    took = time.monotonic() - started
    print(f"{target} ({how}): {int(runs[-1]):,} runs in {took:.0f} s, {crashes} crashes", flush=True)
    if crashes:
        print("\n".join(done.stdout.splitlines()[-40:]))
        print(f"the input is in {CRASHES.absolute()}")
    return not crashes


def _module(target: str) -> Any:
    return import_module(target if "." in target else f"tests.fuzz.{target}")


def run_atheris(target: str, seconds: int, corpus: Path) -> None:
    """Let libFuzzer change the seeds; it ends this process itself."""
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["fabroute.integrations.validation"]):
        module = _module(target)
    for data in module.SEEDS:
        (corpus / hashlib.sha256(data).hexdigest()).write_bytes(data)
    CRASHES.mkdir(exist_ok=True)
    flags = {
        "max_total_time": seconds,
        "max_len": LONGEST_INPUT,
        "timeout": SLOWEST_INPUT_SECONDS,
        "rss_limit_mb": MEMORY_MIB,
        "artifact_prefix": f"{CRASHES}/{target}-",
    }
    words = [sys.argv[0], *(f"-{name}={value}" for name, value in flags.items()), str(corpus)]
    atheris.Setup(words, module.fuzz_one)
    atheris.Fuzz()


def run_hypothesis(target: str, seconds: int, _corpus: Path) -> None:
    """Let Hypothesis change the seeds, round by round, until the time is over."""
    module = _module(target)
    end, rounds, runs = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        runs += _hypothesis_round(module, target, rounds)
        rounds += 1
    print(f"Done {runs} runs")


def _hypothesis_round(module: Any, target: str, number: int) -> int:
    runs = 0

    def once(data: bytes) -> None:
        nonlocal runs
        runs += 1
        _kept(module.fuzz_one, target, data)

    quiet = settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    seed(number)(quiet(given(changed(module.SEEDS))(once)))()
    return runs


def _kept(fuzz_one: Callable[[bytes], None], target: str, data: bytes) -> None:
    """Keep the input before it is tried, so that it is there even if the process dies."""
    CRASHES.mkdir(exist_ok=True)
    path = CRASHES / f"{target}-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    fuzz_one(data)
    path.unlink()


@st.composite
def changed(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Return a seed in which a few places were overwritten, cut out, repeated or filled with another seed."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 64)))
        piece = draw(st.binary(max_size=16) | st.just(bytes(data[start:stop]) * 2) | st.sampled_from(seeds))
        data[start:stop] = piece[:LONGEST_INPUT]
    return bytes(data[:LONGEST_INPUT])


_ENGINES = {"--atheris": run_atheris, "--hypothesis": run_hypothesis}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in _ENGINES:
        _ENGINES[sys.argv[1]](sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
        sys.exit(0)
    sys.exit(main(sys.argv[1:]))
