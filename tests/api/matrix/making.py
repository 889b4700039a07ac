"""Everything that can stand at a path, made over HTTP by those who may: one of each on either side."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx

from fabroute.database import unit_of_work
from fabroute.inventory.service import ValidationLimits, validate_submissions
from fabroute.kernel.time import utc_now
from fabroute.network.service import Reservation, reserve
from fabroute.orders.service import LineOutcome, record_outcomes
from fabroute.production.service import offer_jobs
from fabroute.routing.ports import JobOffer
from fabroute.routing.service.readiness_work import ReadinessLimits, make_readiness
from fabroute.webhooks.service.sequencing import sequence_events
from tests.api.matrix.canaries import amount, word
from tests.api.matrix.sides import Side, organisation_id
from tests.factories.api import Api
from tests.factories.api_builds import days_ago
from tests.factories.api_jobs import make_old
from tests.factories.api_policies import THAT_DAY
from tests.factories.api_shipments import PARCEL
from tests.factories.databases import in_transaction, rows
from tests.factories.decisions import given_decisions_of_jobs
from tests.factories.orders import claim_all_lines
from tests.factories.papers import a_picture
from tests.factories.production import an_offered_job
from tests.fakes.print_file_validator import FakeValidator

RECONCILIATION = (
    "INSERT INTO reconciliations (id, organisation_id, job_id, order_id, order_line_id, node_id, kind, what, quantity,"
    " lease_id, epoch, current_epoch, reported, reported_by, reported_at, state, resolution)"
    " SELECT 'rec_' || id, organisation_id, id, order_id, order_line_id, node_id, 'late_report', 'print', 1, 'lse_1',"
    " 1, 2, jsonb_build_object('note', CAST(:note AS text)), 'key_1', now(), 'open', '' FROM jobs WHERE id = :job_id"
    " RETURNING id"
)
DECISIONS = (
    "UPDATE routing_decisions SET why = :why, landed_minor = :landed,"
    " document = CAST(replace(CAST(document AS text), '4120', CAST(:landed AS text)) AS json)"
    " WHERE organisation_id = :owner RETURNING id"
)
ARCHIVE = (
    "INSERT INTO run_archives (run_id, sha256, content, created_at) VALUES ('run_1', '', '', '2026-06-15 09:00Z')"
    " ON CONFLICT (run_id) DO UPDATE SET sha256 = '' RETURNING run_id"
)
"""Of the run that ``given_decisions_of_jobs`` writes."""
PASSPORTS = "SELECT token FROM passports WHERE organisation_id = :owner ORDER BY print_number"
FREE_DAY = "SELECT min(day) FROM capacity_slots WHERE machine_id = :it AND remaining_minutes >= 300"

Ids = dict[str, str]
"""By the part of the path before it: ``{"orders": "ord_…"}``; ``made.jobs`` is the job that was shipped."""


@dataclass(slots=True, kw_only=True)
class Making:
    """One side over HTTP, while its things are made."""

    api: Api
    side: Side
    revision_id: str
    owner: httpx.Client
    bureau: httpx.Client
    folder: str
    """Where files are validated."""
    ids: Ids = field(default_factory=dict)

    def word(self, name: str) -> str:
        """Return the owner's word for a field."""
        return word(self.side.owner, name)

    def bureau_word(self, name: str) -> str:
        """Return the bureau's word for a field."""
        return word(self.side.bureau, name)

    def row(self, sql: str, **values: object) -> Any:
        """Return the first value of a query."""
        found = in_transaction(self.api.engine, lambda session: rows(session, sql, **values))
        return found[0][0]


