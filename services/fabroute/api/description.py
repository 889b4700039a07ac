"""Completes the OpenAPI document that FastAPI derives from the code."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fabroute.api.contract import document as contract
from fabroute.api.examples import example_body
from fabroute.api.problems import ProblemBody
from fabroute.api.schemas.advice import MethodIn
from fabroute.api.schemas.api_keys import ApiKeyIn, KeyRotationIn
from fabroute.api.schemas.batch_advice import MassProductionIn, PathwaysIn, ViabilityIn
from fabroute.api.schemas.brands import BrandIn
from fabroute.api.schemas.build_times import BuildTimeIn, BuildWithdrawalIn
from fabroute.api.schemas.builds import BuildAbortIn, BuildCancellationIn, BuildClosingIn, BuildIn, BuildStartIn
from fabroute.api.schemas.certificates import CertificateIn, RevocationIn
from fabroute.api.schemas.estimates import EstimateIn
from fabroute.api.schemas.first_articles import FirstArticleIn
from fabroute.api.schemas.inspections import FirstArticleDecisionIn, FirstArticleSubmissionIn, InspectionIn, ScrapIn
from fabroute.api.schemas.jobs import TakeBackIn
from fabroute.api.schemas.licences import LicenceIn
from fabroute.api.schemas.lots import LotStateIn, RefreshIn, StocktakeIn
from fabroute.api.schemas.nodes import LotIn, NodeStatusIn
from fabroute.api.schemas.oauth import OAuthClientIn, SecretRotationIn
from fabroute.api.schemas.orders import OrderRequest
from fabroute.api.schemas.organisations import OrganisationChangeIn, OrganisationIn
from fabroute.api.schemas.packets import ClaimIn
from fabroute.api.schemas.parts import AliasIn, InstallationIn, PartChangeIn, PartIn
from fabroute.api.schemas.people import (
    AcceptInvitationIn,
    PasswordChangeIn,
    PasswordIn,
    PersonChangeIn,
    PersonIn,
    SignInIn,
    TotpConfirmationIn,
)
from fabroute.api.schemas.phases import (
    CancellationIn,
    CounterDecisionIn,
    CounterOfferIn,
    DeclineIn,
    OfflineIn,
    ProductionPolicyIn,
    ReportsIn,
    ResolutionIn,
    SuspicionIn,
)
from fabroute.api.schemas.policies import PolicyIn
from fabroute.api.schemas.prints import PrintIn, ReprintDecisionIn, ReprintRequestIn
from fabroute.api.schemas.quotes import QuoteRequest
from fabroute.api.schemas.rates import RateIn
from fabroute.api.schemas.recalls import RecallIn
from fabroute.api.schemas.rerouting import (
    CapacityCutIn,
    ClosureIn,
    JobFailureIn,
    MachineStatusIn,
    ObjectiveIn,
    RetryIn,
)
from fabroute.api.schemas.revisions import ApprovalIn, ReasonIn, RevisionChangeIn, RevisionIn
from fabroute.api.schemas.sandboxes import SandboxIn
from fabroute.api.schemas.shadow_runs import ShadowRunIn
from fabroute.api.schemas.shipments import LossIn, ShipmentEventIn, ShipmentIn
from fabroute.api.schemas.webhooks import (
    WebhookDisablingIn,
    WebhookEndpointChangeIn,
    WebhookEndpointIn,
    WebhookReplayIn,
    WebhookSecretRotationIn,
)
from fabroute.api.webhook_documents import MESSAGES, webhooks
from fabroute.identity.rules import ALL_SCOPES

VERSION = "1.1.0"
"""The contract's version: additions count up the middle number, a break is a new path next to /v1."""

