"""Webhook endpoints and deliveries over the wire. A secret stands in the answer that makes it, and nowhere else."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Instant, Label, Note, RequestModel, ResponseModel, Sentence
from fabroute.webhooks.rules.signing import SignatureKind
from fabroute.webhooks.rules.urls import LONGEST_URL
from fabroute.webhooks.service.deliveries import ReplayAsked, Replayed
from fabroute.webhooks.service.endpoints import AddedEndpoint, EndpointChange, NewEndpoint
from fabroute.webhooks.service.views import AttemptView, DeliveryView, EndpointView, SecretView

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="https, on the public internet, port 443, 80 or from 1024. Redirects are not followed.",
        examples=["https://example.com/hooks/fabroute"],
    ),
]
Types = Annotated[
    list[Label],
    Field(
        min_length=1,
        max_length=100,
        description="Types of `GET /v1/event-types`; `job.*` for all of a kind, `*` for all, also those to come.",
        examples=[["order.*", "shipment.delivered"]],
    ),
]


class WebhookEndpointIn(RequestModel):
    """Where you want to be told of what."""

    url: Url
    description: Note = ""
    types: Types
    ed25519: bool = Field(
        default=False, description="Also sign with a key pair (`v1a`): whoever checks needs no secret then."
    )


class WebhookEndpointChangeIn(RequestModel):
    """What is to be changed; what is left out stays."""

    url: Url | None = None
    description: Note | None = None
    types: Types | None = None


class WebhookSecretRotationIn(RequestModel):
    """How a signing secret is followed by a new one."""

    kind: SignatureKind = Field(
        default="v1", description="`v1`: HMAC-SHA256. `v1a`: Ed25519; an endpoint without a key pair gets one."
    )
    overlap_seconds: int = Field(
        default=86_400,
        ge=0,
        le=604_800,
        description="For how long messages are signed by the old one, too: 604800 is seven days.",
    )


class WebhookDisablingIn(RequestModel):
    """Why nothing is to be sent any more."""

    reason: Sentence


class WebhookReplayIn(RequestModel):
    """What is sent again."""

    since: Instant = Field(description="What came into your feed then or later; it goes back 30 days.")
    types: Annotated[list[Label], Field(max_length=100)] = Field(
        default_factory=list, description="Only these; without any, what the endpoint is told of."
    )


class WebhookSigningKeyOut(ResponseModel):
    """What messages are signed with; never the secret itself."""

    id: str
    kind: str = Field(description="`v1` (HMAC-SHA256) or `v1a` (Ed25519).")
    public_key: str = Field(description="`whpk_…` for `v1a`, with which signatures are checked; empty for `v1`.")
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = Field(description="Until when it signs beside a newer one.")


class WebhookEndpointOut(ResponseModel):
    """Where you are told of events, and how it does."""

    id: str
    url: str
    description: str
    types: list[str]
    state: Literal["enabled", "disabled"]
    disabled_cause: str = Field(
        description="`owner` (you), `gone` (it answered 410), `failing` (nothing good for three days, or a thousand "
        "times in a row); empty while it is enabled."
    )
    disabled_reason: str
    disabled_at: AwareDatetime | None
    failures_in_a_row: int = Field(description="From the fifth on, attempts are made less often: every five minutes.")
    failing_since: AwareDatetime | None = Field(description="The first failure since the last success.")
    last_success_at: AwareDatetime | None
    last_failure_at: AwareDatetime | None
    pending: int = Field(description="How many deliveries wait.")
    signing_keys: list[WebhookSigningKeyOut] = Field(description="The newest first.")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class WebhookSecretOut(ResponseModel):
    """A new secret. It can't be shown again."""

    kind: str
    secret: str = Field(
        description="`whsec_…`: give it to whatever checks signatures by Standard Webhooks. Empty for a key pair, "
        "whose private half stays here."
    )
    public_key: str = Field(description="`whpk_…` of a key pair.")


class AddedWebhookEndpointOut(ResponseModel):
    """An endpoint with its new secrets."""

    endpoint: WebhookEndpointOut
    secrets: list[WebhookSecretOut]


class WebhookTestOut(ResponseModel):
    """A test that is on its way."""

    event_id: str = Field(description="The `webhook-id` under which it comes.")


class WebhookAttemptOut(ResponseModel):
    """One try to deliver."""

    number: int
    at: AwareDatetime
    duration_ms: int
    status: int | None = Field(description="The HTTP status; null where there was no answer.")
    failure: str = Field(
        description="`status`, `redirect`, `gone`, `timeout`, `refused`, `tls`, `broken`, `unknown_name`, "
        "`forbidden_address`, `unusable_url`, `too_large` or `unreadable_secret`; empty: it was taken."
    )
    detail: str
    answer: str = Field(description="How your answer began, up to 1,024 characters.")


