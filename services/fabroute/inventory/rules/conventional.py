"""What a part costs where it is not printed: moulded, cast, machined, bought."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from fabroute.inventory.rules.words import Problems, is_count

MOST_MINOR = 2_000_000_000
LONGEST_LEAD_DAYS = 3_650
_PREFIX = "conventional_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConventionalMethod:
    """How a part is made conventionally, as far as its owner has said so; money in EUR cents."""

    unit_minor: int | None = None
    """Of one piece, without the tool."""
    tooling_minor: int | None = None
    """A mould, pattern or fixture for one variant; 0 where none is needed or it is paid."""
    minimum_quantity: int | None = None
    """The smallest order (MOQ)."""
    lead_days: int | None = None
    """Days from the order to the parts."""

    @property
    def is_known(self) -> bool:
        """Whether a crossover can be reckoned: both the price of a piece and the tool are known."""
        return self.unit_minor is not None and self.tooling_minor is not None


NOTHING_KNOWN = ConventionalMethod()


def conventional_columns(method: ConventionalMethod) -> dict[str, int | None]:
    """Return the columns of a part that hold its conventional method."""
    return {f"{_PREFIX}{name}": value for name, value in asdict(method).items()}


def conventional_method(columns: Mapping[str, int | None]) -> ConventionalMethod:
    """Return what ``conventional_columns`` was given."""
    return ConventionalMethod(**{name.removeprefix(_PREFIX): value for name, value in columns.items()})


def is_conventional_method(method: ConventionalMethod, *, pointer: str) -> Problems:
    """Yield a problem for each figure that no conventional method can have."""
    limits = {
        "unit_minor": (0, MOST_MINOR),
        "tooling_minor": (0, MOST_MINOR),
        "minimum_quantity": (1, 2_000_000_000),
        "lead_days": (0, LONGEST_LEAD_DAYS),
    }
    for name, (least, most) in limits.items():
        value: int | None = getattr(method, name)
        if value is not None:
            yield from is_count(value, pointer=f"{pointer}/{name.removesuffix('_minor')}", least=least, most=most)
