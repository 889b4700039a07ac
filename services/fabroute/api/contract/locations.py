"""Where what was created is read: the header Location of endpoints that don't set it themselves."""

import json
from collections.abc import Mapping
from urllib.parse import quote

from fastapi import Request, Response

LOCATIONS: Mapping[str, str] = {
    "add_certificate": "/v1/certificates/{id}",
    "add_first_article": "/v1/first-articles/{id}",
    "add_lot": "/v1/lots/{id}",
    "create_sandbox": "/v1/organisations/{organisation_id}",
    "grant_licence": "/v1/revisions/{revision_id}/licences",
    "post_readiness": "/v1/readiness",
    "prepare_shipment": "/v1/shipments/{id}",
    "renew_invitation": "/v1/people/{person_id}",
    "replay_webhook_delivery": "/v1/webhook-deliveries/{id}",
    "replay_webhooks": "/v1/webhook-endpoints/{endpoint_id}/deliveries",
    "report_build_time": "/v1/jobs/{job_id}/build-times",
    "report_inspection": "/v1/jobs/{job_id}/inspections",
    "report_print": "/v1/jobs/{job_id}/prints",
    "request_reprint": "/v1/reprint-requests/{id}",
    "state_rate": "/v1/nodes/{node_id}/rates",
    "state_routing_policy": "/v1/routing-policies",
    "test_webhook_endpoint": "/v1/events/{event_id}",
}
"""By the name of the operation: paths with parts of the answer, or of the request's path. What has no address of its
own is read in its list."""
UNPLACED: Mapping[str, str] = {
    "cancel_order": "202 asks nodes to stop: nothing is created, and the order is where it was",
    "issue_file_ticket": "the ticket is a secret, which belongs into the body and not into a header that is logged",
    "start_my_second_factor": "the secret of a second factor is shown once and read nowhere",
}
"""Operations that answer 201 or 202 without a Location, and why."""
_CREATED = (201, 202)


def located(request: Request, response: Response, template: str) -> Response:
    """Return an answer with the Location of what it created, if it created something and doesn't say so already."""
    if response.status_code in _CREATED and "Location" not in response.headers:
        known = json.loads(bytes(response.body)) | request.path_params
        words = {name: quote(value, safe="") for name, value in known.items() if isinstance(value, str)}
        response.headers["Location"] = template.format_map(words)
    return response
