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
    suspended_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """Since when its credentials open nothing, if they do not."""
    suspension_reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
