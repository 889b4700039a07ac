"""The journal of a bridge: what was heard and what is still to be done, on disk before anybody is answered.

One file of SQLite (write-ahead log, synchronous to the disk). A bridge may be killed between any two lines of its code:
it goes on from here, and an Idempotency-Key or a look before each report makes the second time no second one.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Stage = Literal["received", "placed", "refused", "left", "cancelled"]
"""``left``: nothing of it is printed. ``refused``: a person has to mend something, then ``retry``."""
ReportKind = Literal["status", "shipment", "delivered", "certificate", "trouble"]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, foreign_id TEXT NOT NULL, number TEXT NOT NULL,
    payload TEXT NOT NULL, stage TEXT NOT NULL, body TEXT, line_ids TEXT, order_id TEXT, state TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', cancel TEXT NOT NULL DEFAULT '',
    look INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL DEFAULT 0,
    UNIQUE (account, foreign_id));
CREATE INDEX IF NOT EXISTS orders_by_order_id ON orders (order_id);
CREATE TABLE IF NOT EXISTS reports (
    id INTEGER PRIMARY KEY, entry_id INTEGER NOT NULL REFERENCES orders (id), kind TEXT NOT NULL, key TEXT NOT NULL,
    facts TEXT NOT NULL, stage TEXT NOT NULL DEFAULT 'waiting', detail TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL DEFAULT 0, UNIQUE (entry_id, key));
CREATE TABLE IF NOT EXISTS files (digest TEXT PRIMARY KEY, orders TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_COLUMNS = "id, account, foreign_id, number, payload, stage, body, line_ids, order_id, state, detail, note, cancel"
_REPORT_COLUMNS = "id, entry_id, kind, key, facts, stage, detail, attempts"
_REPORTS = f"SELECT {_REPORT_COLUMNS} FROM reports"
_DUE_REPORTS = f"""{_REPORTS} WHERE stage = 'waiting' AND next_at <= ? AND NOT EXISTS (SELECT 1 FROM reports earlier
    WHERE earlier.entry_id = reports.entry_id AND earlier.id < reports.id AND earlier.stage = 'waiting'
    AND earlier.next_at > ?) ORDER BY id"""
Cancel = Literal["", "asked", "done", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a foreign system told: an order, or that it is cancelled."""

    account: str
    foreign_id: str
    number: str = ""
    payload: Mapping[str, Any]
    cancelled: bool = False
    delivery_id: str = ""
    """Of the message, where it has one: the same message twice is once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A foreign order as the journal knows it."""

    id: int
    account: str
    foreign_id: str
    number: str
    payload: Mapping[str, Any]
    stage: Stage
    body: Mapping[str, Any] | None
    """What was sent or will be: written down first, so that it is the same bytes however often."""
    line_ids: tuple[str, ...]
    order_id: str | None
    state: str
    detail: str
    note: str
    cancel: Cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Something that the foreign system has to be told once."""

    id: int
    entry_id: int
    kind: ReportKind
    key: str
    facts: Mapping[str, Any]
    stage: str
    detail: str
    attempts: int


class Journal:
    """A bridge's journal in the file ``path``. Safe for threads; every method is one transaction."""

    def __init__(self, path: Path, *, busy_seconds: float = 10.0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._rows = sqlite3.connect(path, check_same_thread=False, timeout=busy_seconds)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._rows.execute(f"PRAGMA {pragma}").close()
        self._rows.executescript(_SCHEMA).close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._rows.close()

    def hear(self, heard: Heard) -> bool:
        """Write down what was told; ``False`` if this very message, or this order, was heard before."""
        with self._lock, self._rows:
            if heard.delivery_id and not self._add("INSERT OR IGNORE INTO deliveries VALUES (?)", heard.delivery_id):
                return False
            return self._hear(heard)

    def hear_file(self, digest: str, orders: Sequence[Heard]) -> None:
        """Write down the orders of a file, and that it was read: together or not at all."""
        with self._lock, self._rows:
            keys = [(heard.account, heard.foreign_id) for heard in orders]
            if self._add("INSERT OR IGNORE INTO files VALUES (?, ?)", digest, _json(keys)):
                for heard in orders:
                    self._hear(heard)

    def knows_file(self, digest: str) -> bool:
        """Say whether a file with these bytes was read before."""
        return self.orders_of_file(digest) is not None

    def orders_of_file(self, digest: str) -> list[tuple[str, str]] | None:
        """Return account and foreign id of the orders of a file; ``None`` if it was never read."""
        found = self._select("SELECT orders FROM files WHERE digest = ?", digest)
        return [(str(account), str(number)) for account, number in json.loads(found[0][0])] if found else None

    def find(self, *, account: str, foreign_id: str) -> Entry | None:
        """Return an order; ``None`` if it was never heard of."""
        return next(iter(self._entries("account = ? AND foreign_id = ?", account, foreign_id)), None)

    def get(self, entry_id: int) -> Entry:
        """Return an order that is there."""
        (found,) = self._entries("id = ?", entry_id)
        return found

    def all(self) -> list[Entry]:
        """Return every order, oldest first."""
        return self._entries("TRUE")

    def to_place(self, *, now: float) -> list[Entry]:
        """Return what is to be placed now."""
        return self._entries("stage = 'received' AND next_at <= ?", now)

    def to_cancel(self, *, now: float) -> list[Entry]:
        """Return placed orders that are to be cancelled now."""
        return self._entries("stage = 'placed' AND cancel = 'asked' AND next_at <= ?", now)

    def to_look_at(self) -> list[Entry]:
        """Return placed orders of which something was told."""
        return self._entries("look = 1 AND order_id IS NOT NULL")

    def change(self, entry_id: int, **changes: Any) -> None:
        """Change columns of an order."""
        with self._lock, self._rows:
            self._change("orders", entry_id, changes)

    def write_body(self, entry_id: int, *, body: Mapping[str, Any], line_ids: Sequence[str], note: str) -> None:
        """Write down what will be sent, before it is."""
        self.change(entry_id, body=_json(body), line_ids=_json(list(line_ids)), note=note)

    def put_off(self, entry_id: int, *, detail: str, until: float) -> None:
        """Try an order again later; how often was tried is counted."""
        with self._lock, self._rows:
            self._add("UPDATE orders SET attempts = attempts + 1, detail = ?, next_at = ? WHERE id = ?",
                      detail, until, entry_id)  # fmt: skip

    def attempts(self, entry_id: int) -> int:
        """Return how often an order was put off."""
        ((count,),) = self._select("SELECT attempts FROM orders WHERE id = ?", entry_id)
        return int(count)

    def retry(self, *, foreign_id: str) -> int:
        """Have refused orders and given-up reports of a foreign id tried again, and return how many orders."""
        with self._lock, self._rows:
            again = self._rows.execute(
                "UPDATE orders SET stage = 'received', body = NULL, detail = '', attempts = 0, next_at = 0"
                " WHERE foreign_id = ? AND stage IN ('refused', 'left')",
                (foreign_id,),
            ).rowcount
            self._rows.execute(
                "UPDATE reports SET stage = 'waiting', next_at = 0 WHERE stage = 'given_up'"
                " AND entry_id IN (SELECT id FROM orders WHERE foreign_id = ?)",
                (foreign_id,),
            )
            return int(again)

    def mark(self, order_ids: Iterable[str], *, cursor: str | None) -> None:
        """Remember which orders to look at, and how far the event feed was read: together or not at all."""
        with self._lock, self._rows:
            told = [(order_id,) for order_id in order_ids]
            self._rows.executemany("UPDATE orders SET look = 1 WHERE order_id = ?", told)
            if cursor is not None:
                self._rows.execute("INSERT OR REPLACE INTO facts VALUES ('cursor', ?)", (cursor,))

    def sweep(self) -> None:
        """Look at every order that is not over, whatever the feed said."""
        with self._lock, self._rows:
            self._rows.execute("UPDATE orders SET look = 1 WHERE stage = 'placed'")

    def cursor(self) -> str | None:
        """Return how far the event feed was read."""
        found = self._select("SELECT value FROM facts WHERE name = 'cursor'")
        return str(found[0][0]) if found else None

    def looked(self, entry: Entry, *, state: str, reports: Sequence[tuple[ReportKind, str, Mapping[str, Any]]]) -> None:
        """Write down what an order came to and what is to be told of it; what was told already stays told once."""
        with self._lock, self._rows:
            self._change("orders", entry.id, {"state": state, "look": 0})
            for kind, key, facts in reports:
                self._add_report(entry.id, kind, key, facts)

    def add_report(self, entry_id: int, kind: ReportKind, key: str, facts: Mapping[str, Any]) -> None:
        """Have something told."""
        with self._lock, self._rows:
            self._add_report(entry_id, kind, key, facts)

    def to_tell(self, *, now: float) -> list[Report]:
        """Return the reports that are to be sent now, in their order."""
        return [_report(row) for row in self._select(_DUE_REPORTS, now, now)]

    def reports(self, entry_id: int) -> list[Report]:
        """Return all reports of an order."""
        return [_report(row) for row in self._select(f"{_REPORTS} WHERE entry_id = ? ORDER BY id", entry_id)]

    def end_report(self, report_id: int, *, stage: Literal["sent", "given_up"], detail: str = "") -> None:
        """Note that a report is through, or that nobody wants it."""
        with self._lock, self._rows:
            self._change("reports", report_id, {"stage": stage, "detail": detail})

    def put_off_report(self, report: Report, *, detail: str, until: float) -> None:
        """Send a report again later."""
        changes = {"attempts": report.attempts + 1, "detail": detail, "next_at": until}
        with self._lock, self._rows:
            self._change("reports", report.id, changes)

    def _hear(self, heard: Heard) -> bool:
        fresh = self._add(
            "INSERT OR IGNORE INTO orders (account, foreign_id, number, payload, stage, cancel)"
            " VALUES (?, ?, ?, ?, 'received', ?)",
            *(heard.account, heard.foreign_id, heard.number, _json(heard.payload)),
            "asked" if heard.cancelled else "",
        )
        if not fresh and not heard.cancelled:  # one that was refused may come again, mended
            return self._add(
                "UPDATE orders SET payload = ?, stage = 'received', body = NULL, detail = '', next_at = 0"
                " WHERE account = ? AND foreign_id = ? AND stage = 'refused' AND payload <> ?",
                *(_json(heard.payload), heard.account, heard.foreign_id, _json(heard.payload)),
            )
        return fresh or self._add(
            "UPDATE orders SET cancel = 'asked', next_at = 0 WHERE account = ? AND foreign_id = ? AND cancel = ''",
            *(heard.account, heard.foreign_id),
        )

    def _add_report(self, entry_id: int, kind: ReportKind, key: str, facts: Mapping[str, Any]) -> None:
        if kind == "status":
            before = self._select("SELECT facts FROM reports WHERE entry_id = ? AND kind = 'status'"
                                  " ORDER BY id DESC LIMIT 1", entry_id)  # fmt: skip
            if before == [(_json(facts),)]:
                return
            overtaken = "UPDATE reports SET stage = 'overtaken' WHERE entry_id = ? AND kind = ? AND stage = 'waiting'"
            self._rows.execute(overtaken, (entry_id, kind))
            ((count,),) = self._select("SELECT count(*) FROM reports WHERE entry_id = ? AND kind = 'status'", entry_id)
            key = f"{key}:{count + 1}"
        self._add("INSERT OR IGNORE INTO reports (entry_id, kind, key, facts) VALUES (?, ?, ?, ?)",
                  entry_id, kind, key, _json(facts))  # fmt: skip

    def _change(self, table: str, row_id: int, changes: Mapping[str, Any]) -> None:
        columns = ", ".join(f"{name} = ?" for name in changes)
        self._rows.execute(f"UPDATE {table} SET {columns} WHERE id = ?", (*changes.values(), row_id))

    def _entries(self, where: str, *values: object) -> list[Entry]:
        query = f"SELECT {_COLUMNS} FROM orders WHERE {where} ORDER BY id"
        return [_entry(row) for row in self._select(query, *values)]

    def _select(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._rows.execute(query, values).fetchall()

    def _add(self, query: str, *values: Any) -> bool:
        return self._rows.execute(query, values).rowcount > 0


def _entry(row: Sequence[Any]) -> Entry:
    told = dict(zip(_COLUMNS.split(", "), row, strict=True))
    told["payload"] = json.loads(told["payload"])
    told["body"] = None if told["body"] is None else json.loads(told["body"])
    told["line_ids"] = tuple(json.loads(told["line_ids"] or "[]"))
    return Entry(**told)


def _report(row: Sequence[Any]) -> Report:
    told = dict(zip(_REPORT_COLUMNS.split(", "), row, strict=True))
    return Report(**told | {"facts": json.loads(told["facts"])})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
