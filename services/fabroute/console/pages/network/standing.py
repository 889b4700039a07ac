"""How a node stands, in the words and bars of a line: load, proofs, material, punctuality, answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from fabroute.console.drawing.bars import days_bar, level_bar
from fabroute.console.drawing.markup import Caption, Svg
from fabroute.console.formats import Formats
from fabroute.network.service import NodeView
from fabroute.network.service.overview import LOAD_DAYS, MaterialRunway, NodeLoad
from fabroute.production.service.overview import NodeStanding
from fabroute.production.service.scores import Rate
from fabroute.qualification.service.expiring import LastDay

KINDS: Mapping[str, str] = {
    "in_house": "in-house",
    "service_bureau": "service bureau",
    "regional_hub": "regional hub",
}
FULL, BUSY = 1.0, 0.85
CERTIFICATE_DAYS, CERTIFICATE_LOW, CERTIFICATE_CRITICAL = 365, 30, 7
RUNWAY_DAYS, RUNWAY_LOW, RUNWAY_CRITICAL = 60, 14, 3
_YEAR_DAYS, _YEARS = 365, 2
"""From so many years on, days are not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A figure with its bar; ``words`` say the figure, ``detail`` what it is of."""

    words: str
    detail: str
    bar: Svg | None = None
    is_alarming: bool = False
    """Whether somebody should look at it: its words are written so that the bar's colour is not needed."""


def kind_words(kind: str) -> str:
    """Return a kind of node as people say it."""
    return KINDS.get(kind, kind.replace("_", " "))


def node_names(nodes: Mapping[str, NodeView]) -> dict[str, str]:
    """Return by id what nodes are called: their city, with the id where several are in one city."""
    cities = [node.city for node in nodes.values()]
    return {
        node_id: node.city if cities.count(node.city) == 1 else f"{node.city} {node_id}"
        for node_id, node in nodes.items()
    }


def load_gauge(load: NodeLoad | None, fmt: Formats, *, key: str) -> Gauge | None:
    """Return how full a node is over the next days, with today beside it; ``None`` where the viewer may not see it."""
    if load is None or load.share is None:
        return None
    state = "critical" if load.share >= FULL else "low" if load.share >= BUSY else "ok"
    words = fmt.percent(load.share)
    today = "closed today" if load.share_today is None else f"today {fmt.percent(load.share_today)}"
    return Gauge(
        words=words,
        detail=today,
        bar=level_bar(Caption(key=f"load-{key}", title=f"Load of {LOAD_DAYS} days: {words}"), load.share, state=state),
        is_alarming=load.share >= FULL,
    )


def certificate_gauge(last: LastDay | None, *, key: str) -> Gauge | None:
    """Return how long the certificate of a node lasts that ends first; ``None`` where there is none."""
    if last is None:
        return None
    words = days_left(last.days_left)
    bar = days_bar(
        Caption(key=f"certificate-{key}", title=f"{last.scheme}: {words}"),
        max(0, last.days_left),
        horizon=CERTIFICATE_DAYS,
        low=CERTIFICATE_LOW,
        critical=CERTIFICATE_CRITICAL,
    )
    return Gauge(words=words, detail=last.scheme, bar=bar, is_alarming=last.days_left <= CERTIFICATE_LOW)


def runway_gauge(runway: MaterialRunway | None, *, key: str) -> Gauge | None:
    """Return how long the material lasts that runs out first; ``None`` where none is used."""
    if runway is None or runway.days is None:
        return None
    words = days_left(int(runway.days))
    bar = days_bar(
        Caption(key=f"runway-{key}", title=f"{runway.material}: {words}"),
        runway.days,
        horizon=RUNWAY_DAYS,
        low=RUNWAY_LOW,
        critical=RUNWAY_CRITICAL,
    )
    return Gauge(words=words, detail=runway.material, bar=bar, is_alarming=runway.days <= RUNWAY_LOW)


def rate_gauge(rate: Rate, fmt: Formats, what: str) -> Gauge | None:
    """Return a share with what it is of; ``None`` of nothing."""
    if rate.share is None:
        return None
    return Gauge(words=fmt.percent(rate.share), detail=f"of {fmt.quantity(rate.counted, what)}")


def answer_gauge(standing: NodeStanding, fmt: Formats) -> Gauge | None:
    """Return how long a node takes to answer an offer, in the middle; ``None`` where it was offered nothing."""
    if standing.median_answer_seconds is None:
        return None
    return Gauge(
        words=seconds_words(standing.median_answer_seconds, fmt),
        detail=f"of {fmt.quantity(standing.answered_offers, 'offer')}",
    )


def seconds_words(seconds: float, fmt: Formats) -> str:
    """Return a length of seconds as people say it: under a minute they are not counted."""
    return fmt.duration(seconds / 60) if seconds >= 60 else "under 1\N{NO-BREAK SPACE}min"


def days_left(days: int) -> str:
    """Return how many days are left, in words."""
    if days < 0:
        return f"ended {-days:,}\N{NO-BREAK SPACE}d ago"
    if days >= _YEARS * _YEAR_DAYS:
        return f"{days // _YEAR_DAYS:,}\N{NO-BREAK SPACE}years left"
    return "last day today" if not days else f"{days:,}\N{NO-BREAK SPACE}d left"


def days_until(last_day: date, today: date) -> str:
    """Return how many days are left until a last day, in words."""
    return days_left((last_day - today).days)