def done(answer: httpx.Response) -> Any:
    """Return the body of an answer, which must be a good one."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else answer.content


def make_all(*sides: Making) -> None:
    """Make one of everything on each side; the ids are with each afterwards."""
    for make in _ROOMS:
        for making in sides:
            make(making)


def make_hooks(it: Making) -> None:
    """An endpoint of the owner and one of the bureau, which are told of everything; nothing is sent."""
    for name, client in ((it.side.owner, it.owner), (it.side.bureau, it.bureau)):
        hook = {"url": f"https://hooks.example.com/{word(name, 'hook')}", "description": word(name, "hook")}
        it.ids[f"{name}.hook"] = _made_at(client.post("/v1/webhook-endpoints", json=hook | {"types": ["*"]}))
    it.ids["webhook-endpoints"] = it.ids[f"{it.side.owner}.hook"]
    it.ids["gone.webhook-endpoints"] = _made_at(
        it.owner.post("/v1/webhook-endpoints", json={"url": "https://hooks.example.com/gone", "types": ["*"]})
    )


def make_events(it: Making) -> None:
    """Everything that happened, put into the feeds, with what is to be delivered."""
    while sequence_events(it.api.engine, now=utc_now()).more:
        continue
    endpoint = f"/v1/webhook-endpoints/{it.ids['webhook-endpoints']}"
    it.ids["events"] = done(it.owner.get("/v1/events"))["data"][0]["id"]
    it.ids["webhook-deliveries"] = done(it.owner.get(f"{endpoint}/deliveries"))["data"][0]["id"]


def make_inventory(it: Making) -> None:
    """A part with texts, numbers and places; a draft revision with a file, documents and a licence."""
    part = f"/v1/parts/{it.side.part_no}"
    conventional = {"unit": _eur(amount(it.side.owner, "price")), "tooling": _eur(amount(it.side.owner, "tool"))}
    changes = {"name": it.word("part"), "note": it.word("note"), "conventional": conventional}
    done(it.owner.patch(part, json=changes, headers={"If-Match": "*"}))
    for number in (it.word("number"), f"{it.word('number')}2"):
        done(it.owner.post(f"{part}/aliases", json={"kind": "old", "number": number}))
    places = [done(it.owner.post(f"{part}/installations", json={"asset": it.word("asset") + end})) for end in "ab"]
    it.ids |= {"parts": it.side.part_no, "aliases": it.word("number"), "installations": places[0]["id"]}
    it.ids |= {"gone.aliases": f"{it.word('number')}2", "gone.installations": places[1]["id"]}
    _make_draft(it, part)


def _make_draft(it: Making, part: str) -> None:
    draft = done(it.owner.post(f"{part}/revisions", json={"revision": "B", "process_materials": ["MJF:PA12-MJF"]}))
    here = f"/v1/revisions/{draft['id']}"
    done(it.owner.put(f"{here}/print-file?name={it.word('file')}.3mf", content=it.side.file + b" B"))
    _validate(it)
    for name in ("plan.pdf", "gone.pdf"):
        pdf = f"%PDF {it.word('document')}".encode()
        done(it.owner.put(f"{here}/documents/{name}", content=pdf, headers={"Content-Type": "application/pdf"}))
    licence = done(it.owner.post(f"{here}/licences", json={"prints": 3, "note": it.word("licence")}))
    it.ids |= {"revisions": draft["id"], "documents": "plan.pdf", "gone.documents": "gone.pdf"}
    it.ids |= {"licences": licence["id"]}


def _validate(it: Making) -> None:
    validate_submissions(
        it.api.engine,
        store=it.api.resources.store,
        validator=FakeValidator(),
        workspace_root=Path(it.folder),
        limits=ValidationLimits(),
        now=utc_now(),
    )


def make_network(it: Making) -> None:
    """A lot, a rate and a certificate with evidence, all by the bureau; a first article by the owner."""
    node = f"/v1/nodes/{it.side.node_id}"
    lot = {"material": "PA12-MJF", "grams": 5_000, "expires_on": "2099-01-01", "supplier_lot": it.bureau_word("lot")}
    it.ids |= {"nodes": it.side.node_id, "machines": it.side.machine_id}
    it.ids["lots"] = done(it.bureau.post(f"{node}/lots", json=lot))["id"]
    done(
        it.bureau.post(
            f"/v1/lots/{it.ids['lots']}/stocktakes", json={"counted_grams": 4_999, "note": lot["supplier_lot"]}
        )
    )
    rate = {"code": "labour_hour", "valid_from": "2026-01-01", "source": it.bureau_word("rate")}
    done(it.bureau.post(f"{node}/rates", json=rate | {"amount": _eur(amount(it.side.bureau, "rate"))}))
    scheme = {"scheme": "EN9100", "valid_from": "2020-01-01", "valid_to": "2099-12-31"}
    certificate = done(it.bureau.post(f"{node}/certificates", json=scheme | {"issuer": it.bureau_word("issuer")}))["id"]
    done(it.bureau.put(f"/v1/certificates/{certificate}/evidence", content=it.bureau_word("proof").encode()))
    article = {"node_id": it.side.node_id, "machine_id": it.side.machine_id, "material": "PA12-MJF"}
    article |= {"parameter_set": "PS-1", "approved_on": "2025-06-01", "note": it.word("remark")}
    first = done(it.owner.post(f"/v1/revisions/{it.revision_id}/first-articles", json=article))["id"]
    done(it.owner.put(f"/v1/first-articles/{first}/evidence", content=it.word("secret").encode()))
    it.ids |= {"certificates": certificate, "first-articles": first}


def make_brand(it: Making) -> None:
    """A brand with a logo, a policy of production, and one of routing."""
    brand = {"name": it.word("brand"), "contact": "parts@example.org", "slip_text": it.word("brand")}
    done(it.owner.put("/v1/brand", json=brand, headers={"If-Match": "*"}))
    done(it.owner.put("/v1/brand/logo", content=a_picture(), headers={"Content-Type": "image/png"}))
    done(it.owner.post("/v1/routing-policies", json={"caps": [{"share": 0.5, "node_id": it.side.node_id}]}))


def make_jobs(it: Making) -> None:
    """Five orders of one line, each with its job: made and shipped, in production, declined, countered, offered."""
    it.api.resources.store.put(it.side.file)
    quantities = {"made": 3, "printing": 3, "declined": 1, "countered": 1, "offered": 1}
    orders = {name: _ordered(it, name, quantity) for name, quantity in quantities.items()}
    jobs = _offered(it)
    for name, order_id in orders.items():
        it.ids |= {f"{name}.orders": order_id, f"{name}.jobs": jobs[order_id]}
    it.ids |= {"jobs": it.ids["printing.jobs"], "orders": it.ids["printing.orders"], "lines": "1"}
    it.ids["decisions"] = it.row("SELECT decision_id FROM jobs WHERE id = :it", it=it.ids["jobs"])


def _ordered(it: Making, name: str, quantity: int) -> str:
    ship_to = {"name": it.word("customer"), "street": it.word("street"), "city": "Hamburg", "country": "DE"}
    body = {
        "reference": it.word("reference") + name,
        "ship_to": ship_to,
        "max_price": _eur(amount(it.side.owner, "budget")),
        "lines": [{"part": it.side.part_no, "quantity": quantity}],
    }
    order_id: str = done(it.owner.post("/v1/orders", json=body, headers={"Idempotency-Key": name}))["id"]
    return order_id


def _offered(it: Making) -> dict[str, str]:
    """Route every due line to the side's node; return each order's job."""
    now, side = utc_now(), it.side
    with unit_of_work(it.api.engine) as session:
        offers = tuple(
            replace(
                an_offered_job(line_id=line.line_id, order_id=line.order_id, organisation_id=line.organisation_id),
                revision_id=line.revision_id,
                part_no=side.part_no,
                quantity=line.quantity,
                node_id=side.node_id,
                machine_id=side.machine_id,
                lot_id=side.lot_id,
                price_minor=amount(side.bureau, "price"),
                produce_by=now.date() + timedelta(days=2),
            )
            for line in claim_all_lines(session)
        )
        ((day,),) = rows(session, FREE_DAY, it=side.machine_id)
        held = tuple(_reservation(offer, day) for offer in offers)
        assert not reserve(session, reservations=held, now=now)
        offer_jobs(session, offers=offers, now=now)
        outcomes = tuple(
            LineOutcome(line_id=offer.order_line_id, state="routed", decision_id=offer.decision_id) for offer in offers
        )
        record_outcomes(session, outcomes=outcomes, now=now)
    return {offer.order_id: offer.job_id for offer in offers}


def _reservation(offer: JobOffer, day: object) -> Reservation:
    assert isinstance(day, date)
    return Reservation(
        job_id=offer.job_id,
        lot_id=offer.lot_id,
        grams=offer.grams,
        machine_id=offer.machine_id,
        minutes_by_day=((day, 20),),
    )


def make_remarks(it: Making) -> None:
    """A declined job, so that there is a note and a line without a node; a counter-offer; a reconciliation."""
    declined = {"reason": "not_manufacturable", "text": it.bureau_word("decline")}
    told = done(it.bureau.post(f"/v1/jobs/{it.ids['declined.jobs']}/decline", json=declined))
    dear = {"price": _eur(amount(it.side.bureau, "counter")), "reason": it.bureau_word("counter")}
    countered = done(it.bureau.post(f"/v1/jobs/{it.ids['countered.jobs']}/counter-offers", json=dear))
    job = {"job_id": it.ids["countered.jobs"], "note": it.bureau_word("remark")}
    it.ids |= {
        "owner-notes": told["note"]["id"],
        "counter-offers": countered["counter_offer"]["id"],
        "reconciliations": it.row(RECONCILIATION, **job),
        "exclusions": it.side.node_id,
    }


def make_production(it: Making) -> None:
    """A job in production: a build given up, times, a photo, a failed print, a wish for another, an unused ticket."""
    job = _fetched(it, "printing.jobs")
    plan = {"jobs": [{"job_id": it.ids["printing.jobs"], "parts": 1}], "note": it.bureau_word("build")}
    build = done(it.bureau.post(f"/v1/nodes/{it.side.node_id}/builds", json=plan))["id"]
    done(it.bureau.post(f"/v1/builds/{build}/cancellation", json={}))
    make_old(it.api.engine)
    timed = {"parts": 1, "machine_minutes": 700, "height_mm": 380.0, "finished_at": days_ago(50)}
    done(it.bureau.post(f"{job}/build-times", json=timed))
    photo = _photo(it, job)
    done(it.bureau.post(f"{job}/prints", json={"number": 1, "result": "failed", "note": it.bureau_word("secret")}))
    wish = {"print_number": 1, "reason": it.bureau_word("secret"), "evidence_id": photo}
    ticket = done(it.bureau.post(f"{job}/file-tickets"))["url"]
    it.ids |= {
        "builds": build,
        "build-times": "1",
        "prints": "1",
        "evidence": "crack.jpg",
        "evidence_id": photo,
        "reprint-requests": done(it.bureau.post(f"{job}/reprint-requests", json=wish))["id"],
        "print-files": ticket.rpartition("/")[2],
    }


def make_shipment(it: Making) -> None:
    """A made, inspected and certified job with passports, of which a parcel is packed."""
    job = _fetched(it, "made.jobs")
    make_old(it.api.engine)
    _photo(it, job)
    for number in (1, 2, 3):
        good = {"number": number, "result": "good", "serial": f"{it.bureau_word('serial')}{number}"}
        done(it.bureau.post(f"{job}/prints", json=good))
    looked = {"level": "visual", "inspector": it.bureau_word("inspector"), "result": "pass"}
    done(it.bureau.post(f"{job}/inspections", json=looked))
    parcel = {"carrier": "DHL", "parcels": [PARCEL | {"quantity": 1}]}
    it.ids["shipments"] = done(it.bureau.post(f"{job}/shipments", json=parcel))["id"]
    (paper,) = done(it.owner.get(f"{job}/conformity-certificates"))["data"]
    it.ids["conformity-certificates"] = paper["id"]
    it.ids["passports"] = it.row(PASSPORTS, owner=organisation_id(it.side.owner))


def _fetched(it: Making, which: str) -> str:
    job = f"/v1/jobs/{it.ids[which]}"
    done(it.bureau.post(f"{job}/acceptance"))
    assert it.side.file == done(it.bureau.get(done(it.bureau.post(f"{job}/file-tickets"))["url"]))
    return job


def _photo(it: Making, job: str) -> str:
    content, headers = it.bureau_word("photo").encode(), {"Content-Type": "text/plain"}
    photo: str = done(it.bureau.put(f"{job}/evidence/crack.jpg?kind=photo", content=content, headers=headers))["id"]
    return photo


def make_decisions(it: Making) -> None:
    """The decisions that the jobs came from, with what the owner pays; a replay, a shadow run, a quote, a screening."""
    given_decisions_of_jobs(it.api.engine)
    owner = organisation_id(it.side.owner)
    it.row(DECISIONS, owner=owner, why=it.word("why"), landed=amount(it.side.owner, "price"))
    asked = {"part": it.side.part_no, "ship_to": {"city": "Hamburg", "country": "DE"}}
    asked |= {"max_price": _eur(amount(it.side.owner, "budget"))}
    it.row(ARCHIVE)
    supposed = THAT_DAY | {"policy": {"caps": [{"share": 0.75}]}}
    listed = [{"part_no": it.side.part_no, "demand": 10, "unit_price": 20.0}]
    screening = f"/v1/advice/screenings?name={it.word('screening')}"
    it.ids |= {
        "quotes": done(it.owner.post("/v1/quotes", json=asked))["id"],
        "shadow-runs": done(it.owner.post("/v1/shadow-runs", json=supposed))["id"],
        "replays": done(it.owner.post(f"/v1/decisions/{it.ids['decisions']}/replay"))["id"],
        "screenings": done(it.owner.post(screening, json=listed))["id"],
        "gone.screenings": done(it.owner.post(screening, json=listed))["id"],
    }
    done(it.owner.post("/v1/readiness"))
    while make_readiness(it.api.engine, limits=ReadinessLimits(horizon_days=45), now=utc_now()) is not None:
        continue


def make_recall(it: Making) -> None:
    """A recall of a lot that parts were made of: of the bureau's second lot, which no job lies on."""
    lot = {"material": "PA12-MJF", "grams": 9, "expires_on": "2099-01-01", "supplier_lot": it.bureau_word("lot") + "9"}
    lot_id = done(it.bureau.post(f"/v1/nodes/{it.side.node_id}/lots", json=lot))["id"]
    recalled = {"lot_id": lot_id, "reason": it.bureau_word("secret")}
    it.ids["recalls"] = done(it.bureau.post("/v1/recalls", json=recalled))["id"]


def make_access(it: Making) -> None:
    """A person who is invited, a key and a client program of the owner; nobody uses them."""
    person = {"email": f"{it.word('person')}@example.org", "name": it.word("person"), "role": "admin"}
    named = {"name": it.word("key"), "scopes": ["orders:read"]}
    it.ids |= {
        "organisations": organisation_id(it.side.owner),
        "people": _made_at(it.owner.post("/v1/people", json=person)),
        "sessions": "ses_never",
        "api-keys": _made_at(it.owner.post("/v1/api-keys", json=named)),
        "oauth-clients": _made_at(it.owner.post("/v1/oauth-clients", json=named)),
    }


def _made_at(answer: httpx.Response) -> str:
    """Return the id at the end of an answer's Location."""
    done(answer)
    return answer.headers["Location"].rpartition("/")[2]


def _eur(amount_minor: int) -> dict[str, object]:
    return {"amount_minor": amount_minor, "currency": "EUR"}


_ROOMS: tuple[Callable[[Making], None], ...] = (
    make_hooks,
    make_inventory,
    make_network,
    make_brand,
    make_jobs,
    make_remarks,
    make_production,
    make_shipment,
    make_decisions,
    make_recall,
    make_access,
    make_events,
)
"""In the order in which one needs the other."""
