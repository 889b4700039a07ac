"""Stores and their lots as production sees them, and recalls: what was made of a lot, and what becomes of it."""

from fabroute.production.service.recall.data import (
    InvalidRecall,
    LotRecalled,
    NothingToRecall,
    RecallDocument,
    RecalledJob,
    RecallRequest,
    RecallView,
    UnknownRecall,
)
from fabroute.production.service.recall.reading import get_recall, list_recalls, recalls_of_jobs
from fabroute.production.service.recall.recalling import recall_lots
from fabroute.production.service.recall.stores import (
    LotChange,
    count_lot,
    read_store,
    receive_lot,
    refresh_lot,
    require_store_of_lot,
    set_lot_state,
)

__all__ = [
    "InvalidRecall",
    "LotChange",
    "LotRecalled",
    "NothingToRecall",
    "RecallDocument",
    "RecallRequest",
    "RecallView",
    "RecalledJob",
    "UnknownRecall",
    "count_lot",
    "get_recall",
    "list_recalls",
    "read_store",
    "recall_lots",
    "recalls_of_jobs",
    "receive_lot",
    "refresh_lot",
    "require_store_of_lot",
    "set_lot_state",
]
