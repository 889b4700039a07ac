"""What keeps offers from a line, sorted by what someone would have to give up or to provide."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from fabroute.kernel.events import JsonScalar
from fabroute.solver.eligibility import Exclusion, ExclusionCode


class Demand(NamedTuple):
    """One thing that is asked of whoever makes a line: a kind, and which one of it where there are several."""

    kind: str
    subject: str = ""

    @property
    def name(self) -> str:
        """The demand as one word: ``certificate:EN45545-HL2``."""
        return f"{self.kind}:{self.subject}" if self.subject else self.kind


Demands = frozenset[Demand]
NOTHING: Demands = frozenset()
NEED_BY, CAPACITY, PRICE_CAP = Demand("need_by"), Demand("capacity"), Demand("price_cap")
MATERIAL, BUILD_VOLUME, PROCESS_MATERIAL = Demand("material"), Demand("build_volume"), Demand("process_material")
_CERTIFICATE, _PACKAGING = "certificate", "packaging"
_PLAIN = "plain"
ACCEPT = "accept"
"""Figure of a reason that could be lifted by accepting this one process and material."""
_ORDER, _PART, _NETWORK = "order", "part", "network"

OF: Mapping[str, str] = MappingProxyType(
    {
        "need_by": _ORDER,
        "price_cap": _ORDER,
        "packaging": _ORDER,
        "same_country": _ORDER,
        "split": _ORDER,
        "declined": _ORDER,
        "sandbox": _ORDER,
        "file": _PART,
        "process_material": _PART,
        "build_volume": _PART,
        "parameter_set": _PART,
        "certificate": _PART,
        "part_qualification": _PART,
        "export_class": _PART,
        "zone": _PART,
        "countries": _PART,
        "kinds": _PART,
        "nodes": _PART,
        "licence": _PART,
        "material": _NETWORK,
        "minimum_order": _NETWORK,
        "parameter_set_state": _NETWORK,
        "concentration": _NETWORK,
        "available": _NETWORK,
        "lane": _NETWORK,
        "capacity": _NETWORK,
    }
)
"""Who asks for each kind of demand: the order, the part (its owner), or the network as it is today."""
PRICED = frozenset(OF) - {
    "file",
    "process_material",
    "build_volume",
    "available",
    "lane",
    "capacity",
    "split",
    "declined",
    "sandbox",
}
"""The kinds whose price is told: rules that someone made, or may make otherwise. The others are facts."""
_HARDEST_FIRST = (
    "sandbox",
    "export_class", "build_volume", "process_material", "file", "zone", "countries", "kinds", "nodes", "same_country",
    "part_qualification", "certificate", "parameter_set", "parameter_set_state", "licence", "concentration",
    "declined", "available", "lane", "split", "material", "capacity", "minimum_order", "packaging", "need_by",
    "price_cap",
)  # fmt: skip
_HARDNESS = MappingProxyType({kind: len(_HARDEST_FIRST) - place for place, kind in enumerate(_HARDEST_FIRST)})
_Figures = Mapping[str, JsonScalar]


@lru_cache(maxsize=10_000)
def hardness(demands: Demands) -> int:
    """Return how hard the hardest of some demands is to meet otherwise: law first, money last; an order of ours."""
    return max((_HARDNESS[demand.kind] for demand in demands), default=0)


@lru_cache(maxsize=10_000)
def hardest_first(demands: Demands) -> tuple[Demand, ...]:
    """Return demands in the order in which they are hard to meet otherwise; equals by name."""
    return tuple(sorted(demands, key=lambda demand: (-_HARDNESS[demand.kind], demand)))


def hardest(demands: Demands) -> Demand:
    """Return the demand that is hardest to meet otherwise; of equals the first by name."""
    return hardest_first(demands)[0]


def demands_of(reasons: Iterable[Exclusion]) -> Demands:
    """Return all that would have to be given up or provided for reasons to be none."""
    return frozenset(demand for reason in reasons for demand in _DEMANDS[reason.code](reason.figures))


class DemandBook:
    """What reasons demand, each worked out once; most reasons of a run are the same for many lines."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], tuple[tuple[Exclusion, ...], Mapping[Demand, Exclusion], Demands]] = {}

    def read(self, reasons: tuple[Exclusion, ...]) -> tuple[Mapping[Demand, Exclusion], Demands]:
        """Return all demands of reasons, each with the first reason that makes it, and the same as a set."""
        key = tuple(map(id, reasons))
        known = self._known.get(key)
        if known is None:
            by_demand: dict[Demand, Exclusion] = {}
            for reason in reasons:
                for demand in _DEMANDS[reason.code](reason.figures):
                    by_demand.setdefault(demand, reason)
            # The reasons are kept, so that no other object ever has one of their ids.
            known = self._known[key] = (reasons, by_demand, frozenset(by_demand))
        return known[1:]