DESCRIPTION = """
fabroute routes spare-part orders to the cheapest, fastest, greenest or best balanced 3D-printing node that is
qualified for the part, and tells why.

**Start.** Send your API key as `Authorization: Bearer fr_…`, list your parts with `GET /v1/parts`, place an order with
`POST /v1/orders` and read it with `GET /v1/orders/{order_id}` until its state is no longer `pending`. Why it goes where
it goes is at `GET /v1/orders/{order_id}/decision`.

**Safe to repeat.** `POST /v1/orders` needs an `Idempotency-Key`. After a timeout, a 409, 429 or 503, send the same
request with the same key again: the order is placed once, and every repetition gets the first answer, byte for byte.
An order that was answered with 201 is in the database. Every other `POST` takes a key as well: what was done is done
once, errors are not kept.

**Limits.** `RateLimit` in every answer says how many requests are left, `RateLimit-Policy` how many there are; one too
many is 429 with `Retry-After`. So is, as `too_busy`, what can't be answered soon: nothing of it was done. `?wait=25` on
what has a state spares polls: the answer comes when it is another one.

**Order states.** `pending` → `routed`, `partly_routed` or `no_route`. `no_route` is tried again by itself when the
network changes. `parked`: routing failed again and again, or three nodes
could not make it, a person has to look. `cancelled`: by you.

**Quotes.** `POST /v1/quotes` answers at once with up to three offers (cheapest, fastest, greenest) for each quantity.
Accept one with `POST /v1/orders` and its `quote_id`: its price then stands, its date is promised. If they can't be
kept, `quote_not_kept` names every reason, and nothing is ordered. Later on, `quote.arrival_at_risk` of the order tells
when its date may not be kept. A quote stays `accepted` when its order is cancelled: ask for a new one.

**Making a part.** A job lies in the queue of its node: `planned` while it waits for others to share its build (its node
is not told yet), then `offered`. A bureau's client claims jobs with `POST /v1/nodes/{node_id}/claims`, which waits up
to 25 seconds for one, or polls `GET /v1/nodes/{node_id}/jobs` with the ETag it has. It accepts, declines with a reason,
or proposes another price or day (`…/counter-offers`: at once inside the owner's band, else the owner decides). Whoever
claimed sends `Fabroute-Lease: lse_…;epoch=3` with every write, and a heartbeat before the lease is over: an offer that
nobody answers goes to another node, an accepted job becomes `suspect`, and a person or the bureau says what became of
it. Then `in_production` → `inspected` → `shipped` → `delivered`; `held` while a gate is closed (a certificate that was
revoked or lapsed, a frozen licence, a blocked lot) or a first article waits for its approval.

The node asks for a file ticket and fetches the print file with it: once, within minutes, with a key of its own
organisation. Every gate is asked again each time; every release and refusal is on the audit log. It reports prints
under their numbers and inspections by the revision's plan; what is out of its limits is scrapped, and made again when
the owner grants a reprint. Links that fail are no matter: `POST /v1/jobs/{job_id}/reports` takes numbered reports late,
twice and in any order. What is reported under a lease that is over is refused, and kept as a reconciliation.

**Builds, lots, shipments.** `GET /v1/nodes/{node_id}/build-plan` proposes builds; the node opens them as they are or as
it wants them, and closes each with its actual times. `POST /v1/recalls` blocks a supplier's lot at all nodes and
answers with every build, serial, order, owner and node. Shipments have parcels, a packing slip and a label in the
owner's brand; each part has a certificate of conformity and a passport behind its QR code.

**When something fails.** Whatever takes a job from its node has a cause on `GET /v1/orders/{order_id}/timeline`, and
`GET /v1/reroutes` tells whether the promise was kept. After three nodes could not make a line it is `parked`: `POST
/v1/orders/{order_id}/lines/{position}/retry` sends it on its way again.

**Estimates.** `POST /v1/estimates` tells what a part takes on each machine, with every constant behind it and how far
it is known. A node reports `POST /v1/jobs/{job_id}/build-times` and states `POST /v1/nodes/{node_id}/rates`: from then
on its own times and prices count, in estimates, quotes and routes.

**Proofs.** A node hands in certificates, which count once the operator has verified them; an owner approves first
articles. `GET /v1/certificates?expiring_within_days=60` and `GET /v1/first-articles?expiring_within_days=60` tell what
ends soon. Whoever takes one back holds the jobs that stand on it.

**Your inventory.** `POST /v1/parts`, `POST /v1/parts/{part_no}/revisions`, then `PUT …/print-file` with the file's own
bytes: it is validated within seconds, and `GET …/validation` tells what was found. A validated revision is approved,
then released: from then on it never changes, and it can be ordered. Many at once: `POST /v1/imports/parts?dry_run=true`
tells everything that is wrong with a table, row by row.

**Safe to change.** `PATCH` needs `If-Match` with the ETag that you have read: 412 if somebody was faster.

**Errors** are `application/problem+json` (RFC 9457). Branch on `code`; `errors[].pointer` is the JSON pointer of a
field that can't be taken; `request_id` (also in `X-Request-Id`, which you may send yourself) finds it in our logs.

**Lists** have pages: `limit` (up to 200), `cursor`; go on while `has_more`, or follow the `Link` header.

**Units.** Money in whole cents with its currency, lengths in mm, mass in g, carbon in g CO2e, times as RFC 3339 in UTC.
"""

