"""The reference network: CSV files, checked and completed by a fixed seed, loaded with a print file for every part."""

from pathlib import Path

import fabroute
from fabroute.integrations.reference.loading import load_reference
from fabroute.integrations.reference.report import SeedReport
from fabroute.integrations.reference.tables import InvalidReferenceData, Problem
from fabroute.settings import get_settings

__all__ = ["InvalidReferenceData", "Problem", "SeedReport", "load_reference", "reference_folder"]


def reference_folder() -> Path:
    """Return the folder of the reference files: the configured one, the installed one, or the source tree's."""
    configured = get_settings().reference_folder
    if configured is not None:
        return configured
    package = Path(fabroute.__file__).parent
    installed = package / "reference"
    return installed if installed.is_dir() else package.parents[1] / "infra" / "reference"
