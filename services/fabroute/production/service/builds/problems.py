"""Why a build can't be planned, started or closed."""

from fabroute.kernel.errors import DomainError


class UnknownBuildOfNode(DomainError):
    """No such build, or not one that the asking organisation may see."""

    code = "unknown_build"
    status = 404


class EmptyBuild(DomainError):
    """The build holds nothing, or no whole number of its parts."""

    code = "build_empty"
    status = 422


class JobNamedTwice(DomainError):
    """The build names a job twice: how many of its parts it holds is one number."""

    code = "build_job_twice"
    status = 422


class TooManyParts(DomainError):
    """The build holds more parts of a job than are left to be made."""

    code = "build_too_many_parts"
    status = 409


class BuildMixed(DomainError):
    """The jobs are for different machines, materials, parameter sets or lots."""

    code = "build_mixed"
    status = 409


class PartsKeptApart(DomainError):
    """Parts of these owners, or of this kind, are not made in one build."""

    code = "build_kept_apart"
    status = 409


class BuildOverfull(DomainError):
    """The parts don't fit into one build of the machine."""

    code = "build_overfull"
    status = 409


class BuildStateConflict(DomainError):
    """The build is in a state in which this can't be done."""

    code = "build_state_conflict"
    status = 409


class MachineBusy(DomainError):
    """Another build runs on the machine."""

    code = "machine_busy"
    status = 409


class BuildChanged(DomainError):
    """Somebody changed the build since it was read."""

    code = "stale_version"
    status = 412


class BuildClosedOtherwise(DomainError):
    """The build was closed with other facts."""

    code = "build_closed_otherwise"
    status = 409


class InvalidResult(DomainError):
    """More good and failed prints than the build holds of a job, or a job that is not in it."""

    code = "invalid_build_result"
    status = 422