TAGS: list[dict[str, Any]] = [
    {"name": "orders", "description": "Place orders, follow them, see why they go where they go."},
    {"name": "rerouting", "description": "Jobs that left their nodes: why, and what became of the promise."},
    {"name": "quotes", "description": "Price, date and carbon at once, and what was ruled out; accepted by an order."},
    {"name": "parts", "description": "Your digital inventory: what you can order."},
    {"name": "revisions", "description": "What is printed: from draft to release, with approval and signature."},
    {"name": "print files", "description": "Uploaded, validated, looked at, compared, read by their owner."},
    {"name": "licences", "description": "The right to so many good prints of a revision."},
    {"name": "nodes", "description": "Who prints, where, on what."},
    {"name": "material lots", "description": "What lies in a node's store, what moved, how long it lasts."},
    {"name": "recalls", "description": "Material that may not be used, and everything that was made of it."},
    {"name": "scores", "description": "How nodes do, from recorded events only, with the jobs behind each figure."},
    {"name": "certificates", "description": "What nodes can prove, until when, and what ends soon."},
    {"name": "first articles", "description": "Machines that made a revision well, by the word of its owner."},
    {"name": "jobs", "description": "The queues of the nodes: acceptance, print files, evidence, prints, reprints."},
    {"name": "shipments", "description": "Parcels, who carries them, where they are, and the papers on them."},
    {"name": "brands", "description": "Whose name, colour and logo these papers bear."},
    {"name": "passports", "description": "What a part is and how it was made, for whoever holds it."},
    {"name": "estimates", "description": "Times, prices and carbon on each machine, and how far each figure is known."},
    {"name": "advice", "description": "Printed or conventional, and which spare parts are worth a digital twin."},
    {"name": "builds", "description": "What a node makes at one go: its plan, several owners in a build, its cost."},
    {"name": "imports and exports", "description": "Tables of parts, revisions and certificates, all or nothing."},
    {"name": "logistics", "description": "What carriers and customs take, what ways, grids and currencies count."},
    {"name": "decisions", "description": "Why a line went where it went, whole: rules, changes, conflicts."},
    {"name": "policies", "description": "How your lines are routed: weights, caps, minimum shares; what that costs."},
    {"name": "readiness", "description": "Which of your parts could be made now, in thirty days, with a node gone."},
    {"name": "audit log", "description": "Who did what to which thing, sealed by hash chains and signed roots."},
    {"name": "people", "description": "Who acts for your organisation: invited, with a role, disabled, removed."},
    {"name": "sign-in", "description": "Browsers: a session for a person, their password and second factor."},
    {"name": "sandboxes", "description": "A world of an integrator's own, in which nodes answer by themselves."},
    {"name": "runs", "description": "Joint routing runs and planning scopes, for the operator."},
    {"name": "organisations", "description": "Who takes part: owners, bureaus, the operator."},
    {"name": "api keys", "description": "Made, rotated with an overlap, revoked; what each opens, and its last use."},
    {"name": "oauth", "description": "Access tokens by OAuth2 client credentials, in the place of an API key."},
    {"name": "events", "description": "What happened, in order: the pull twin of webhooks, and the catalogue."},
    {"name": "webhooks", "description": "Where you are told of events: endpoints, deliveries, replays, tests."},
    {"name": "health", "description": "For whoever runs this installation."},
]

