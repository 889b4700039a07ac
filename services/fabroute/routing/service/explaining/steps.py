"""What would have to be different, step by step, in words that say how much and in figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from fabroute.kernel.events import JsonScalar
from fabroute.routing.service.explaining.chances import LineChances, OrderCap
from fabroute.routing.service.explaining.demands import MATERIAL, OF, Demand, DemandBook, demands_of, hardest_first
from fabroute.routing.service.explaining.placing import Placed, Setting
from fabroute.routing.service.gates import Reasons
from fabroute.routing.service.sentences import euro
from fabroute.solver.eligibility import Exclusion

_Figures = dict[str, JsonScalar]
_HOURS_PER_DAY = 24
_NO_FIGURES: Mapping[str, JsonScalar] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change: what of, in words that stand alone, and in figures."""

    demand: Demand
    words: str
    figures: Mapping[str, JsonScalar]
    """Of what depends on the day or the price; those of other reasons stand among the node's exclusions."""

    @property
    def of(self) -> str:
        """Who would make the change: the ``order``, the ``part``'s owner, or the ``network``."""
        return OF[self.demand.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A place with what its line asks."""

    found: LineChances
    place: Placed
    setting: Setting

    @property
    def machine_id(self) -> str:
        return self.place.chance.machine_id

    @property
    def day(self) -> str:
        return self.setting.calendars.day(self.place.bucket).isoformat()


def steps_to(found: LineChances, place: Placed, setting: Setting) -> tuple[Step, ...]:
    """Return all that would have to change for a line to be made at a place, the hardest first."""
    case = _Case(found=found, place=place, setting=setting)
    return tuple(_step(case, demand) for demand in hardest_first(place.demands))


def steps_against(reasons: Reasons) -> tuple[Step, ...]:
    """Return all that would have to change where there is no price: by what the reasons say, the hardest first."""
    by_demand, demands = DemandBook().read(reasons)
    return tuple(_as_said(demand, by_demand[demand]) for demand in hardest_first(demands))


def _as_said(demand: Demand, reason: Exclusion) -> Step:
    figures = {**reason.figures, "machine_id": reason.machine_id}
    return Step(demand=demand, words=_WORDS[demand.kind](demand, figures), figures=_NO_FIGURES)


def _step(case: _Case, demand: Demand) -> Step:
    told = _BY_DAY_AND_MONEY.get(demand.kind)
    if told is not None:
        words, figures = told(case)
        return Step(demand=demand, words=words, figures=figures)
    reason = _reason_of(case, demand)
    return _certificate(case, demand, reason) if demand.kind == "certificate" else _as_said(demand, reason)


def _reason_of(case: _Case, demand: Demand) -> Exclusion:
    known = case.place.chance.reasons.get(demand)
    return known or next(reason for reason in case.place.lapsed if demand in demands_of((reason,)))


def _certificate(case: _Case, demand: Demand, reason: Exclusion) -> Step:
    """A certificate is needed to the end of production, whether there is one that ends before it or none at all."""
    figures: _Figures = {"certificate": demand.subject, "through": case.day}
    ends = reason.figures.get("valid_to")
    if ends is None:
        words = f"certificate {demand.subject} for {reason.figures['scope']} through {case.day}"
        return Step(demand=demand, words=words, figures=figures | {"scope": reason.figures["scope"]})
    begins = reason.figures["valid_from"]
    words = f"certificate {demand.subject} through {case.day} (now {begins} to {ends})"
    return Step(demand=demand, words=words, figures=figures | {"valid_from": begins, "valid_to": ends})


def _need_by(case: _Case) -> tuple[str, _Figures]:
    need_by, arrival = case.found.line.need_by, case.setting.calendars.instant(case.place.minutes)
    if need_by is None:
        raise ValueError("a line without a need-by is never late")
    late = arrival - need_by
    hours = -(-late // timedelta(hours=1))
    days = -(-late // timedelta(days=1))
    more = f"+{hours} h" if hours < _HOURS_PER_DAY else f"+{days} day{'s' if days > 1 else ''}"
    figures: _Figures = {"need_by": arrival.isoformat(), "later_hours": hours, "later_days": days}
    return f"{more} ({arrival:%Y-%m-%d %H:%M} UTC)", figures


def _capacity(case: _Case) -> tuple[str, _Figures]:
    place, needed = case.place, case.place.chance.priced.machine_minutes
    free = case.setting.room.minutes(case.machine_id, place.bucket)
    short = max(0, needed - free)
    words = f"{short} more minutes on {case.machine_id} by {case.day}"
    if not short:
        words = f"an earlier start on {case.machine_id}"
    figures: _Figures = {
        "machine_id": case.machine_id,
        "needed_minutes": needed,
        "free_minutes": free,
        "more_minutes": short,
        "by": case.day,
    }
    return words, figures


def _price_cap(case: _Case) -> tuple[str, _Figures]:
    cap, landed = case.found.cap_minor or 0, case.place.chance.landed_minor
    if case.found.order_cap is not None:
        return _orders_cap(case.found.order_cap, landed)
    figures: _Figures = {"landed_minor": landed, "maximum_minor": cap, "more_minor": landed - cap}
    return f"raise the cap by {euro(landed - cap)} EUR to {euro(landed)} EUR", figures


def _orders_cap(cap: OrderCap, landed: int) -> tuple[str, _Figures]:
    """The cap of an order of several lines: raised so that this one fits with the others at their cheapest."""
    together = landed + cap.others_minor
    figures: _Figures = {
        "landed_minor": landed,
        "others_minor": cap.others_minor,
        "maximum_minor": cap.maximum_minor,
        "more_minor": together - cap.maximum_minor,
    }
    return f"raise the order's cap by {euro(together - cap.maximum_minor)} EUR to {euro(together)} EUR", figures


def _material(case: _Case) -> tuple[str, _Figures]:
    """Grams that the store lacks, a lot that may not be used, or what other orders took of a lot that would do."""
    priced = case.place.chance.priced
    if not priced.lots:
        return _lot(case.place.chance.reasons[MATERIAL])
    day = case.setting.calendars.day(case.place.bucket)
    has = max((case.setting.room.grams(lot.lot_id) for lot in priced.lots if lot.expires_on >= day), default=0)
    return _grams(priced.grams, has, priced.offer.material.code)


def _lot(reason: Exclusion) -> tuple[str, _Figures]:
    if "state" in reason.figures:
        return f"lot {reason.figures['lot_id']} may be used: it {_after_it(reason.message)}", dict(reason.figures)
    needed, has = (int(str(reason.figures[name])) for name in ("needed_grams", "largest_lot_grams"))
    return _grams(needed, has, str(reason.figures["material"]))


def _after_it(message: str) -> str:
    """Return what keeps a lot from being used: ``lot X of PLA is quarantined`` → ``is quarantined``."""
    return message.split(" ", 4)[-1]


def _grams(needed: int, has: int, material: str) -> tuple[str, _Figures]:
    figures: _Figures = {"needed_grams": needed, "has_grams": has, "more_grams": max(0, needed - has)}
    return f"{max(0, needed - has)} g more of {material} in one lot", figures | {"material": material}


_BY_DAY_AND_MONEY: Mapping[str, Callable[[_Case], tuple[str, _Figures]]] = MappingProxyType(
    {"need_by": _need_by, "capacity": _capacity, "price_cap": _price_cap, "material": _material}
)
"""The steps whose size depends on where and when the line would be made."""


def _available(_: Demand, it: Mapping[str, JsonScalar]) -> str:
    if "invalid" in it:
        return f"what is known of the machine is put right: {it['invalid']}"
    return f"what is {it['status']} is up again"


_WORDS: Mapping[str, Callable[[Demand, Mapping[str, JsonScalar]], str]] = MappingProxyType(
    {
        "file": lambda _, it: "the revision is released with a validated print file",
        "process_material": lambda demand, it: f"accept {demand.subject or it['offered']}",
        "build_volume": lambda _, it: (
            f"split the part or find a larger machine: needs {it['part_mm']} mm, has {it['build_box_mm']} mm"
        ),
        "parameter_set": lambda _, it: f"permit parameter set {it['parameter_set']}",
        "parameter_set_state": lambda _, it: f"qualify parameter set {it['parameter_set']}",
        "certificate": lambda demand, it: f"certificate {demand.subject}",
        "part_qualification": lambda _, it: f"qualify {it['machine_id']} with {it['parameter_set']}",
        "export_class": lambda _, it: f"permission for {it['export_class']} files and parts",
        "zone": lambda _, it: f"permit {it['node_country']}: only {it['permitted']} is permitted",
        "countries": lambda _, it: f"permit {it['node_country']}: only {it['permitted_countries']} is permitted",
        "kinds": lambda _, it: f"permit {it['node_kind']} nodes: only {it['permitted_kinds']} is permitted",
        "nodes": lambda _, it: f"permit node {it['node_id']}",
        "same_country": lambda _, it: f"permit {it['node_country']}: a patient's part is made in {it['permitted']}",
        "licence": lambda _, it: f"a print licence for it with {it['needed']} prints left",
        "packaging": lambda demand, it: f"do without {demand.subject} packaging",
        "minimum_order": lambda _, it: f"an order worth {euro(int(str(it['minimum_minor'])))} EUR there",
        "available": _available,
        "lane": lambda _, it: f"a carrier that takes it to {it['ship_to']}",
        "split": lambda _, it: "permit a split",
        "declined": lambda _, it: f"let {it['node_id']} have the line again, once its reason is gone",
        "sandbox": lambda _, it: f"an order {'outside the' if it['order_in_sandbox'] else 'in its own'} sandbox",
        "concentration": lambda _, it: "a higher cap on the node's share",
        "capacity": lambda _, it: "machine time",
        "need_by": lambda _, it: "a later need-by",
        "price_cap": lambda _, it: "a higher price cap",
        "material": lambda _, it: "more material",
    }
)
"""By kind of demand, from the figures of the reason that makes it."""
