"""Shares what repeats in the OpenAPI document: answers, headers and parameters stand once among its components.

A client reads the same content as if each operation told all of its own; the document is a third shorter.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fabroute.api.admission.refusals import TooBusy
from fabroute.api.contract.document import codes_in
from fabroute.api.contract.limits import RateLimited
from fabroute.api.contract.sealing import AnswerSealed
from fabroute.api.documentation import EVERYWHERE
from fabroute.identity.service.idempotency import KeyInFlight
from fabroute.kernel.errors import DomainError

_MEMBERS = ("paths", "webhooks")
_KINDS = ("headers", "parameters", "responses")
_REFERENCE = re.compile(rf"#/components/({'|'.join(_KINDS)})/(.+)")
_USUAL_KINDS: tuple[type[DomainError], ...] = (*EVERYWHERE, RateLimited, TooBusy, KeyInFlight, AnswerSealed)
_USUAL = frozenset(kind.code for kind in _USUAL_KINDS)
"""Codes that name no answer: they are possible nearly everywhere."""
_OWN = frozenset({"200", "201", "202"})
"""What was asked for: it stands with its operation."""

Json = dict[str, Any]


class _Piece(NamedTuple):
    """Something that an operation tells, which another may tell as well."""

    kind: str
    name: str
    text: str
    """JSON, by which equal ones are known."""


def shared(document: Mapping[str, Any]) -> Json:
    """Return a document with what stands in it more than once among the components, and referred to."""
    counted = Counter(piece for operation in _operations(document) for piece in _pieces(operation))
    names = _names([piece for piece, count in counted.most_common() if count > 1], document["components"])
    components = {kind: dict(document["components"].get(kind, {})) for kind in _KINDS}
    members = {
        member: {path: {method: _shared(it, names, components) for method, it in methods.items()}
                 for path, methods in document[member].items()}
        for member in _MEMBERS
        if member in document
    }  # fmt: skip
    ordered = {kind: {name: components[kind][name] for name in sorted(components[kind])} for kind in _KINDS}
    return {**document, **members, "components": {**document["components"], **ordered}}


def expanded(document: Mapping[str, Any]) -> Json:
    """Return a document in which each operation tells its own answers, headers and parameters; schemas stay shared."""
    return {
        **document,
        **{member: _whole(document[member], document["components"]) for member in _MEMBERS if member in document},
    }


def _whole(node: Any, components: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_whole(it, components) for it in node]
    if not isinstance(node, dict):
        return node
    found = _REFERENCE.fullmatch(str(node.get("$ref", "")))
    if found is not None:
        return _whole(components[found[1]][found[2]], components)
    return {name: _whole(it, components) for name, it in node.items()}


def _operations(document: Mapping[str, Any]) -> Iterator[Json]:
    for member in _MEMBERS:
        for methods in document.get(member, {}).values():
            yield from methods.values()


def _pieces(operation: Json) -> Iterator[_Piece]:
    yield from map(_parameter, operation.get("parameters", ()))
    for status, answer in operation["responses"].items():
        if status not in _OWN:
            yield _answer(status, answer)
        for name, header in answer.get("headers", {}).items():
            if "$ref" not in header:
                yield _header(name, header)


def _names(pieces: list[_Piece], taken: Mapping[str, Any]) -> Mapping[_Piece, str]:
    """Return a name for each piece: the most frequent of a name has it alone, the others with a number."""
    names: dict[_Piece, str] = {}
    known = Counter((kind, name) for kind in _KINDS for name in taken.get(kind, ()))
    for piece in pieces:
        known[piece[:2]] += 1
        number = known[piece[:2]]
        names[piece] = piece.name if number == 1 else f"{piece.name}-{number}"
    return names


def _shared(operation: Json, names: Mapping[_Piece, str], components: Mapping[str, Json]) -> Json:
    """Return an operation that refers to what it shares, and put that among the components."""

    def put(piece: _Piece, content: Json) -> Json:
        name = names.get(piece)
        if name is None:
            return content
        components[piece.kind][name] = content
        return {"$ref": f"#/components/{piece.kind}/{name}"}

    def put_answer(status: str, answer: Json) -> Json:
        headers = {name: put(_header(name, it), it) for name, it in answer.get("headers", {}).items()}
        return put(_answer(status, answer), {**answer, **({"headers": headers} if headers else {})})

    answers = {status: put_answer(status, answer) for status, answer in operation["responses"].items()}
    parameters = [put(_parameter(it), it) for it in operation.get("parameters", ())]
    return {**operation, **({"parameters": parameters} if parameters else {}), "responses": answers}


def _parameter(parameter: Json) -> _Piece:
    return _Piece("parameters", str(parameter["name"]), _text(parameter))


def _header(name: str, header: Json) -> _Piece:
    return _Piece("headers", name, _text(header))


def _answer(status: str, answer: Json) -> _Piece:
    """Return an answer under its status and the codes that are its own."""
    codes = [code for code in codes_in(answer) if code not in _USUAL]
    kind = "Problem" if codes_in(answer) else "Answer"
    return _Piece("responses", ".".join((kind, status, *codes)), _text(answer))


def _text(content: Json) -> str:
    return json.dumps(content, sort_keys=True)
