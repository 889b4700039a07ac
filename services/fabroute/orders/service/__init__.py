"""Take orders, hand their lines to routing, note what became of them, show and cancel them."""

from fabroute.orders.repository.lines import ClaimedLine, LineOutcome
from fabroute.orders.repository.orders import OrderFilter
from fabroute.orders.repository.placing import NewLine, NewOrder, ShipTo
from fabroute.orders.service.catalogue import (
    AskedLine,
    Catalogue,
    OrderableRevision,
    PartNotInInventory,
    RevisionNotInInventory,
    RevisionNotReleased,
    RevisionWithdrawn,
)
from fabroute.orders.service.outcomes import (
    LinesLost,
    claim_lines,
    lock_fenced_lines,
    lock_routed_lines,
    mark_cancelled,
    record_outcomes,
    requeue_lines,
    requeue_unroutable,
    scopes_with_due_lines,
)
from fabroute.orders.service.placing import (
    KeyContended,
    KeyReused,
    Placed,
    Placing,
    Refused,
    Replayed,
    find_answer,
    place_orders,
)
from fabroute.orders.service.reading import (
    LineView,
    OrderStatistics,
    OrderView,
    UnknownOrder,
    get_order,
    list_orders,
    order_statistics,
)

__all__ = [
    "AskedLine",
    "Catalogue",
    "ClaimedLine",
    "KeyContended",
    "KeyReused",
    "LineOutcome",
    "LineView",
    "LinesLost",
    "NewLine",
    "NewOrder",
    "OrderFilter",
    "OrderStatistics",
    "OrderView",
    "OrderableRevision",
    "PartNotInInventory",
    "Placed",
    "Placing",
    "Refused",
    "Replayed",
    "RevisionNotInInventory",
    "RevisionNotReleased",
    "RevisionWithdrawn",
    "ShipTo",
    "UnknownOrder",
    "claim_lines",
    "find_answer",
    "get_order",
    "list_orders",
    "lock_fenced_lines",
    "lock_routed_lines",
    "mark_cancelled",
    "order_statistics",
    "place_orders",
    "record_outcomes",
    "requeue_lines",
    "requeue_unroutable",
    "scopes_with_due_lines",
]
