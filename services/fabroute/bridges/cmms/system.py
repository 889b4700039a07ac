"""The REST API of a maintenance system, and how its work orders read.

In the shape of IBM Maximo's object structure ``mxapiwodetail`` with ``lean=1``:
https://ibm-maximo-dev.github.io/maximo-restapi-documentation/.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fabroute.bridges.bench import Bench
from fabroute.bridges.cmms.inbox import ORDERED, heard_of
from fabroute.bridges.cmms.parts import find_part
from fabroute.bridges.fabroute import FabrouteWire
from fabroute.bridges.journal import Entry, Report
from fabroute.bridges.orders import Address, ForeignLine, ForeignOrder
from fabroute.bridges.payloads import (
    address_of,
    decimal_of,
    joined,
    moment_of,
    object_of,
    objects_of,
    price_of,
    text_of,
)
from fabroute.bridges.receiving import NotReadable
from fabroute.bridges.tracking import tracking_url
from fabroute.bridges.wire import JsonWire, objects
from fabroute.kernel.time import utc_now

_OBJECTS = "/api/os/mxapiwodetail"
_SELECT = (
    "wonum,siteid,description,status,assetnum,location,wopriority,downtime,targcompdate,"
    "wpmaterial{itemnum,itemqty,unitcost,requiredcertificates,wpitemid}"
)
_PAGE = 100
_URGENT_PRIORITY = 1
_MOST_TITLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSystem:
    """One site of a maintenance system; its API key has to read work orders and write their logs."""

    site: str
    wire: JsonWire
    """With the header ``apikey``; its address ends where ``/api/os/…`` begins."""
    fabroute: FabrouteWire
    certificate_url: str
    """Where a certificate of conformity is read, with ``{id}`` in it."""
    ship_to: Mapping[str, str]
    """The site's goods-in: name, company, street, postal_code, city, country."""
    where: str = ""
    """More conditions of ``oslc.where`` for the work orders that are pulled."""
    currency: str = "EUR"
    standing_still: str = "aog"
    """The criticality of an order for a machine that stands still: ``line_down`` in a factory."""
    carriers: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], datetime] = utc_now
    kind: str = "cmms"
    wants_certificates: bool = True

    def read(self, payload: Mapping[str, Any]) -> ForeignOrder:
        """Return what a work order asks for; its parts are looked up in the inventory."""
        stands, urgent = payload.get("downtime") is True, _priority(payload) <= _URGENT_PRIORITY
        need_by = moment_of(text_of(payload, "targcompdate"), "targcompdate")
        late = need_by is not None and need_by <= self.now()
        number = text_of(payload, "wonum")
        return ForeignOrder(
            account=self.site,
            foreign_id=number,
            number=number,
            lines=[self._line(payload, line) for line in objects_of(payload, "wpmaterial")],
            ship_to=self._address(payload),
            currency=self.currency,
            note=text_of(payload, "description"),
            need_by=None if late else need_by,
            criticality=self.standing_still if stands else "line_down" if urgent else None,
            objective="fastest" if stands or urgent else None,
        )

    def tell(self, entry: Entry, report: Report) -> None:
        """Write a log entry, unless one with its mark is there: then an answer was lost on its way."""
        title, text = self._words(report)
        mark = f"[fabroute {report.key}]"
        path = _path(entry)
        there = self.wire.get(path, {"lean": 1, "oslc.select": "worklog{description}"})
        if any(mark in text_of(log, "description") for log in objects_of(there, "worklog")):
            return
        written = {
            "logtype": "UPDATE",
            "description": f"{title[: _MOST_TITLE - len(mark) - 1]} {mark}",
            "description_longdescription": text,
        }
        headers = {"x-method-override": "PATCH", "patchtype": "MERGE"}
        self.wire.send("POST", f"{path}?lean=1", {"worklog": [written]}, headers)

    def _line(self, payload: Mapping[str, Any], line: Mapping[str, Any]) -> ForeignLine:
        number = text_of(line, "itemnum")
        certificates = text_of(line, "requiredcertificates").replace(";", ",").split(",")
        part = find_part(
            self.fabroute,
            number=number,
            asset=text_of(payload, "assetnum"),
            certificates=[it.strip() for it in certificates if it.strip()],
        )
        return ForeignLine(
            foreign_id=text_of(line, "wpitemid"),
            number=number or part or "",
            part=part,
            quantity=decimal_of(text_of(line, "itemqty"), f"itemqty of {number}"),
            unit_price=price_of(line, "unitcost"),
        )

    def _address(self, payload: Mapping[str, Any]) -> Address:
        """Return the site's goods-in, with work order and location on the label: there people know where it belongs."""
        door = joined(text_of(payload, "wonum"), text_of(payload, "location"), by=" / ")
        return address_of(self.ship_to, name=joined(self.ship_to.get("name", ""), f"WO {door}", by=", "))

    def _words(self, report: Report) -> tuple[str, str]:
        """Return the title and the text of a log entry."""
        facts = report.facts
        if report.kind == "trouble":
            return "Part not ordered", str(facts["text"])
        if report.kind == "status":
            promise = f"promised for {facts['promised_at']}" if facts["promised_at"] else "no promise yet"
            said = joined(f"fabroute order {facts['order_id']}: {facts['state']}, {promise}", facts["reason"], by="; ")
            return f"Part {facts['state']}, {promise}", said
        if report.kind == "certificate":
            url = self.certificate_url.replace("{id}", str(facts["certificate_id"]))
            return f"Certificate of conformity of {facts['part']}", f"{url} (SHA-256 {facts['sha256']})"
        return _parcel_words(report, self.carriers)


