"""What would be a leak: whose words, amounts and ids an answer must not hold, and whose rows must stay as they are."""

import re
from collections.abc import Mapping
from functools import cache

import httpx
from sqlalchemy import Engine

from tests.api.matrix.audiences import Who
from tests.api.matrix.canaries import Canary, Name, canaries_of, found_in
from tests.factories.databases import in_transaction, rows

NAMES: Mapping[Who, Name | None] = {
    "owner": "alpha",
    "bureau": "charlie",
    "other owner": "bravo",
    "other bureau": "delta",
    "revoked": None,
    "nobody": None,
}
"""Who asks in whose name; the operator may see everything."""
PARTNERS: Mapping[Name, Name] = {"alpha": "charlie", "charlie": "alpha", "bravo": "delta", "delta": "bravo"}
TOLD_TO_THE_NODE = frozenset({"name", "part", "brand", "remark", "file"})
"""Of an owner, to the node that makes its part."""
TOLD_TO_THE_OWNER = frozenset(
    {"name", "price", "photo", "serial", "inspector", "decline", "counter", "secret", "remark", "issuer", "build"}
)
"""Of a node, to the owner whose part it makes."""
TOLD_TO_OWNERS = frozenset({"issuer", "proof"})
"""Of a node, to every owner of parts: what it may print."""
AT_THE_DOOR = frozenset({"customer", "street", "reference"})
"""Of an owner, to the node that packs: where a parcel goes, on what is for the parcel."""
LABELS = frozenset({"get_packet", "get_parcel_labels", "get_packing_slip"})

ON_THE_PART = frozenset({"part", "serial"})
"""To whoever holds a part, by the code on it."""

_ID = re.compile(r"\b[a-z]{2,5}_[0-9a-z]{26}\b")
_TOLD_TO_ALL = ("cert_",)
"""Ids of what every owner may know of every node."""
_ORGANISATIONS = ("org_alpha", "org_charlie")
_TABLES = (
    "SELECT table_name, max(CASE WHEN column_name = 'organisation_id' THEN 1 ELSE 0 END)"
    " FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name ORDER BY table_name"
)
Leaks = Mapping[Who, list[str]]
Rows = Mapping[str, frozenset[str]]
"""Whole rows as text, by table."""


def leaks_in(answer: httpx.Response, *, who: Who, operation: str, victim_ids: frozenset[str]) -> list[str]:
    """Return what an answer, in body or headers, tells the caller of somebody else; an empty list if nothing."""
    text = _text_of(answer)
    found = [
        f"{canary.of}'s {canary.field}: {canary.text}"
        for canary in found_in(text, forbidden(who))
        if not _is_meant(canary, who, operation)
    ]
    if who in ("other owner", "other bureau", "revoked", "nobody"):
        asked = _asked(answer.request)
        known = _TOLD_TO_ALL if who == "other owner" else ()
        ids = sorted(set(_ID.findall(text)) & victim_ids)
        found += [it for it in ids if it not in asked and not it.startswith(known)]
    return found


def _is_meant(canary: Canary, who: Who, operation: str) -> bool:
    at_the_door = who == "bureau" and operation in LABELS and canary.of == "alpha" and canary.field in AT_THE_DOOR
    return at_the_door or (operation == "get_passport" and canary.field in ON_THE_PART)


def leaks_by(answers: Mapping[Who, httpx.Response], *, operation: str, victim_ids: frozenset[str]) -> Leaks:
    """Return the leaks of those answers that have some, by who asked."""
    found = {
        who: leaks_in(answer, who=who, operation=operation, victim_ids=victim_ids) for who, answer in answers.items()
    }
    return {who: leaks for who, leaks in found.items() if leaks}


@cache
def forbidden(who: Who) -> tuple[Canary, ...]:
    """Return what must not be told to a caller by any answer."""
    if who == "operator":
        return ()
    own = NAMES[who]
    return tuple(
        canary for canary in canaries_of(*PARTNERS) if canary.of != own and canary.field not in _told(canary.of, own)
    )


def _told(of: Name, to: Name | None) -> frozenset[str]:
    told = TOLD_TO_OWNERS if of in ("charlie", "delta") and to in ("alpha", "bravo") else frozenset()
    if to is not None and PARTNERS[of] == to:
        told = told | (TOLD_TO_THE_NODE if to in ("charlie", "delta") else TOLD_TO_THE_OWNER)
    return told


def _text_of(answer: httpx.Response) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{headers}\n\n{answer.content.decode('utf-8', 'replace')}"


def _asked(request: httpx.Request) -> str:
    """Return what the caller knew when it asked."""
    return f"{request.url} {request.read().decode('utf-8', 'replace')}"


def read_rows(engine: Engine) -> Rows:
    """Return every row of the database that is not plainly someone else's than the victim's."""
    tables = in_transaction(engine, lambda session: rows(session, _TABLES))
    return {str(table): _rows_of(engine, str(table), bool(has_organisation)) for table, has_organisation in tables}


def _rows_of(engine: Engine, table: str, has_organisation: bool) -> frozenset[str]:
    where = f" WHERE it.organisation_id IN {_ORGANISATIONS} OR it.organisation_id IS NULL" if has_organisation else ""
    as_text = "CAST(to_jsonb(it) - 'last_used_at' AS text)"  # which a key's own requests move, in the background
    found = in_transaction(engine, lambda session: rows(session, f"SELECT {as_text} FROM {table} it{where}"))
    return frozenset(str(row) for (row,) in found)


def changes_between(before: Rows, after: Rows, *, victim_ids: frozenset[str]) -> list[str]:
    """Return what of the victim's is not as it was: rows that are gone or other now, and new ones that name it."""
    lost = [f"{table} lost {row}" for table, kept in before.items() for row in kept - after[table]]
    won = [
        f"{table} won {row}"
        for table, kept in after.items()
        for row in kept - before[table]
        if (_is_victims(row) or set(_ID.findall(row)) & victim_ids) and not _is_for_the_record(table, row)
    ]
    return lost + won


def _is_for_the_record(table: str, row: str) -> bool:
    """Return whether a row says that somebody tried to fetch a file with a ticket of another: its owner is told."""
    return table == "audit_entries" and "print_file.refused" in row


def ids_in(found: Rows) -> frozenset[str]:
    """Return the ids that stand in rows of the victim: in those with its name, and in those that name one of these."""
    own = {it for kept in found.values() for row in kept if _is_victims(row) for it in _ID.findall(row)}
    more = {it for kept in found.values() for row in kept if set(_ID.findall(row)) & own for it in _ID.findall(row)}
    return frozenset(own | more)


def _is_victims(row: str) -> bool:
    return any(name in row for name in _ORGANISATIONS)
