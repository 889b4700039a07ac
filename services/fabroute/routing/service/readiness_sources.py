"""What would add a second source most cheaply: each proof or lot that one node lacks, ranked by what it is worth."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fabroute.routing.rules.readiness import dearest_last
from fabroute.routing.service.readiness_finding import Need, Source

MOST_SOURCES = 50
MOST_PARTS_NAMED = 20
MOST_SECOND_SOURCES = 40

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortEntry:
    """A part for a region that is not ready, with the nodes that could be a second source of it."""

    part_no: str
    region: str
    second_sources: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rescue:
    """One part for one region that a single thing at a node would give one node more."""

    part_no: str
    region: str
    source: Mapping[str, Any]

    @property
    def extra_minor(self) -> int | None:
        found: int | None = self.source["extra_minor"]
        return found

    @property
    def landed_minor(self) -> int:
        return int(self.source["landed_minor"])


def second_sources(sources: Sequence[Source], *, part_no: str, cheapest_minor: int | None) -> list[dict[str, Any]]:
    """Return the nodes that could be a second source of a part, with what each of them lacks, as plain JSON."""
    return [_source(source, part_no, cheapest_minor) for source in sources[:MOST_SECOND_SOURCES]]


def ranked_sources(short: Iterable[ShortEntry]) -> list[dict[str, Any]]:
    """Return the single needs by how many parts each would rescue; of equals those without a route, then the cheapest.

    What is cheapest is the sum of what the parts would cost more there, landed; where no part has a price now, of what
    they would cost. Getting the proof itself is not counted: nobody has told what that costs.
    """
    worths: defaultdict[_Key, list[_Rescue]] = defaultdict(list)
    for entry in short:
        for source in entry.second_sources:
            if len(source["needs"]) == 1:
                rescue = _Rescue(part_no=entry.part_no, region=entry.region, source=source)
                worths[_key(source)].append(rescue)
    ranked = sorted(worths.items(), key=lambda each: _rank(*each))
    return [_document(key, rescues) for key, rescues in ranked[:MOST_SOURCES]]


def _source(source: Source, part_no: str, cheapest_minor: int | None) -> dict[str, Any]:
    needs = sorted(source.needs, key=lambda need: (need.kind, need.subject, need.scope))
    return {
        "node_id": source.node.node_id,
        "city": source.node.city,
        "country": source.node.country,
        "needs": [{"kind": need.kind, "subject": _subject(need, part_no)} for need in needs],
        "what": "; ".join(_words(need, source, part_no) for need in needs),
        "grams": source.grams,
        "landed_minor": source.landed_minor,
        "extra_minor": None if cheapest_minor is None else source.landed_minor - cheapest_minor,
    }


def _key(source: Mapping[str, Any]) -> _Key:
    (need,) = source["needs"]
    return source["node_id"], need["kind"], need["subject"]


def _rank(key: _Key, rescues: Sequence[_Rescue]) -> tuple[object, ...]:
    extra = dearest_last([rescue.extra_minor for rescue in rescues])
    landed = sum(rescue.landed_minor for rescue in rescues)
    return (-len(_parts(rescues)), -len(_parts(_without_route(rescues))), *extra, landed, *key)


def _parts(rescues: Iterable[_Rescue]) -> list[str]:
    return sorted({rescue.part_no for rescue in rescues})


def _without_route(rescues: Iterable[_Rescue]) -> list[_Rescue]:
    return [rescue for rescue in rescues if rescue.extra_minor is None]


def _document(key: _Key, rescues: Sequence[_Rescue]) -> dict[str, Any]:
    node_id, kind, subject = key
    largest = max(rescues, key=lambda rescue: int(rescue.source["grams"])).source
    extras = [rescue.extra_minor for rescue in rescues if rescue.extra_minor is not None]
    parts = _parts(rescues)
    return {
        "node_id": node_id,
        "city": largest["city"],
        "country": largest["country"],
        "kind": kind,
        "subject": subject,
        "what": largest["what"],
        "parts": len(parts),
        "part_nos": parts[:MOST_PARTS_NAMED],
        "parts_without_route": len(_parts(_without_route(rescues))),
        "regions": sorted({rescue.region for rescue in rescues}),
        "landed_minor": sum(rescue.landed_minor for rescue in rescues),
        "extra_minor": sum(extras) if extras else None,
    }


def _subject(need: Need, part_no: str) -> str:
    if need.kind == "first_article":
        return part_no
    return f"{need.subject} for {need.scope}" if need.scope else need.subject


def _words(need: Need, source: Source, part_no: str) -> str:
    city = source.node.city
    if need.kind == "certificate":
        return f"{city} proves {_subject(need, part_no)}"
    if need.kind == "material":
        return f"{city} stores {source.grams:,} g of {need.subject} in one lot"
    how = f"{source.material}, {source.parameter_set}"
    return f"{city} makes a first article of {part_no} on {source.machine_id} ({how})"
