"""What an ERP is told, as files: EDIFACT ORDRSP and DESADV (D.96A), or a row of CSV.

https://service.unece.org/trade/untdid/d96a/trmd/ordrsp_d.htm, …/desadv_d.htm.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fabroute.bridges.erp.edifact import Interchange, Message, Segment, segment, write_interchange
from fabroute.bridges.journal import Entry, Report
from fabroute.bridges.payloads import text_of

_COLUMNS = ("order", "buyer", "event", "state", "fabroute_order", "promised_at", "cost", "currency", "line", "part",
            "quantity", "carrier", "tracking_number", "at", "reason")  # fmt: skip
_RESPONSES: Mapping[str, str] = {"routed": "29", "cancelled": "27", "no_route": "27", "parked": "12", "trouble": "27"}
"""Code list 1225 by the order's state: accepted, not accepted, not processed; else 12, not processed."""


def csv_answer(entry: Entry, report: Report) -> bytes:
    """Return a header and one row."""
    facts = report.facts
    cost = facts.get("landed_minor")
    told = {
        "order": entry.number,
        "buyer": entry.account,
        "event": report.kind,
        "state": facts.get("state", ""),
        "fabroute_order": facts.get("order_id", entry.order_id or ""),
        "cost": "" if cost is None else f"{cost // 100}.{cost % 100:02}",
        "line": facts.get("line_id", ""),
        "at": facts.get("delivered_at") or facts.get("handed_over_at") or "",
        "reason": facts.get("reason") or facts.get("text") or "",
    }
    told |= {name: facts.get(name) or "" for name in ("promised_at", "currency", "part", "quantity", "carrier")}
    told["tracking_number"] = facts.get("tracking_number", "")
    written = io.StringIO()
    rows = csv.DictWriter(written, fieldnames=_COLUMNS, delimiter=";", lineterminator="\n")
    rows.writeheader()
    rows.writerow(told)
    return written.getvalue().encode()


def edifact_answer(entry: Entry, report: Report, *, now: datetime) -> bytes | None:
    """Return an ORDRSP for a status or a refusal, a DESADV for a shipment; ``None`` for what has no message."""
    if report.kind in ("status", "trouble"):
        message = _response(entry, report, now)
    elif report.kind == "shipment":
        message = _despatch(entry, report, now)
    else:
        return None
    ours, theirs = _partners(entry)
    told = Interchange(sender=ours, receiver=theirs, reference=str(report.id), decimal=".", messages=(message,))
    return write_interchange(told, prepared=f"{now.astimezone(UTC):%y%m%d:%H%M}")


def _partners(entry: Entry) -> tuple[str, str]:
    """Return whose message it is and whose it was: the other way round than the order."""
    partners = entry.payload.get("partners") or [entry.account, "FABROUTE"]
    return str(partners[1]) or "FABROUTE", str(partners[0]) or entry.account


def _response(entry: Entry, report: Report, now: datetime) -> Message:
    facts = report.facts
    state = "trouble" if report.kind == "trouble" else str(facts["state"])
    reason = str(facts.get("text") or facts.get("reason") or "")
    segments = [
        segment("BGM", "231", f"{entry.number}-{report.id}", _RESPONSES.get(state, "12")),
        segment("DTM", ("137", _stamp(now), "203")),
        *([segment("DTM", ("69", _stamp(_moment(facts["promised_at"])), "203"))] if facts.get("promised_at") else []),
        *([segment("FTX", "AAO", "", "", _in_pieces(reason))] if reason else []),
        segment("RFF", ("ON", entry.foreign_id)),
        segment("NAD", "BY", (entry.account, "", "92")),
        *_response_lines(entry),
        segment("UNS", "S"),
        *_total(facts),
    ]
    return Message(type="ORDRSP:D:96A", reference=str(report.id), segments=tuple(segments))


def _response_lines(entry: Entry) -> list[Segment]:
    found = []
    for line in entry.payload.get("lines", []):
        found.append(segment("LIN", text_of(line, "position"), "", (text_of(line, "part"), "SA")))
        found.append(segment("QTY", ("21", text_of(line, "quantity"))))
    return found


def _total(facts: Mapping[str, Any]) -> list[Segment]:
    """Return what the order costs, landed; fabroute reckons in euro."""
    cost = facts.get("landed_minor")
    return [] if cost is None else [segment("MOA", ("86", f"{cost // 100}.{cost % 100:02}", str(facts["currency"])))]


def _despatch(entry: Entry, report: Report, now: datetime) -> Message:
    facts = report.facts
    segments = [
        segment("BGM", "351", str(facts["shipment_id"]), "9"),
        segment("DTM", ("137", _stamp(now), "203")),
        segment("DTM", ("11", _stamp(_moment(facts["handed_over_at"])), "203")),
        segment("RFF", ("ON", entry.foreign_id)),
        segment("NAD", "BY", (entry.account, "", "92")),
        segment("TDT", "20", "", "30", "", ("", "", "", str(facts["carrier"]).upper())),
        segment("CPS", "1"),
        segment("PAC", "1"),
        segment("GIN", "BN", str(facts["tracking_number"])),
        segment("LIN", str(facts["line_id"]), "", (str(facts["part"]), "SA")),
        segment("QTY", ("12", str(facts["quantity"]))),
        segment("RFF", ("ON", entry.foreign_id, str(facts["line_id"]))),
    ]
    return Message(type="DESADV:D:96A", reference=str(report.id), segments=tuple(segments))


def _moment(told: object) -> datetime:
    return datetime.fromisoformat(str(told))


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%d%H%M}"


def _in_pieces(text: str, length: int = 70, most: int = 5) -> Sequence[str]:
    return [text[at : at + length] for at in range(0, len(text), length)][:most]
