"""Pick packages out of a file of locked requirements, each with its hashes: for images, which need not hold all."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_NAME = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the chosen packages; return 1, with the names, if one that is named is not there."""
    asked = _parser().parse_args(arguments)
    named = set((asked.only or asked.without).split("|"))
    packages = list(packages_of(asked.file.read_text(encoding="utf-8")))
    missing = named - {name for name, _ in packages}
    if missing:
        print(f"{asked.file} does not lock {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    for name, text in packages:
        if (name in named) == (asked.only is not None):
            print(text)
    return 0


def packages_of(locked: str) -> Iterator[tuple[str, str]]:
    """Yield each package's name and the lines that lock it."""
    blocks = re.split(r"\n(?=[a-z0-9])", "\n".join(line for line in locked.splitlines() if line.strip()))
    for block in blocks:
        found = _NAME.match(block)
        if found is not None:
            yield found["name"], block


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--only", metavar="NAMES", help="these packages, separated by |")
    choice.add_argument("--without", metavar="NAMES", help="all but these")
    parser.add_argument("file", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
