"""A part and the validation of a print file as a person reads them."""

from collections.abc import Iterator
from typing import cast

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.kernel.money import Money

_MARKS = {"error": "✗", "warning": "!", "note": "·"}
_HASH_DIGITS = 12


def part_story(part: JsonObject) -> str:
    """Return a part with its numbers, places and revisions in words, from the API's answer."""
    return "\n".join(_part_lines(part))


def validation_story(name: str, validation: JsonObject) -> str:
    """Return what the validation of a file called ``name`` found in words, from the API's answer."""
    return "\n".join(_validation_lines(name, validation))


def _part_lines(part: JsonObject) -> Iterator[str]:
    yield f"{part['part_no']} · {part['name']} ({part['sector']}, usually {part['criticality']})"
    aliases = [f"{alias['number']} ({alias['kind']})" for alias in _objects(part["aliases"])]
    if aliases:
        yield f"  also known as {', '.join(aliases)}"
    for place in _objects(part["installations"]):
        position = f", position {place['position']}" if place["position"] else ""
        yield f"  installed in {place['asset']}{position}: {place['quantity']}"
    if words := _conventional_words(part.get("conventional")):
        yield f"  conventionally {words}"
    if not part["revisions"]:
        yield "  no revision yet"
    for revision in _objects(part["revisions"]):
        yield from _revision_lines(revision)


def _conventional_words(method: Json) -> str:
    if not isinstance(method, dict):
        return ""
    amounts = ((method["unit"], "a piece"), (method["tooling"], "of tooling"))
    words = [f"{_euro(amount)} {what}" for amount, what in amounts if isinstance(amount, dict)]
    counts = (("minimum_quantity", "{} or more"), ("lead_days", "in {} days"))
    return ", ".join(words + [text.format(method[name]) for name, text in counts if method[name] is not None])


def _euro(amount: JsonObject) -> str:
    return str(Money(amount_minor=int(str(amount["amount_minor"])), currency=str(amount["currency"])))


def _revision_lines(revision: JsonObject) -> Iterator[str]:
    yield f"  revision {revision['revision']}: {revision['state']}  ({revision['id']})"
    yield f"    of {', '.join(_texts(revision['process_materials']))}"
    if needs := list(_needs(revision)):
        yield f"    needs {'; '.join(needs)}"
    yield f"    {_file_line(revision['print_file'])}"
    approval = revision["approval"]
    if isinstance(approval, dict):
        yield f"    approved by {approval['approved_by']} on {_day(approval['approved_at'])}: {approval['reason']}"
    if revision["released_at"]:
        yield f"    released by {revision['released_by']} on {_day(revision['released_at'])}"
    for document in _objects(revision["documents"]):
        yield f"    {document['kind']} {document['name']} ({document['size_bytes']} bytes)"


def _needs(revision: JsonObject) -> Iterator[str]:
    if certificates := _texts(revision["required_certificates"]):
        yield ", ".join(certificates)
    if revision["part_qualification"]:
        yield "a first article"
    if revision["licence_required"]:
        yield "a print licence"
    if revision["packaging"] != "plain":
        yield f"packaging {revision['packaging']}"
    if revision["qualified_orientation"]:
        yield f"{revision['qualified_orientation']} up"
    if places := [*_texts(revision["ip_countries"]), *_texts(revision["ip_kinds"]), *_texts(revision["ip_nodes"])]:
        yield f"to be made only in {', '.join(places)}"
    if revision["export_class"] != "none":
        yield f"export class {revision['export_class']}"


def _file_line(file: Json) -> str:
    if not isinstance(file, dict):
        return "no print file yet: fabroute part upload"
    box = _box(_object(file["box"]))
    return f"{box}, {_figure(file['volume_cm3'])} cm³, {file['triangles']:,} triangles, {_short(file['sha256'])}"


def _validation_lines(name: str, validation: JsonObject) -> Iterator[str]:
    yield f"{name}: {validation['state']}"
    yield f"  {validation['summary']}"
    report = validation.get("report")
    if not isinstance(report, dict):
        return
    if isinstance(measures := report.get("measures"), dict):
        yield f"  {_measured(measures)}"
    for finding in _objects(report["findings"]):
        yield from _finding_lines(finding)
    for judged in _objects(report["printability"]):
        problems = _objects(judged["findings"])
        yield f"  {judged['process']}: " + ("; ".join(str(problem["message"]) for problem in problems) or "printable")


def _measured(measures: JsonObject) -> str:
    wall = measures.get("thinnest_wall_mm")
    bodies = "1 body" if measures["bodies"] == 1 else f"{measures['bodies']} bodies"
    words = "" if wall is None else f", thinnest wall about {_figure(wall)} mm"
    return (
        f"{_box(measures.get('box') or measures.get('box_mm'))}, {_figure(measures['volume_cm3'])} cm³, "
        f"{measures['triangles']:,} triangles, {bodies}{words}"
    )


def _finding_lines(finding: JsonObject) -> Iterator[str]:
    where = f" [{finding['where']}]" if finding.get("where") else ""
    yield f"  {_MARKS.get(str(finding['severity']), '·')} {finding['code']}: {finding['message']}{where}"
    yield f"    → {finding['advice']}"


def _box(box: Json) -> str:
    sides = box.values() if isinstance(box, dict) else cast("list[Json]", box)
    return " × ".join(_figure(side) for side in sides) + " mm"


def _figure(value: Json) -> str:
    return f"{float(str(value)):.4g}"


def _day(instant: Json) -> str:
    return str(instant)[:10]


def _short(sha256: Json) -> str:
    return f"SHA-256 {str(sha256)[:_HASH_DIGITS]}…"


def _texts(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
