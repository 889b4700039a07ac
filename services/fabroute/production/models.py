"""The table of production jobs."""

from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant


class Job(SQLModel, table=True):
    """Work for one node: print this revision so many times, from this lot, by this day. Never a Celery job."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_queue", "node_id", "state", "id"),
        Index(
            "uq_jobs_one_live_dispatch",
            "order_line_id",
            unique=True,
            postgresql_where=text("state NOT IN ('cancelled', 'declined', 'failed')"),
        ),
    )

    id: str = Field(primary_key=True)
    organisation_id: str
    """The owner whose part it is."""
    node_id: str = Field(foreign_key="nodes.id")
    order_id: str = Field(index=True)
    order_line_id: str
    decision_id: str
    revision_id: str
    part_no: str
    quantity: int
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None = None
    grams: int
    machine_minutes: int
    price_minor: int
    """What the node is paid: production only, without freight and duty."""
    produce_by: date
    shipping_service: str
    packaging: str
    ship_to_city: str
    ship_to_country: str
    promised_at: datetime = Field(sa_column=instant())
    state: str
    """``offered`` or ``cancelled`` in this version."""
    offered_at: datetime = Field(sa_column=instant())
    updated_at: datetime = Field(sa_column=instant())
    version: int = 1
