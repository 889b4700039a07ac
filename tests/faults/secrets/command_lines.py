"""The command lines of all processes, as long as somebody looks: what anyone on the machine may read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_EVERY_SECONDS = 0.02


class CommandLines:
    """Everything that was ever on a command line."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def look(self) -> None:
        """Read those of this moment."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.seen.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue


@contextmanager
def watched_command_lines() -> Iterator[CommandLines]:
    """Yield what is seen until the block ends."""
    lines, over = CommandLines(), threading.Event()

    def look_on() -> None:
        while not over.wait(_EVERY_SECONDS):
            lines.look()

    watcher = threading.Thread(target=look_on)
    watcher.start()
    try:
        yield lines
    finally:
        over.set()
        watcher.join()
