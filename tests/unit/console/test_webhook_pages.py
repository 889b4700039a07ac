"""Webhook endpoints and deliveries in words."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fabroute.console.pages.webhooks.pages import DeliveryQuery, endpoint_page, endpoints_page, told_of_words
from fabroute.webhooks.service.views import EndpointView

NOW = datetime(2026, 6, 15, 8, tzinfo=UTC)
ENDPOINT = EndpointView(
    endpoint_id="whe_1",
    url="https://erp.example.com/fabroute",
    description="ERP",
    types=("order.*",),
    state="enabled",
    disabled_cause="",
    disabled_reason="",
    disabled_at=None,
    created_at=NOW,
    updated_at=NOW,
    version=1,
    failures_in_a_row=0,
    failing_since=None,
    last_success_at=None,
    last_failure_at=None,
    pending=0,
    secrets=(),
)


@pytest.mark.parametrize(
    ("endpoint", "state", "kind", "trouble"),
    [
        (ENDPOINT, "on", "good", ""),
        (replace(ENDPOINT, failures_in_a_row=1), "failing", "bad", "The last try failed."),
        (replace(ENDPOINT, failures_in_a_row=7), "failing", "bad", "The last 7 tries failed."),
        (replace(ENDPOINT, state="disabled", disabled_cause="owner", disabled_reason="moving"), "paused", "over",
         "moving"),
        (replace(ENDPOINT, state="disabled", disabled_cause="gone", disabled_reason="HTTP 410"), "switched off", "bad",
         "HTTP 410"),
    ],
)  # fmt: skip
def test_an_endpoint_says_how_it_does(endpoint: EndpointView, state: str, kind: str, trouble: str) -> None:
    (row,) = endpoints_page((endpoint,), kind="owner").rows
    assert (row.state, row.kind, row.trouble, row.is_on) == (state, kind, trouble, endpoint.state == "enabled")


def test_what_an_endpoint_is_told_of_is_said_in_words() -> None:
    assert told_of_words(()) == told_of_words(("job.*", "*")) == "everything"
    assert told_of_words(("job.*", "order.routed", "shipment.*")) == "jobs, order.routed, parcels"


def test_only_what_can_reach_an_organisation_is_offered() -> None:
    owners = [pattern for pattern, _ in endpoints_page((), kind="owner").families]
    bureaus = [pattern for pattern, _ in endpoints_page((), kind="bureau").families]
    assert owners[:3] == ["order.*", "job.*", "shipment.*"]
    assert "order.*" not in bureaus
    assert not endpoints_page((), kind="owner").is_full
    assert endpoints_page((ENDPOINT,) * 20, kind="owner").is_full


def test_deliveries_are_narrowed_and_paged_by_paths() -> None:
    query = DeliveryQuery(endpoint_id="whe_1", state="given_up", cursor="abc")
    page = endpoint_page(ENDPOINT, (), query, next_cursor="next one")
    assert page.filters == (
        ("All", "/console/webhooks/whe_1#deliveries", False),
        ("Delivered", "/console/webhooks/whe_1?state=delivered#deliveries", False),
        ("Waiting", "/console/webhooks/whe_1?state=pending#deliveries", False),
        ("Failed", "/console/webhooks/whe_1?state=given_up#deliveries", True),
    )
    assert page.first_path == "/console/webhooks/whe_1?state=given_up#deliveries"
    assert page.next_path == "/console/webhooks/whe_1?state=given_up&cursor=next+one#deliveries"
