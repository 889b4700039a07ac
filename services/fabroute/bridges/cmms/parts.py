"""Finds the part that a technician means: by a number, old or new, and by the asset that it is built into."""

from collections.abc import Mapping, Sequence
from typing import Any

from fabroute.bridges.fabroute import FabrouteWire
from fabroute.bridges.orders import NotOrderable
from fabroute.bridges.wire import JsonObject, objects


def find_part(fabroute: FabrouteWire, *, number: str, asset: str, certificates: Sequence[str]) -> str | None:
    """Return fabroute's number of a part; ``None`` where neither the number nor the asset leads to one.

    A number leads to the part that bears it, or had it once; of several, to the one that the asset has. Without a
    number, an asset with one part alone leads to that. Raises ``NotOrderable`` where several parts could be meant, or
    where the released revision is not made under a certificate that the work order asks for.
    """
    there = fabroute.find_parts(asset=asset) if asset else []
    named = [part for part in fabroute.find_parts(number=number) if number in _numbers(part)] if number else there
    installed = [part for part in named if part["id"] in {it["id"] for it in there}]
    found = installed or named
    if not found:
        return None
    if len(found) > 1:
        numbers = ", ".join(sorted(str(part["part_no"]) for part in found))
        raise NotOrderable([f"{number or asset} may mean {numbers}: name one of them"])
    _require_certificates(found[0], certificates)
    return str(found[0]["part_no"])


def _numbers(part: JsonObject) -> set[str]:
    return {str(part["part_no"]), *(str(alias["number"]) for alias in objects(part["aliases"]))}


def _require_certificates(part: JsonObject, certificates: Sequence[str]) -> None:
    revision = _released(part)
    made_under = set(revision.get("required_certificates", ()))
    missing = [it for it in certificates if it not in made_under]
    if missing:
        raise NotOrderable(
            [f"{part['part_no']} is not made under {', '.join(missing)}: release a revision that requires it"]
        )


def _released(part: JsonObject) -> Mapping[str, Any]:
    return next((it for it in objects(part["revisions"]) if it["revision"] == part["released_revision"]), {})
