"""Programs that run in forks of this process: ``python -m`` without a new interpreter."""

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkProcess

from setproctitle import setproctitle

from fabroute_workers.lifeline import die_with_parent

Fork = ForkProcess
_ASKING_TO_END = (signal.SIGTERM, signal.SIGINT)


def fork_module(module: Sequence[str], *, dies_by: int) -> Fork:
    """Run a module with its arguments as ``python -m`` does, in a fork of this process, and return that.

    It is called what it would be called otherwise, heeds SIGTERM and SIGINT as a new process does, and gets the signal
    ``dies_by`` when this process (the calling thread of it) ends, however that ends.
    """
    process = multiprocessing.get_context("fork").Process(
        target=_be_module, args=(tuple(module),), kwargs={"parent": os.getpid(), "dies_by": dies_by}
    )
    with _held_back(_ASKING_TO_END):
        process.start()
    return process


def _be_module(module: tuple[str, ...], *, parent: int, dies_by: int) -> None:
    for sign in _ASKING_TO_END:
        signal.signal(sign, signal.SIG_DFL if sign == signal.SIGTERM else signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKING_TO_END)
    die_with_parent(dies_by, parent_pid=parent)
    setproctitle(" ".join((sys.executable, "-m", *module)))
    sys.argv = list(module)
    runpy.run_module(module[0], run_name="__main__", alter_sys=True)


@contextmanager
def _held_back(signs: Sequence[signal.Signals]) -> Iterator[None]:
    """Have signals wait: a fork must not meet them with the handlers of the process that it comes from."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signs)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