def pull_requests(bench: Bench) -> int:
    """Write down the work orders that wait for material, whether a message told of them or not."""
    system = bench.foreign
    if not isinstance(system, MaintenanceSystem):
        return 0
    states = ",".join(f'"{status}"' for status in sorted(ORDERED))
    where = joined(f'siteid="{system.site}"', f"status in [{states}]", system.where, by=" and ")
    query: dict[str, str | int] = {"lean": 1, "oslc.select": _SELECT, "oslc.where": where, "oslc.pageSize": _PAGE}
    page: Mapping[str, Any] | None = system.wire.get(_OBJECTS, query)
    heard = 0
    while page is not None:
        heard += _hear(bench, page, system.site)
        following = _next_page(page)
        page = system.wire.follow(following) if following else None
    return heard


def _hear(bench: Bench, page: Mapping[str, Any], site: str) -> int:
    count = 0
    for told in objects(page.get("member")):
        try:
            heard = heard_of(told, site=site)
        except NotReadable as problem:
            bench.say(f"a work order can't be read: {problem.message}")
            continue
        count += heard is not None and bench.journal.hear(heard)
    return count


def _next_page(page: Mapping[str, Any]) -> str:
    return text_of(object_of(object_of(page, "responseInfo"), "nextPage"), "href")


def _path(entry: Entry) -> str:
    """Return where a work order is: its id is the base64 of site and number, after an underscore."""
    key = b64encode(f"{entry.account}/{entry.foreign_id}".encode()).decode().rstrip("=")
    return f"{_OBJECTS}/_{key.replace('+', '-').replace('/', '_')}"


def _priority(payload: Mapping[str, Any]) -> int:
    told = text_of(payload, "wopriority")
    return int(told) if told.isdecimal() else 999


def _parcel_words(report: Report, carriers: Mapping[str, str]) -> tuple[str, str]:
    facts = report.facts
    number, carrier = str(facts["tracking_number"]), str(facts["carrier"])
    url = tracking_url(carrier, number, carriers)
    if report.kind == "shipment":
        said = (
            f"{facts['quantity']} × {facts['part']} handed to {carrier.upper()} at {facts['handed_over_at']}, {number}"
        )
        return f"Part shipped, {carrier.upper()} {number}", joined(said, url, by=": ")
    return "Part delivered", f"{facts['quantity']} × {facts['part']} arrived at {facts['delivered_at']}, {number}"
