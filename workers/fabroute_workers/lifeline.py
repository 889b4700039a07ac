"""Processes that don't outlive the one that started them."""

import ctypes
import os
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(sign: int, *, parent_pid: int | None = None) -> None:
    """Ask Linux to send ``sign`` to this process when its parent ends, however that ends.

    ``parent_pid`` closes the gap between fork and this call: if the parent is another one by now, the process ends.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, sign, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed: fabroute's workers run on Linux")
    if parent_pid is not None and os.getppid() != parent_pid:
        os._exit(1)


def lifeline(sign: int) -> Callable[[], None]:
    """Return a ``preexec_fn`` that ties a child to the process that calls this."""
    parent_pid = os.getpid()

    def tie() -> None:
        die_with_parent(sign, parent_pid=parent_pid)

    return tie
