"""Hold a part against what each process can make."""

from collections.abc import Sequence

from fabroute.integrations.validation.geometry import Geometry
from fabroute.inventory.ports import Printability


def judge(geometry: Geometry, processes: Sequence[str]) -> tuple[Printability, ...]:
    """Return for each process whether it can make the part, in the order asked."""
    return tuple(Printability(process=process, findings=()) for process in processes)
