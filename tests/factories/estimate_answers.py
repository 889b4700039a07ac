"""Estimates and constants as the API answers them, for tests of what prints them."""

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json


def a_figure(
    *,
    code: str = "layer_fixed_s",
    value: float = 6.2,
    unit: str = "s per layer",
    mark: str = "vendor",
    subject: str = "HP MJF 5200",
    source: str = "HP MJF 5200: V data sheet",
) -> JsonObject:
    """Return a constant."""
    return {"subject": subject, "code": code, "value": value, "unit": unit, "mark": mark, "source": source}


FIGURES: tuple[JsonObject, ...] = (
    a_figure(),
    a_figure(code="nesting_density", value=0.1, unit="share of the bed", mark="assumption", source="well nested"),
    a_figure(
        code="time_factor_p50",
        value=1.20583,
        unit="share of the estimated time",
        mark="measured",
        source="learnt from 10 builds",
    ),
    a_figure(
        code="rate_minor_per_hour",
        value=3000,
        unit="EUR cent per h",
        mark="stated",
        source="stated by the node, in place of 4500 (HP MJF 5200: V)",
    ),
    a_figure(code="gas_minor_per_hour", value=0, unit="EUR cent per h", mark="assumption", source="argon"),
)


def an_estimate(
    *,
    machine_id: str = "N001-A",
    price_minor: int = 12_345,
    learnt_from: JsonObject | None = None,
    builds: int = 1,
    figures: tuple[JsonObject, ...] = FIGURES,
) -> JsonObject:
    """Return the estimate of ten parts on a machine in Hamburg."""
    return {
        "node_id": "N001",
        "node_kind": "in_house",
        "city": "Hamburg",
        "country": "DE",
        "machine_id": machine_id,
        "model": "HP MJF 5200",
        "process": "MJF",
        "material": "PA12-MJF",
        "parameter_set": "PS-1",
        "parts_per_build": 108,
        "builds": builds,
        "build_minutes_p50": 773,
        "build_minutes_p90": 850,
        "machine_minutes_p50": 58,
        "machine_minutes_p90": 64,
        "off_machine_minutes": 1453,
        "price": {"amount_minor": price_minor, "currency": "EUR"},
        "unit_price": {"amount_minor": round(price_minor / 10), "currency": "EUR"},
        "breakdown": [
            {"code": "file_preparation", "amount_minor": 1150},
            {"code": "machine", "amount_minor": price_minor - 1150},
            {"code": "minimum_order_top_up", "amount_minor": 0},
        ],
        "material_grams": 1362,
        "net_grams": 248,
        "energy_wh": 7890,
        "co2e_g": 5901,
        "learnt_from": learnt_from,
        "figures": list[Json](figures),
    }


def an_unable(*, machine_id: str = "N001-B", reasons: tuple[tuple[str, str], ...] = ()) -> JsonObject:
    """Return a machine that can't."""
    told = reasons or (("BUILD_VOLUME", "needs 86 mm, has 74 mm of 80 × 80 × 80 less margins"),)
    return {
        "node_id": "N001",
        "city": "Hamburg",
        "country": "DE",
        "machine_id": machine_id,
        "model": "Small",
        "process": "MJF",
        "material": "PA12-MJF",
        "parameter_set": "PS-2",
        "reasons": [{"code": code, "message": message} for code, message in told],
    }


def an_estimates_answer(
    *estimates: JsonObject, exclusions: tuple[JsonObject, ...] = (), able: int | None = None, unable: int | None = None
) -> JsonObject:
    """Return an answer to a question for ten pieces of a part."""
    return {
        "part": "AP-0101",
        "revision": "A",
        "revision_id": "rev_1",
        "revision_state": "released",
        "warning": None,
        "process_materials": ["MJF:PA12-MJF", "SLS:PA12-SLS"],
        "quantity": 10,
        "able": len(estimates) if able is None else able,
        "estimates": list[Json](estimates),
        "unable": len(exclusions) if unable is None else unable,
        "exclusions": list[Json](exclusions),
    }
