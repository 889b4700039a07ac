"""How to break each rule about webhooks, by its name: the rule must find one row then."""

from collections.abc import Mapping

_OUTBOX = (
    "INSERT INTO outbox_events (event_id, name, organisation_id, subject_type, subject_id, data, occurred_at,"
    " published_at, sequenced_at) VALUES"
)
_EVENTS = (
    "INSERT INTO events (event_id, organisation_id, type, version, subject_type, subject_id, data, occurred_at,"
    " told_at) SELECT it, (SELECT min(organisation_id) FROM orders), 'order.placed', 1, 'order', 'ord_1', '{}', now(),"
    " now() FROM unnest"
)
_ENDPOINT = (
    "INSERT INTO webhook_endpoints (id, organisation_id, url, description, types, state, disabled_cause,"
    " disabled_reason, disabled_at, created_at, updated_at, version, failures_in_a_row)"
    " SELECT 'whe_1', min(organisation_id), 'https://example.com/', '', ARRAY['*'], 'enabled', '', '', NULL, now(),"
    " now(), 1, 0 FROM orders"
)
_DELIVERY = (
    f"{_EVENTS}(ARRAY['evt_1']) it; {_ENDPOINT};"
    " INSERT INTO webhook_deliveries (id, organisation_id, endpoint_id, position, subject_type, subject_id, state,"
    " attempts, fence, next_attempt_at, created_at, reason) SELECT 'whd_1', organisation_id, 'whe_1', position,"
    " 'order', 'ord_1', 'pending', 0, 0, now(), now(), '' FROM events"
)

BREAKS: Mapping[str, str] = {
    "every published event is in the feeds of whom it concerns": f"{_OUTBOX} ('evt_1', 'order.placed', 'org_1',"
    " 'order', 'ord_1', '{}', now(), now() - interval '61 seconds', now() - interval '62 seconds')",
    "a feed tells of one thing in the order in which it happened": f"{_OUTBOX} ('evt_2', 'order.placed', NULL,"
    " 'order', 'ord_1', '{}', now(), now(), now()), ('evt_1', 'order.placed', NULL, 'order', 'ord_1', '{}', now(),"
    f" now(), now()); {_EVENTS}(ARRAY['evt_1', 'evt_2']) it",
    "a delivery is of its endpoint's own organisation, and so is its event": f"{_DELIVERY};"
    " UPDATE webhook_deliveries SET organisation_id = 'org_other'",
    "a delivery that waits is tried in time": f"{_DELIVERY};"
    " UPDATE webhook_deliveries SET next_attempt_at = now() - interval '16 minutes'",
    "nothing waits for an endpoint that is sent nothing": f"{_DELIVERY};"
    " UPDATE webhook_endpoints SET state = 'disabled', disabled_at = now() - interval '61 seconds'",
}
MORE_BREAKS = (
    (
        "every published event is in the feeds of whom it concerns",
        f"{_OUTBOX} ('evt_1', 'network.changed', NULL, 'node', 'N1', '{{}}', now(), now() - interval '61 seconds',"
        " NULL)",
    ),
)
