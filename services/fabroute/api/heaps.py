"""How the C library shares out this process's memory among its threads."""

import ctypes
import os

_M_ARENA_MAX = -8
"""Of glibc's ``malloc.h``."""
_HEAPS = 2
_OPERATORS_OWN = "MALLOC_ARENA_MAX"


def share_heaps() -> bool:
    """Have all threads allocate from two heaps; for before there are threads. Return whether that could be said.

    Left alone, glibc gives threads heaps of their own, up to eight for each core, and each goes on holding what its
    busiest request needed: an API process grows for as long as not every thread has met its own. Python's threads take
    turns, so they seldom wait for a heap either. What the environment asks for in ``MALLOC_ARENA_MAX`` stands; other C
    libraries than glibc are left as they are.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None or os.environ.get(_OPERATORS_OWN):
        return False
    return bool(set_option(_M_ARENA_MAX, _HEAPS))
