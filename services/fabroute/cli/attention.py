"""What waits for a person: no rule is broken, but nobody else will see to it."""

from sqlalchemy import Engine, text

_EXAMPLES = 3
_REASON = 160
_PARKED = text("""
SELECT line.order_id, line.position, line.state_reason, count(*) OVER () AS parked
FROM order_lines line WHERE line.state = 'parked' ORDER BY line.id LIMIT :examples
""")


def attention_notes(engine: Engine) -> tuple[str, ...]:
    """Return how many lines are parked, and some of them with their reasons; nothing where none is."""
    with engine.connect() as connection:
        rows = connection.execute(_PARKED, {"examples": _EXAMPLES}).all()
    if not rows:
        return ()
    head = f"{rows[0].parked} parked lines wait for a person: POST /v1/orders/…/lines/…/retry sends them on"
    return (head, *(f"{row.order_id} line {row.position}: {row.state_reason[:_REASON]}" for row in rows))
