"""3MF files that someone might send to crash, stall, fool or fill a reader of print files."""

from tests.hostile import threemf_archives, threemf_builds, threemf_models
from tests.hostile.case import HostileCase

CASES: tuple[HostileCase, ...] = (*threemf_archives.CASES, *threemf_models.CASES, *threemf_builds.CASES)
