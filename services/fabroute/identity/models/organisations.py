"""The table of organisations."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant


class Organisation(SQLModel, table=True):
    """An owner of parts, a bureau that prints, or the operator of this installation."""

    __tablename__ = "organisations"

    id: str = Field(primary_key=True)
    name: str
    kind: str
    """``owner``, ``bureau`` or ``operator``."""
    created_at: datetime = Field(sa_column=instant())