def _fixed(kind: str) -> Callable[[_Figures], tuple[Demand, ...]]:
    demands = (Demand(kind),)
    return lambda _: demands


def _listed(kind: str, figure: str) -> Callable[[_Figures], tuple[Demand, ...]]:
    return lambda figures: tuple(Demand(kind, subject) for subject in str(figures[figure]).split(", "))


def _packagings(figures: _Figures) -> tuple[Demand, ...]:
    """A node that packs nothing plain can't once nothing special is asked for, either."""
    wanted = _listed(_PACKAGING, "wanted")(figures)
    plain = _PLAIN in str(figures["offered"]).split(", ")
    return wanted if plain else tuple(dict.fromkeys((*wanted, Demand(_PACKAGING, _PLAIN))))


def _parameter_set(figures: _Figures) -> tuple[Demand, ...]:
    return (Demand("parameter_set" if "allowed" in figures else "parameter_set_state"),)


def _property(figures: _Figures) -> tuple[Demand, ...]:
    if "licence" in figures:
        return (Demand("licence"),)
    lists = tuple(Demand(kind) for kind in ("countries", "kinds", "nodes") if f"permitted_{kind}" in figures)
    if "permitted" not in figures:
        return lists
    return (Demand("zone" if "ship_to" in figures else "same_country"), *lists)


_DEMANDS: Mapping[ExclusionCode, Callable[[_Figures], tuple[Demand, ...]]] = MappingProxyType(
    {
        ExclusionCode.FILE_NOT_VALIDATED: _fixed("file"),
        ExclusionCode.NO_PARAMETER_SET: _parameter_set,
        ExclusionCode.BUILD_VOLUME: _fixed("build_volume"),
        ExclusionCode.PROCESS_MATERIAL: lambda it: (Demand("process_material", str(it.get(ACCEPT, ""))),),
        ExclusionCode.CERTIFICATE_MISSING: _listed(_CERTIFICATE, "missing"),
        ExclusionCode.CERTIFICATE_EXPIRES: _listed(_CERTIFICATE, "certificate"),
        ExclusionCode.PART_NOT_QUALIFIED: _fixed("part_qualification"),
        ExclusionCode.MATERIAL_SHORT: _fixed("material"),
        ExclusionCode.LOT_BLOCKED: _fixed("material"),
        ExclusionCode.PACKAGING: _packagings,
        ExclusionCode.LANE_MISSING: _fixed("lane"),
        ExclusionCode.EXPORT_CONTROL: _fixed("export_class"),
        ExclusionCode.IP_POLICY: _property,
        ExclusionCode.NODE_DOWN: _fixed("available"),
        ExclusionCode.CAPACITY: _fixed("capacity"),
        ExclusionCode.NEED_BY: _fixed("need_by"),
        ExclusionCode.PRICE_CAP: _fixed("price_cap"),
        ExclusionCode.MIN_ORDER: _fixed("minimum_order"),
        ExclusionCode.SPLIT_FORBIDDEN: _fixed("split"),
        ExclusionCode.CONCENTRATION: _fixed("concentration"),
        ExclusionCode.DECLINED: _fixed("declined"),
        ExclusionCode.SANDBOX: _fixed("sandbox"),
    }
)
"""What each code demands, by its figures."""

_NONE: frozenset[str] = frozenset()
_PROPERTY = frozenset({"zone", "same_country", "countries", "kinds", "nodes", "licence"})
_TIME = frozenset({"need_by", "capacity"})
_LIFTED_BY: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "NO_PARAMETER_SET": frozenset({"parameter_set", "parameter_set_state"}),
        "CERTIFICATE_MISSING": frozenset({_CERTIFICATE}),
        "CERTIFICATE_EXPIRES": frozenset({_CERTIFICATE}),
        "PACKAGING": frozenset({_PACKAGING}),
        "PROCESS_MATERIAL": frozenset({"process_material"}),
        "IP_POLICY": _PROPERTY,
        "CAPACITY": _TIME,
        "NEED_BY": _TIME,
    }
)
"""For codes whose figures say which demand it is, and for time: a later deadline is as good as more machine time."""


def kinds_against(code: str) -> frozenset[str]:
    """Return the kinds of demands of which one is to be met otherwise, so that a code bites no more.

    None for what is no code of an exclusion.
    """
    if code in _LIFTED_BY:
        return _LIFTED_BY[code]
    return (
        frozenset(it.kind for it in _DEMANDS[ExclusionCode[code]]({})) if code in ExclusionCode.__members__ else _NONE
    )