_SCHEME = "ApiKey"
_PERSON = "Session"
_SESSION_COOKIE = {
    "type": "apiKey",
    "in": "cookie",
    "name": "__Host-fabroute_session",
    "description": "A person's session (POST /v1/sign-in); without `__Host-` where the installation is not at https. "
    "What is not GET needs the header `X-CSRF-Token` as well.",
}
OAUTH_SCHEMES: dict[str, Any] = {
    "OAuth2": {
        "type": "oauth2",
        "description": "An access token, in the place of an API key.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "/v1/oauth/token",
                "scopes": {scope: " ".join(reversed(scope.split(":"))) for scope in sorted(ALL_SCOPES)},
            }
        },
    },
    "OAuthClient": {
        "type": "http",
        "scheme": "basic",
        "description": "An OAuth2 client's id and secret, for the token and revocation endpoints only.",
    },
}
_BODIES: Sequence[type[BaseModel]] = (
    SandboxIn,
    OrderRequest,
    QuoteRequest,
    NodeStatusIn,
    LotIn,
    LotStateIn,
    StocktakeIn,
    RefreshIn,
    RecallIn,
    RetryIn,
    ObjectiveIn,
    JobFailureIn,
    MachineStatusIn,
    CapacityCutIn,
    ClosureIn,
    PartIn,
    PartChangeIn,
    AliasIn,
    InstallationIn,
    RevisionIn,
    RevisionChangeIn,
    ReasonIn,
    ApprovalIn,
    LicenceIn,
    CertificateIn,
    RevocationIn,
    FirstArticleIn,
    ClaimIn,
    TakeBackIn,
    DeclineIn,
    CounterOfferIn,
    CounterDecisionIn,
    CancellationIn,
    SuspicionIn,
    OfflineIn,
    ReportsIn,
    ResolutionIn,
    ProductionPolicyIn,
    PrintIn,
    ReprintRequestIn,
    ReprintDecisionIn,
    InspectionIn,
    ScrapIn,
    FirstArticleSubmissionIn,
    FirstArticleDecisionIn,
    BuildTimeIn,
    BuildWithdrawalIn,
    BuildIn,
    BuildAbortIn,
    BuildCancellationIn,
    BuildStartIn,
    BuildClosingIn,
    RateIn,
    EstimateIn,
    MethodIn,
    PathwaysIn,
    MassProductionIn,
    ViabilityIn,
    PolicyIn,
    ShadowRunIn,
    ShipmentIn,
    ShipmentEventIn,
    LossIn,
    BrandIn,
    PersonIn,
    PersonChangeIn,
    AcceptInvitationIn,
    SignInIn,
    PasswordChangeIn,
    PasswordIn,
    TotpConfirmationIn,
    OrganisationIn,
    OrganisationChangeIn,
    ApiKeyIn,
    KeyRotationIn,
    OAuthClientIn,
    SecretRotationIn,
    WebhookEndpointIn,
    WebhookEndpointChangeIn,
    WebhookSecretRotationIn,
    WebhookDisablingIn,
    WebhookReplayIn,
)


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Return ``document`` with request bodies, the problem schema, and the way to authenticate."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= _bodies() | _schemas("serialization", (ProblemBody, *MESSAGES))
    document["webhooks"] = webhooks()
    components["schemas"] = {name: schemas[name] for name in sorted(schemas)}
    components["securitySchemes"] = {
        _SCHEME: {"type": "http", "scheme": "bearer", "description": "An API key: `fr_<environment>_<id>_<secret>`."},
        **OAUTH_SCHEMES,
        _PERSON: _SESSION_COOKIE,
    }
    document["security"] = [{_SCHEME: []}, {"OAuth2": []}, {_PERSON: []}]
    document["servers"] = [{"url": "/", "description": "The installation that you read this of."}]
    document["info"]["contact"] = {"name": "Whoever runs this installation"}
    contract.complete(document)
    _drop_nulls(document)
    return document


def _bodies() -> dict[str, Any]:
    """Return the schemas of all JSON bodies, each with an example that it takes."""
    schemas = _schemas("validation", _BODIES)
    for model in _BODIES:
        schemas[model.__name__].setdefault("examples", [example_body(model, schemas)])
    return schemas


def _drop_nulls(document: dict[str, Any]) -> None:
    """Say of headers and query parameters what they are: none can be sent as null, they are left out."""
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    for parameter in (found for operation in operations for found in operation.get("parameters", ())):
        schema = parameter.get("schema", {})
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            parameter["schema"] = schema | kinds[0]
        elif kinds:
            schema["anyOf"] = kinds


def _schemas(mode: Any, models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    _, found = models_json_schema([(model, mode) for model in models], ref_template="#/components/schemas/{model}")
    definitions: dict[str, Any] = found["$defs"]
    return definitions
