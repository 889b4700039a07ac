"""Turns rows of any CSV into order bodies, by a mapping file; rows that don't map say why."""

import csv
import hashlib
import io
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fabroute.kernel.errors import DomainError

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
OrderBody = dict[str, Json]

_KNOWN_TABLES = {"source", "order", "part", "ship_to"}
_PLAIN_REQUIRED = ("part", "quantity", "city", "country")
_PLAIN_OPTIONAL = ("objective", "criticality", "packaging", "need_by", "reference", "revision")
_SPLIT_COLUMNS = ("split_max_nodes", "split_min_per_node", "cost_of_waiting_minor")


class MappingProblem(DomainError):
    """The mapping file or the CSV as a whole can't be used; the message says what to change."""

    code = "mapping_problem"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRow:
    """A row that became an order."""

    row: int
    """Line in the file, the header being line 1."""
    reference: str
    body: OrderBody
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedRow:
    """A row that did not become an order, and why."""

    row: int
    reference: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueMap:
    """What a column's values stand for; ``refused`` holds values that are known not to map, with the reason."""

    column: str
    values: Mapping[str, Json]
    refused: Mapping[str, str] = field(default_factory=dict)

    def look_up(self, row: Mapping[str, str]) -> Json:
        """Return what the row's value stands for; ``LookupError`` with the reason if nothing."""
        value = (row.get(self.column) or "").strip()
        if value in self.values:
            return self.values[value]
        if not value:
            raise LookupError(f"column {self.column} is empty")
        raise LookupError(self.refused.get(value, f"{self.column} {value!r} is not in the mapping file"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMapping:
    """How a CSV's columns become orders."""

    name: str
    id_column: str
    defaults: Mapping[str, Json]
    part: ValueMap
    ship_to: ValueMap
    quantity: int
    attribution: str = ""

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the CSV must have."""
        return (self.id_column, self.part.column, self.ship_to.column)


def read_mapping(path: Path) -> OrderMapping:
    """Return the mapping in a TOML file; ``MappingProblem`` says what is missing or unknown."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf8"))
    except OSError as error:
        raise MappingProblem(f"can't read the mapping file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingProblem(f"{path} is not valid TOML: {error}") from error
    unknown = set(document) - _KNOWN_TABLES
    if unknown:
        raise MappingProblem(f"{path}: unknown table [{sorted(unknown)[0]}]; known: {', '.join(sorted(_KNOWN_TABLES))}")
    try:
        return _mapping_from(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise MappingProblem(f"{path}: missing or wrong entry {error}; see infra/reference/mappings for one") from error


def _mapping_from(document: Mapping[str, dict[str, Json]]) -> OrderMapping:
    source, order = document["source"], dict(document.get("order", {}))
    quantity = order.pop("quantity", 1)
    if not isinstance(quantity, int):
        raise TypeError("order.quantity must be a whole number")
    return OrderMapping(
        name=str(source["name"]),
        attribution=str(source.get("attribution", "")),
        id_column=str(source["id"]),
        defaults=order,
        part=_value_map(document["part"]),
        ship_to=_value_map(document["ship_to"]),
        quantity=quantity,
    )


def _value_map(table: Mapping[str, Json]) -> ValueMap:
    values, refused = table["values"], table.get("refused", {})
    if not isinstance(values, dict) or not isinstance(refused, dict):
        raise TypeError("values and refused must be tables")
    return ValueMap(
        column=str(table["column"]), values=values, refused={key: str(reason) for key, reason in refused.items()}
    )


def map_rows(content: str, *, batch: str, mapping: OrderMapping | None = None) -> Iterator[MappedRow | UnmappedRow]:
    """Yield, for every row of the CSV ``content``, an order or the reason why it is none.

    Without a ``mapping`` the columns are fabroute's own: ``part, quantity, city, country`` and, if wanted,
    ``objective, criticality, packaging, need_by, reference, revision, split_max_nodes, split_min_per_node,
    cost_of_waiting_minor`` (of an hour, in cents).
    """
    reader = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")), strict=True)
    _require_columns(reader.fieldnames, mapping)
    rows = iter(reader)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield UnmappedRow(row=reader.line_num, reference="", reason=f"not readable as CSV from here on: {error}")
            return
        yield _map_row(row, reader.line_num, mapping, batch)


def _require_columns(present: Sequence[str] | None, mapping: OrderMapping | None) -> None:
    needed = _PLAIN_REQUIRED if mapping is None else mapping.columns()
    missing = [column for column in needed if column not in (present or ())]
    if missing:
        raise MappingProblem(
            f"the CSV has no column {', '.join(missing)} (it has: {', '.join(present or ()) or 'none'}); "
            + ("name the columns so, or give a mapping file with --mapping" if mapping is None else "mend the mapping")
        )


def _map_row(row: Mapping[str, str], number: int, mapping: OrderMapping | None, batch: str) -> MappedRow | UnmappedRow:
    reference = (row.get(mapping.id_column if mapping else "reference") or "").strip()
    if None in row:
        return UnmappedRow(row=number, reference=reference, reason="more cells than the header has columns")
    if None in row.values():
        return UnmappedRow(row=number, reference=reference, reason="fewer cells than the header has columns")
    try:
        body = _plain_body(row) if mapping is None else _mapped_body(row, mapping)
    except (LookupError, ValueError) as error:
        return UnmappedRow(row=number, reference=reference, reason=str(error.args[0]))
    body["batch"] = batch
    if reference:
        body["reference"] = reference
    return MappedRow(row=number, reference=reference, body=body, idempotency_key=_row_key(batch, number, body))


def _mapped_body(row: Mapping[str, str], mapping: OrderMapping) -> OrderBody:
    part, ship_to = mapping.part.look_up(row), mapping.ship_to.look_up(row)
    return {**mapping.defaults, "ship_to": ship_to, "lines": [{"part": part, "quantity": mapping.quantity}]}


def _plain_body(row: Mapping[str, str]) -> OrderBody:
    cells = {column: (row.get(column) or "").strip() for column in (*_PLAIN_REQUIRED, *_PLAIN_OPTIONAL)}
    empty = [column for column in _PLAIN_REQUIRED if not cells[column]]
    if empty:
        raise LookupError(f"column {empty[0]} is empty")
    line: dict[str, Json] = {"part": cells["part"], "quantity": _whole(cells["quantity"], column="quantity")}
    if cells["revision"]:
        line["revision"] = cells["revision"]
    body: OrderBody = {"ship_to": {"city": cells["city"], "country": cells["country"]}, "lines": [line]}
    for column in ("objective", "criticality", "packaging", "need_by"):
        if cells[column]:
            body[column] = cells[column]
    return body | _split_body(row)


def _split_body(row: Mapping[str, str]) -> OrderBody:
    """Return what a row says about splitting its line, and about what waiting costs."""
    given = {
        column: _whole(cell, column=column) for column in _SPLIT_COLUMNS if (cell := (row.get(column) or "").strip())
    }
    body: OrderBody = {}
    if "split_max_nodes" in given:
        body["split"] = {"max_nodes": given["split_max_nodes"], "min_per_node": given.get("split_min_per_node", 1)}
    elif "split_min_per_node" in given:
        raise ValueError("split_min_per_node needs split_max_nodes: how many nodes may share the line")
    if "cost_of_waiting_minor" in given:
        body["cost_of_waiting_per_hour"] = {"amount_minor": given["cost_of_waiting_minor"], "currency": "EUR"}
    return body


def _whole(cell: str, *, column: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise ValueError(f"{column} {cell!r} is not a whole number") from None


def _row_key(batch: str, number: int, body: OrderBody) -> str:
    """Return a key that is the same when the same file is imported again, so that nothing is ordered twice."""
    digest = hashlib.sha256(json.dumps([batch, number, body], sort_keys=True).encode()).hexdigest()
    return f"import-{digest[:40]}"
