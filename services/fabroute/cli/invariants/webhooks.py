"""Rules about the event feed and webhooks."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant
from fabroute.webhooks.rules.catalogue import CATALOGUE

_TOLD_TO_OWNERS = ", ".join(f"'{kind.name}'" for kind in CATALOGUE.values() if "owner" in kind.audiences)

RULES: Sequence[Invariant] = (
    Invariant(
        name="every published event is in the feeds of whom it concerns",
        query=f"""
            SELECT outbox.id, outbox.event_id, outbox.name FROM outbox_events outbox
            WHERE outbox.published_at < clock_timestamp() - interval '60 seconds' AND (
                outbox.sequenced_at IS NULL
                OR outbox.sequenced_at > clock_timestamp() - interval '1 day'
                AND outbox.organisation_id IS NOT NULL AND outbox.name IN ({_TOLD_TO_OWNERS})
                AND NOT EXISTS (SELECT FROM events WHERE events.event_id = outbox.event_id)
            )
        """,
        advice="feeds and webhooks miss events: does every relay run this version (fabroute work)? Report it",
    ),
    Invariant(
        name="a feed tells of one thing in the order in which it happened",
        query="""
            SELECT * FROM (
                SELECT event.organisation_id, event.subject_id, event.position, outbox.id, lag(outbox.id) OVER (
                    PARTITION BY event.organisation_id, event.subject_type, event.subject_id ORDER BY event.position
                ) AS before
                FROM events event JOIN outbox_events outbox ON outbox.event_id = event.event_id
            ) told WHERE told.before > told.id
        """,
        advice="two sequencers worked at once, or the lock of the sequencer was changed: run one version of the relay "
        "only, have clients read these things anew, and report it",
    ),
    Invariant(
        name="a delivery is of its endpoint's own organisation, and so is its event",
        query="""
            SELECT delivery.id, delivery.organisation_id, endpoint.organisation_id, event.organisation_id
            FROM webhook_deliveries delivery
            LEFT JOIN webhook_endpoints endpoint ON endpoint.id = delivery.endpoint_id
            LEFT JOIN events event ON event.position = delivery.position
            WHERE delivery.organisation_id IS DISTINCT FROM endpoint.organisation_id
               OR delivery.organisation_id IS DISTINCT FROM event.organisation_id
        """,
        advice="somebody may be told what is another's: disable the endpoint, and report it",
    ),
    Invariant(
        name="a delivery that waits is tried in time",
        query="""
            SELECT delivery.id, delivery.endpoint_id, delivery.next_attempt_at
            FROM webhook_deliveries delivery JOIN webhook_endpoints endpoint ON endpoint.id = delivery.endpoint_id
            WHERE delivery.state = 'pending' AND endpoint.state = 'enabled'
              AND coalesce(greatest(delivery.next_attempt_at, endpoint.rest_until), '-infinity')
                  < clock_timestamp() - interval '15 minutes'
              AND endpoint.failures_in_a_row = 0
              AND NOT EXISTS (
                SELECT FROM webhook_deliveries earlier
                WHERE earlier.endpoint_id = delivery.endpoint_id AND earlier.subject_type = delivery.subject_type
                  AND earlier.subject_id = delivery.subject_id AND earlier.state = 'pending'
                  AND earlier.number < delivery.number
              )
        """,
        advice="nobody sends webhooks: does a worker take the queue webhooks (fabroute work), with the secret key?",
    ),
    Invariant(
        name="nothing waits for an endpoint that is sent nothing",
        query="""
            SELECT delivery.id, delivery.endpoint_id FROM webhook_deliveries delivery
            JOIN webhook_endpoints endpoint ON endpoint.id = delivery.endpoint_id
            WHERE delivery.state = 'pending' AND endpoint.state = 'disabled'
              AND endpoint.disabled_at < clock_timestamp() - interval '60 seconds'
        """,
        advice="deliveries were made while their endpoint was disabled: enable it, or report it",
    ),
)
