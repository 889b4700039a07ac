"""The folders ``in``, ``done``, ``refused`` and ``out`` beside each other.

A file is read once it has kept its size and time for a while: writers may write on. Those that begin with a dot or end
with ``.tmp`` or ``.part`` are never read. It stays in ``in`` until all of its orders are placed or refused.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fabroute.bridges.bench import Bench
from fabroute.bridges.erp.answers import csv_answer, edifact_answer
from fabroute.bridges.erp.csv_orders import read_csv_orders
from fabroute.bridges.erp.documents import Document, fingerprint, order_of
from fabroute.bridges.erp.edifact_orders import read_edifact_orders
from fabroute.bridges.journal import Entry, Heard, Report
from fabroute.bridges.orders import ForeignOrder, NotOrderable
from fabroute.kernel.time import utc_now

MOST_BYTES = 16 * 1024 * 1024
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart")
_LONG_SECONDS = 60.0
"""A file that is as old as that is whole at the first look."""
_Look = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropFolder:
    """One folder of one ERP."""

    folder: Path
    answers: str = "both"
    """``csv``, ``edifact``, ``both``, or ``same``: each order is answered as it came."""
    settle_seconds: float = 2.0
    kind: str = "erp"
    wants_certificates: bool = False
    _seen: dict[str, tuple[_Look, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("in", "done", "refused", "out"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def read(self, payload: Mapping[str, Any]) -> ForeignOrder:
        """Return the order of a document."""
        return order_of(payload)

    def tell(self, entry: Entry, report: Report) -> None:
        """Write an answer into ``out``, whole or not at all, by a name that is the same the next time."""
        name = f"{_safe(entry.account)}_{_safe(entry.number)}_{report.id:06}_{report.kind}"
        wanted = self._formats(entry)
        if "csv" in wanted:
            _write_whole(self.folder / "out" / f"{name}.csv", csv_answer(entry, report))
        message = edifact_answer(entry, report, now=utc_now()) if "edifact" in wanted else None
        if message is not None:
            _write_whole(self.folder / "out" / f"{name}.edi", message)

    def take_files(self, bench: Bench) -> int:
        """Write down the orders of every file that is whole, and return how many files were read."""
        taken = 0
        for path in self._settled(bench.now().timestamp()):
            content = path.read_bytes()
            if len(content) > MOST_BYTES:
                self._refuse(path, [f"more than {MOST_BYTES} bytes are no order"])
            elif not bench.journal.knows_file(_digest(content)):
                self._take(bench, path, content)
                taken += 1
        return taken

    def put_away(self, bench: Bench) -> int:
        """Move every file whose orders are decided to ``done``, or to ``refused`` with its reasons."""
        moved = 0
        for path in self._settled(bench.now().timestamp()):
            keys = bench.journal.orders_of_file(_digest(path.read_bytes()))
            entries = [it for key in keys or () if (it := bench.journal.find(account=key[0], foreign_id=key[1]))]
            if keys is None or any(it.stage == "received" for it in entries):
                continue
            refused = [f"{it.number}: {it.detail}" for it in entries if it.stage == "refused"]
            if refused:
                self._refuse(path, refused)
            else:
                _move(path, self.folder / "done")
            moved += 1
        return moved

    def _take(self, bench: Bench, path: Path, content: bytes) -> None:
        try:
            documents = _documents(path.name, content)
            _require_unchanged(bench, documents)
        except NotOrderable as problem:
            self._refuse(path, problem.reasons)
            return
        heard = [_heard(document, path.name) for document in documents]
        bench.journal.hear_file(_digest(content), heard)

    def _settled(self, now: float) -> Iterator[Path]:
        """Yield the files that have not changed since a while, oldest first."""
        for path in sorted((self.folder / "in").iterdir()):
            if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED) or not path.is_file():
                continue
            stat = path.stat()
            look = (stat.st_size, stat.st_mtime_ns)
            before, since = self._seen.get(path.name, ((-1, -1), now))
            self._seen[path.name] = (look, since if look == before else now)
            if (look == before and now - since >= self.settle_seconds) or now - stat.st_mtime >= _LONG_SECONDS:
                yield path

    def _refuse(self, path: Path, reasons: Sequence[str]) -> None:
        target = _free(self.folder / "refused" / path.name)
        _write_whole(target.with_name(f"{target.name}.reasons.txt"), ("\n".join(reasons) + "\n").encode())
        path.rename(target)

    def _formats(self, entry: Entry) -> tuple[str, ...]:
        if self.answers == "same":
            return (str(entry.payload.get("format", "csv")),)
        return ("csv", "edifact") if self.answers == "both" else (self.answers,)


def _documents(name: str, content: bytes) -> list[Document]:
    start = content.lstrip(b"\xef\xbb\xbf\r\n\t ")[:3]
    reader: Callable[[bytes], list[Document]] = (
        read_edifact_orders if start in (b"UNA", b"UNB") else lambda told: read_csv_orders(told, default_buyer="erp")
    )
    documents = reader(content)
    repeated = {(it["buyer"], it["number"]) for it in documents}
    if len(repeated) < len(documents):
        raise NotOrderable([f"{name} holds an order number twice"])
    return documents


def _require_unchanged(bench: Bench, documents: Sequence[Document]) -> None:
    changed = []
    for document in documents:
        known = bench.journal.find(account=document["buyer"], foreign_id=document["number"])
        free = known is None or known.stage == "refused" or document["cancelled"]
        same = free or (known is not None and fingerprint(known.payload) == fingerprint(document))
        changed += [] if same else [f"{document['number']} was ordered already, and this is not the same order"]
    if changed:
        raise NotOrderable(changed)


def _heard(document: Document, name: str) -> Heard:
    return Heard(
        account=document["buyer"],
        foreign_id=document["number"],
        number=document["number"],
        payload=document | {"file": name},
        cancelled=bool(document["cancelled"]),
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _safe(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-." else "_" for sign in text)[:80].lstrip(".")


def _free(path: Path) -> Path:
    """Return a path where nothing is yet: ``order.csv``, ``order.2.csv`` …"""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return free


def _move(path: Path, folder: Path) -> None:
    path.rename(_free(folder / path.name))


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.tmp")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
