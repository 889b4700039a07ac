"""Tables of orders, order lines and quotes."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant


class Order(SQLModel, table=True):
    """What a customer wants, where and by when."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("ix_orders_owner", "organisation_id", "id"),
        Index("ix_orders_state", "organisation_id", "state", "id"),
        Index("ix_orders_batch", "organisation_id", "batch", "state", postgresql_where=text("batch IS NOT NULL")),
        Index(
            "ix_orders_reference",
            "organisation_id",
            "reference",
            "id",
            postgresql_where=text("reference IS NOT NULL"),
        ),
        Index(
            "ix_orders_waiting",
            "organisation_id",
            "id",
            postgresql_where=text("state IN ('partly_routed', 'no_route', 'parked')"),
        ),
    )

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    reference: str | None = None
    """The client's own number."""
    batch: str | None = None
    """A label of the client's that groups orders, such as an import."""
    objective: str
    criticality: str
    packaging: str
    need_by: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    need_by_hard: bool = True
    max_price_minor: int | None = None
    split_max_nodes: int = 0
    """How many nodes may share a line; 0: one machine makes all of it, 1: several machines of one node may."""
    split_min_per_node: int = 1
    """Fewest pieces that a node of a split line gets."""
    cost_of_waiting_minor: int | None = None
    """What an hour until delivery costs the customer, because something stands still; in cents."""
    currency: str
    ship_to_name: str = ""
    ship_to_street: str = ""
    ship_to_postal_code: str = ""
    ship_to_city: str
    ship_to_country: str
    ship_to_latitude: float
    ship_to_longitude: float
    ship_to_assumed: bool
    """The city is unknown: the coordinates are those of its country's capital."""
    first_article: bool = False
    """Whether a node without a first article of the part may make it: one part first, and the rest when approved."""
    state: str
    """``pending``, ``routed``, ``partly_routed``, ``no_route``, ``parked`` or ``cancelled``."""
    placed_at: datetime = Field(sa_column=instant())
    updated_at: datetime = Field(sa_column=instant())
    version: int = 1
    quote_id: str | None = Field(default=None, foreign_key="quotes.id", unique=True)
    quoted_offer: str | None = None
    """Which offer of the quote was accepted: ``cheapest``, ``fastest`` or ``greenest``."""
    agreed_price_minor: int | None = None
    """The landed price that was quoted: what the owner pays, wherever the parts are made in the end."""
    agreed_arrival: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """The date that was quoted."""
    traceparent: str | None = None
    """The span in which it was placed, where its trace is kept: whatever happens to it joins that trace."""


class OrderLine(SQLModel, table=True):
    """One part in one quantity: the unit of routing."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity BETWEEN 1 AND 100000", name="quantity_in_range"),
        Index(
            "ix_order_lines_open",
            "planning_scope",
            "next_attempt_at",
            postgresql_where=text("state IN ('pending', 'routing')"),
        ),
        Index("ix_order_lines_no_route", "planning_scope", "id", postgresql_where=text("state = 'no_route'")),
        Index("ix_order_lines_parked", "id", postgresql_where=text("state = 'parked'")),
    )

    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="orders.id", index=True)
    position: int
    part_id: str
    revision_id: str
    quantity: int
    planning_scope: str
    state: str
    """``pending``, ``routing``, ``routed``, ``no_route``, ``parked`` or ``cancelled``."""
    state_reason: str = ""
    attempts: int = 0
    fence: int = 0
    lease_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    next_attempt_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    decision_id: str | None = None
    promised_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """The first promise that was made, kept when the line is planned anew: never later, never dearer."""
    promised_minor: int | None = None
    """The landed price of that promise, in cents."""
    kept_quantity: int = 0
    """Pieces that jobs of an earlier decision go on making while the rest of a split line is routed again."""
    kept_nodes: str = ""
    """Ids of the nodes that make them, a comma between two."""
    next_share_no: int = 0
    """The first share number that none of these jobs has."""
    broken_runs: int = 0
    """How many runs in a row ended with this line in them and without any plan: it, or one beside it, breaks them."""


class Quote(SQLModel, table=True):
    """Offers for a part in some quantities, with a price and a date each, that stand until ``valid_until``."""

    __tablename__ = "quotes"
    __table_args__ = (Index("ix_quotes_owner", "organisation_id", "id"),)

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    part_id: str
    revision_id: str
    part_no: str
    revision: str
    criticality: str
    packaging: str
    need_by: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    need_by_hard: bool = True
    max_price_minor: int | None = None
    """Landed, of each quantity."""
    currency: str
    """In which prices are shown beside EUR."""
    per_eur: float
    """The exchange rate of the day of the quote; 1 for EUR."""
    ship_to_city: str
    ship_to_country: str
    ship_to_latitude: float
    ship_to_longitude: float
    ship_to_assumed: bool
    document: dict[str, Any] = Field(sa_column=document())
    """What was offered and what was ruled out, as it was shown."""
    created_by: str
    created_at: datetime = Field(sa_column=instant())
    as_of: datetime = Field(sa_column=instant())
    """The instant of the network that the quote was made from."""
    valid_until: datetime = Field(sa_column=instant())
