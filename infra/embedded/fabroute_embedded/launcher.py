"""Turn into a server that dies with its owner: drop privileges, ask the kernel for a death signal, then exec.

Run as a script: ``python -I -S launcher.py OWNER_PID DEATH_SIGNAL UID GID PROGRAM ARGUMENTS...``. A process of its own
and not a ``preexec_fn``, because Python code between fork and exec may deadlock in an owner that has threads; and it
drops privileges itself, because the unprivileged account may not be able to reach the Python interpreter.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become ``PROGRAM``; a death signal of 0 means to outlive the owner."""
    owner_pid, death_signal, uid, gid = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    drop_privileges(uid=uid, gid=gid)
    if death_signal:
        die_with_owner(owner_pid=owner_pid, death_signal=death_signal)
    os.execv(program[0], program)


def drop_privileges(*, uid: int, gid: int) -> None:
    """Switch to the account for good; nothing to do when it is ours already."""
    if os.geteuid() == uid:
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_owner(*, owner_pid: int, death_signal: int) -> None:
    """Have the kernel send ``death_signal`` when the owner dies, be it by ``kill -9``. Linux only; elsewhere a no-op.

    Called after the change of user, which clears the setting.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != owner_pid:
        raise SystemExit("the owner died before its server began")


if __name__ == "__main__":
    main(sys.argv[1:])