class WebhookDeliveryOut(ResponseModel):
    """An event on its way to an endpoint."""

    id: str
    endpoint_id: str
    event_id: str = Field(description="The header `webhook-id`; the same at every attempt and replay.")
    type: str
    subject_type: str
    subject_id: str
    replay_of: str | None = Field(description="The delivery, or the replay, for which it is sent again.")
    state: Literal["pending", "delivered", "given_up"]
    attempt_count: int
    next_attempt_at: AwareDatetime | None = Field(description="While it is pending.")
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    reason: str = Field(description="Why the last attempt failed, or why it was given up.")


class WebhookDeliveryDetailOut(WebhookDeliveryOut):
    """A delivery with its attempts."""

    attempts: list[WebhookAttemptOut]


class WebhookReplayOut(ResponseModel):
    """What is sent again."""

    id: str
    deliveries: int
    is_whole: bool = Field(description="Whether that is all: a replay takes 10,000 events, the oldest first.")


def new_endpoint(asked: WebhookEndpointIn) -> NewEndpoint:
    """Return what is asked for as the service knows it."""
    return NewEndpoint(url=asked.url, description=asked.description, types=asked.types, ed25519=asked.ed25519)


def endpoint_change(asked: WebhookEndpointChangeIn) -> EndpointChange:
    """Return what is to be changed as the service knows it."""
    return EndpointChange(url=asked.url, description=asked.description, types=asked.types)


def overlap_of(asked: WebhookSecretRotationIn) -> timedelta:
    """Return for how long the old secret signs, too."""
    return timedelta(seconds=asked.overlap_seconds)


def replay_asked(endpoint_id: str, asked: WebhookReplayIn) -> ReplayAsked:
    """Return what is to be sent again as the service knows it."""
    return ReplayAsked(endpoint_id=endpoint_id, since=asked.since, types=asked.types)


def endpoint_out(view: EndpointView) -> WebhookEndpointOut:
    """Return an endpoint for an answer."""
    return WebhookEndpointOut.model_validate(
        {
            **{name: getattr(view, name) for name in WebhookEndpointOut.model_fields if hasattr(view, name)},
            "id": view.endpoint_id,
            "types": list(view.types),
            "signing_keys": [_signing_key_out(secret) for secret in view.secrets],
        }
    )


def added_endpoint_out(added: AddedEndpoint) -> AddedWebhookEndpointOut:
    """Return a new endpoint, or one with a new secret, for the only answer that tells it."""
    secrets = [
        WebhookSecretOut(kind=it.kind, secret=it.text if it.kind == "v1" else "", public_key=it.public_key)
        for it in added.secrets
    ]
    return AddedWebhookEndpointOut(endpoint=endpoint_out(added.endpoint), secrets=secrets)


def delivery_out(view: DeliveryView) -> WebhookDeliveryOut:
    """Return a delivery for a list."""
    return WebhookDeliveryOut.model_validate(_delivery_fields(view))


def delivery_detail_out(view: DeliveryView) -> WebhookDeliveryDetailOut:
    """Return a delivery with its attempts."""
    attempts = [_attempt_out(attempt) for attempt in view.attempts]
    return WebhookDeliveryDetailOut.model_validate(_delivery_fields(view) | {"attempts": attempts})


def replay_out(replayed: Replayed) -> WebhookReplayOut:
    """Return a replay for an answer."""
    return WebhookReplayOut(id=replayed.replay_id, deliveries=replayed.deliveries, is_whole=replayed.is_whole)


def _delivery_fields(view: DeliveryView) -> dict[str, object]:
    names = (name for name in WebhookDeliveryOut.model_fields if name != "id")
    return {"id": view.delivery_id} | {name: getattr(view, name) for name in names}


def _signing_key_out(view: SecretView) -> WebhookSigningKeyOut:
    return WebhookSigningKeyOut(
        id=view.secret_id,
        kind=view.kind,
        public_key=view.public_key,
        created_at=view.created_at,
        expires_at=view.expires_at,
    )


def _attempt_out(view: AttemptView) -> WebhookAttemptOut:
    return WebhookAttemptOut(
        number=view.number,
        at=view.at,
        duration_ms=view.duration_ms,
        status=view.status,
        failure=view.failure,
        detail=view.detail,
        answer=view.answer,
    )
