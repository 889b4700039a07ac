"""Threads share heaps: glibc is asked in processes of their own how many it has."""

import ctypes
import subprocess
import sys

import pytest

MANY = 12
_ASKED = f"""
import ctypes, sys, threading
from fabroute.api.heaps import share_heaps

said = share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.fdopen.argtypes = [ctypes.c_int, ctypes.c_char_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fflush.argtypes = [ctypes.c_void_p]
all_at_once = threading.Barrier({MANY})

def allocate():
    all_at_once.wait()
    libc.malloc(5000)
    all_at_once.wait()

threads = [threading.Thread(target=allocate) for _ in range({MANY})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(said, flush=True)
out = libc.fdopen(1, b"w")
libc.malloc_info(0, out)
libc.fflush(out)
"""


def asked(**environment: str) -> tuple[bool, int]:
    """Return what the process was told, and its number of heaps after many threads at once allocated."""
    done = subprocess.run(
        [sys.executable, "-c", _ASKED],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)} | environment,
    )
    said, _, told = done.stdout.partition("\n")
    return said == "True", told.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not glibc")
def test_many_threads_share_two_heaps_unless_the_environment_says_how_many() -> None:
    assert asked() == asked(MALLOC_ARENA_MAX="") == (True, 2)
    assert asked(MALLOC_ARENA_MAX="5") == (False, 5)
