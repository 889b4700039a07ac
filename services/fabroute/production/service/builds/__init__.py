"""Builds: which jobs a machine makes at one go, what that took, and who bears what of it."""

from fabroute.production.service.builds.aborting import BuildAbort, abort_build
from fabroute.production.service.builds.closing import BuildClosing, PartResult, close_build
from fabroute.production.service.builds.planning import (
    BuildWish,
    WantedPart,
    cancel_build,
    change_build,
    open_build,
)
from fabroute.production.service.builds.problems import (
    BuildChanged,
    BuildClosedOtherwise,
    BuildMixed,
    BuildOverfull,
    BuildStateConflict,
    EmptyBuild,
    InvalidResult,
    JobNamedTwice,
    MachineBusy,
    PartsKeptApart,
    TooManyParts,
    UnknownBuildOfNode,
)
from fabroute.production.service.builds.proposing import PlannedPart, Proposals, ProposedBuild, Unplaced
from fabroute.production.service.builds.reading import (
    BUILD_STATES,
    BuildPlanView,
    build_plan,
    get_build,
    list_node_builds,
)
from fabroute.production.service.builds.starting import start_build
from fabroute.production.service.builds.views import BuildPartView, BuildView

__all__ = [
    "BUILD_STATES",
    "BuildAbort",
    "BuildChanged",
    "BuildClosedOtherwise",
    "BuildClosing",
    "BuildMixed",
    "BuildOverfull",
    "BuildPartView",
    "BuildPlanView",
    "BuildStateConflict",
    "BuildView",
    "BuildWish",
    "EmptyBuild",
    "InvalidResult",
    "JobNamedTwice",
    "MachineBusy",
    "PartResult",
    "PartsKeptApart",
    "PlannedPart",
    "Proposals",
    "ProposedBuild",
    "TooManyParts",
    "UnknownBuildOfNode",
    "Unplaced",
    "WantedPart",
    "abort_build",
    "build_plan",
    "cancel_build",
    "change_build",
    "close_build",
    "get_build",
    "list_node_builds",
    "open_build",
    "start_build",
]
