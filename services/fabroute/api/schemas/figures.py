"""The constants behind estimates and quotes, over the wire."""

from pydantic import Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.estimation.sources import Mark, SourcedFigure


class FigureOut(ResponseModel):
    """One constant behind an estimate."""

    subject: str = Field(description="A machine model, a material or a process; empty where it is of all estimates.")
    code: str
    value: float
    unit: str
    mark: Mark = Field(
        description="How far it can be trusted, best first: `measured` (learnt from this machine's builds and prints), "
        "`stated` (by the node), `vendor`, `second-hand`, `memory`, `assumption`."
    )
    source: str


def figure_out(figure: SourcedFigure) -> FigureOut:
    """Return a constant for an answer."""
    return FigureOut(
        subject=figure.subject,
        code=figure.code,
        value=figure.value,
        unit=figure.unit,
        mark=figure.mark,
        source=figure.source,
    )
