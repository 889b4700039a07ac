"""Rules about quotes that became orders."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="an order that accepted a quote has the price and the day of its offer",
        query="SELECT o.id, o.quote_id, o.quoted_offer, o.agreed_price_minor, o.agreed_arrival FROM orders o"
        " LEFT JOIN quotes q ON q.id = o.quote_id AND q.organisation_id = o.organisation_id"
        " WHERE num_nulls(o.quote_id, o.quoted_offer, o.agreed_price_minor, o.agreed_arrival) <> 4"
        " AND NOT EXISTS (SELECT FROM order_lines l, jsonb_array_elements(q.document -> 'quantities') quoted,"
        " jsonb_array_elements(quoted -> 'offers') offer WHERE l.order_id = o.id AND l.revision_id = q.revision_id"
        " AND (quoted ->> 'quantity')::int = l.quantity AND jsonb_exists(offer -> 'labels', o.quoted_offer)"
        " AND (offer -> 'landed' ->> 'amount_minor')::int = o.agreed_price_minor"
        " AND (offer ->> 'promised_at')::timestamptz = o.agreed_arrival)",
        advice="the owner would pay something else than was quoted: correct the order by its quote, and report it",
    ),
    Invariant(
        name="a quote is accepted once, while it stands",
        query="SELECT q.id, q.valid_until, o.id, o.placed_at FROM quotes q JOIN orders o ON o.quote_id = q.id"
        " WHERE o.placed_at >= q.valid_until OR o.placed_at < q.created_at"
        " OR 1 <> (SELECT count(*) FROM audit_entries a WHERE a.subject_type"
        " = 'order' AND a.action = 'order.placed' AND a.data ->> 'quote_id' = q.id)",
        advice="a quote was sold twice, or too late: ask the owner which order counts, and report it",
    ),
    Invariant(
        name="what a quote agreed could be kept when it was accepted",
        query="SELECT o.id, d.landed_minor, o.agreed_price_minor, d.promised_at, o.agreed_arrival FROM orders o"
        " JOIN order_lines l ON l.order_id = o.id LEFT JOIN routing_decisions d"
        " ON d.order_line_id = l.id AND d.fence = 1 WHERE o.quote_id IS NOT NULL AND (d.outcome = 'routed'"
        " AND d.landed_minor <= o.agreed_price_minor AND d.promised_at <= o.agreed_arrival) IS NOT TRUE",
        advice="an order was accepted that costs more or comes later than quoted: its owner pays what was quoted; "
        "tell the day, and report it",
    ),
)
