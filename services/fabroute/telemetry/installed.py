"""Which version of fabroute this is."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Return the version that is installed, ``unknown`` where it runs from its sources."""
    try:
        return version("fabroute")
    except PackageNotFoundError:
        return "unknown"
