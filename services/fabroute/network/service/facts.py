"""The network's machines, materials, prices and evidence in the form in which estimates take them."""

from functools import lru_cache

from fabroute.estimation.calibration import NO_EVIDENCE, Evidence
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, NodeRates, Process
from fabroute.network.snapshot import MachineModelView, MaterialView, NodeView, OfferView


@lru_cache(maxsize=1024)
def machine_facts(model: MachineModelView) -> MachineModelFacts:
    """Return a machine model for estimates; ``InvalidFact`` where no machine can be as its row says."""
    return MachineModelFacts(
        model=model.model,
        process=Process(model.process),
        box_mm=(model.x_mm, model.y_mm, model.z_mm),
        layer_um=model.layer_um,
        layer_fixed_s=model.layer_fixed_s,
        rate_cm3_per_hour=model.rate_cm3_per_hour,
        warmup_hours=model.warmup_hours,
        cooldown_hours=model.cooldown_hours,
        setup_hours=model.setup_hours,
        unload_hours=model.unload_hours,
        rate_minor_per_hour=model.rate_minor_per_hour,
        power_kw=model.power_kw,
        source=model.source,
    )


@lru_cache(maxsize=1024)
def material_facts(material: MaterialView) -> MaterialFacts:
    """Return a material for estimates; ``InvalidFact`` where no material can be as its row says."""
    return MaterialFacts(
        code=material.code,
        process=Process(material.process),
        density_g_per_cm3=material.density_g_per_cm3,
        price_minor_per_kg=material.price_minor_per_kg,
        support_fraction=material.support_fraction,
        bulk_density_g_per_cm3=material.bulk_density_g_per_cm3,
        refresh_ratio=material.refresh_ratio,
        source=material.source,
    )


def evidence_of(offer: OfferView) -> Evidence:
    """Return what builds and prints on the offer's machine with its parameter set have taught."""
    learnt = offer.calibration
    if learnt is None:
        return NO_EVIDENCE
    return Evidence(
        builds=learnt.builds,
        log_ratio_sum=learnt.log_ratio_sum,
        log_ratio_sum_squares=learnt.log_ratio_sum_squares,
        good_prints=learnt.good_prints,
        failed_prints=learnt.failed_prints,
    )


def rates_of(node: NodeView, offer: OfferView, *, grid_g_per_kwh: float) -> NodeRates:
    """Return what a node charges for an offer: what it states itself, else what its description says.

    ``grid_g_per_kwh`` is the carbon of its electricity: its own figure, or that of its country's grid.
    """
    stated = offer.rates
    labour = stated.labour_minor_per_hour
    return NodeRates(
        labour_minor_per_hour=node.labour_minor_per_hour if labour is None else labour,
        margin=node.margin,
        minimum_order_minor=node.minimum_order_minor,
        first_pass_yield=node.first_pass_yield,
        grid_g_co2_per_kwh=grid_g_per_kwh,
        machine_minor_per_hour=stated.machine_minor_per_hour,
        material_minor_per_kg=stated.material_minor_per_kg,
    )
