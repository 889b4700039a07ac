"""What a process ends with that could not start, for whoever watches over it (``sysexits.h``)."""

from fabroute.kernel.errors import DomainError

EXIT_UNREACHABLE = 75
"""A server does not answer, a disk is full, a clock is off (``EX_TEMPFAIL``): start again in a while."""
EXIT_MISCONFIGURED = 78
"""It can't run as configured (``EX_CONFIG``): starting it again won't help."""


def exit_code_of(error: DomainError) -> int:
    """Return 75 for what may be over in a while, 78 for what somebody has to set right first."""
    return EXIT_UNREACHABLE if error.passes else EXIT_MISCONFIGURED
