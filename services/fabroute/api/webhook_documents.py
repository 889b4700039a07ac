"""What the OpenAPI document says of webhooks: a message for each event type, with its schema, headers and example."""

from typing import Any

from fabroute.webhooks.rules.catalogue import CATALOGUE, EventType
from fabroute.webhooks.rules.examples import example_of
from fabroute.webhooks.rules.forms import FORMS, form_name

MESSAGES = tuple(FORMS.values())
"""The models of the bodies."""

_HEADERS = (
    ("webhook-id", "The event's id, the same at every attempt and replay: what you have already is not done twice.",
     "evt_01jxsf1p3c8k2m6w0z4r7n5t9v"),
    ("webhook-timestamp", "When it was sent, in seconds since 1970. Refuse what is older than five minutes.",
     "1781512200"),
    ("webhook-signature", "One signature or more with spaces between: `v1,` and the HMAC-SHA256, or `v1a,` and the "
     "Ed25519 signature, in base64, of `<webhook-id>.<webhook-timestamp>.<body>`.",
     "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
)  # fmt: skip


def webhooks() -> dict[str, Any]:
    """Return the member ``webhooks`` of the document."""
    return {kind.name: {"post": _operation(kind)} for kind in CATALOGUE.values()}


def _operation(kind: EventType) -> dict[str, Any]:
    told = " and ".join({"owner": "the organisation that it is about", "bureau": "the node's organisation"}.get(it, it)
                        for it in kind.audiences)  # fmt: skip
    schema = {"$ref": f"#/components/schemas/{form_name(kind)}"}
    return {
        "tags": ["webhooks"],
        "operationId": f"on_{kind.name.replace('.', '_')}",
        "summary": kind.summary,
        "description": f"{kind.summary} Told to {told}. Version {kind.version}.",
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": words,
                "schema": {"type": "string"},
                "example": example,
            }
            for name, words, example in _HEADERS
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example_of(kind.name)}},
        },
        "responses": {
            "2XX": {"description": "You have it. Answer within five seconds; the body is not looked at."},
            "410": {"description": "You want no more: the endpoint is disabled."},
            "default": {"description": "Anything else, redirects too: it comes again, for three days."},
        },
    }
