"""Material in the nodes' stores: the files name none, so a seed puts one or two lots wherever a material is printed.

Some are short, expired, about to expire, quarantined, blocked or used too often, on purpose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from fabroute.integrations.reference.chance import chance
from fabroute.integrations.reference.dates import BASE_DAY
from fabroute.integrations.reference.rows import AssetRow
from fabroute.network.service import NewLot, NewMachineModel

_KILOGRAMS = {
    "MEX": (2, 12),
    "VPP": (4, 20),
    "SLS": (30, 120),
    "MJF": (40, 160),
    "LPBF": (25, 120),
    "EBM": (20, 80),
    "BJT": (40, 150),
}
"""What a store usually holds of one material in one lot, by process (assumption)."""
_LARGE_MACHINE_LITRES = 200
_LARGE_FACTOR = 6
"""Whoever runs a machine of that size buys that much more at once (assumption)."""
_POWDERS = frozenset({"SLS", "MJF", "LPBF", "EBM", "BJT"})
SHORT_GRAMS = 300
USUAL_REUSES = 6
TOO_MANY_REUSES = (15, 25)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flaw:
    share: float
    name: str


_FLAWS = (
    _Flaw(share=0.08, name="short"),
    _Flaw(share=0.06, name="expired"),
    _Flaw(share=0.05, name="expires soon"),
    _Flaw(share=0.04, name="quarantined"),
    _Flaw(share=0.02, name="blocked"),
    _Flaw(share=0.05, name="over-used"),
)
"""How many lots in a hundred have which flaw; the rest are good."""


def lots(assets: Sequence[AssetRow], models: Mapping[str, NewMachineModel]) -> tuple[NewLot, ...]:
    """Return one or two lots for every material that a node prints, in the order of their ids; days are the files'."""
    offered: dict[tuple[str, str], AssetRow] = {}
    large: set[tuple[str, str]] = set()
    for asset in assets:
        place = (asset.node_id, asset.material)
        offered.setdefault(place, asset)
        if _litres(models[asset.model]) > _LARGE_MACHINE_LITRES:
            large.add(place)
    return tuple(lot for place in sorted(offered) for lot in _lots_at(offered[place], is_large=place in large))


def _lots_at(asset: AssetRow, *, is_large: bool) -> list[NewLot]:
    drawn = chance("lots", asset.node_id, asset.material)
    count = 2 if drawn.random() < 0.45 else 1
    return [_lot(asset, number, is_large=is_large, drawn=drawn) for number in range(1, count + 1)]


def _lot(asset: AssetRow, number: int, *, is_large: bool, drawn: Random) -> NewLot:
    low, high = _KILOGRAMS[asset.process]
    grams = round(drawn.uniform(low, high) * (_LARGE_FACTOR if is_large else 1) * 10) * 100
    flaw = _flaw(drawn)
    reuses = drawn.randint(0, USUAL_REUSES) if asset.process in _POWDERS else 0
    if flaw == "over-used":
        reuses = drawn.randint(*TOO_MANY_REUSES) if asset.process in _POWDERS else 0
    return NewLot(
        lot_id=f"lot_{asset.node_id}_{asset.material}_{number}",
        node_id=asset.node_id,
        material=asset.material,
        grams=drawn.randint(1, SHORT_GRAMS // 50) * 50 if flaw == "short" else grams,
        expires_on=BASE_DAY + timedelta(days=_days_left(flaw, drawn)),
        state=flaw if flaw in ("quarantined", "blocked") else "available",
        reuse_count=reuses,
        supplier_lot=_supplier_lot(asset, number),
    )


def _supplier_lot(asset: AssetRow, number: int) -> str:
    """Return the manufacturer's number (assumption): ten batches of each material are in use, at many nodes."""
    first = chance("manufacturer", asset.material).randint(100, 899) * 10
    return f"L-{first + chance('supplier lot', asset.node_id, asset.material, str(number)).randint(0, 9)}"


def _flaw(drawn: Random) -> str:
    value = drawn.random()
    for flaw in _FLAWS:
        if value < flaw.share:
            return flaw.name
        value -= flaw.share
    return ""


def _days_left(flaw: str, drawn: Random) -> int:
    first, last = {"expired": (-90, -1), "expires soon": (3, 25)}.get(flaw, (120, 900))
    return drawn.randint(first, last)


def _litres(model: NewMachineModel) -> float:
    return model.x_mm * model.y_mm * model.z_mm / 1e6
