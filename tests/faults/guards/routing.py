"""What tries the guards of routing: workers that freeze, race each other, or never hear of an order.

On a real database with a clock that stands still; a run stops between deciding and writing, as long as the test wants.
"""

from datetime import timedelta

from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

from fabroute.kernel.errors import DomainError
from fabroute.network.service.reservations import ReservationBroken
from fabroute.orders.rules import suspects_scope
from fabroute_workers.delivery import Relay
from fabroute_workers.subscriptions import Errand
from tests.factories.orders import given_orders, intake_connection, make_order, place_orders
from tests.factories.organisations import NOW
from tests.fakes.ringers import FakeClock, FakeRinger
from tests.faults.machine import runs
from tests.faults.machine.place import Place
from tests.faults.machine.runs import Paused
from tests.faults.machine.state import ROUTING_LEASE, SCOPE_LEASE

SCOPE, OTHER_SCOPE = "polymer_powder/europe", "polymer_powder/elsewhere"
MOST = 8
_BIT = timedelta(seconds=1)
_LONG = timedelta(minutes=6)
"""After so long the doctor calls what waits forgotten."""
_TURNS = 10


def forget_in_the_broker(place: Place) -> str:
    """Let the broker forget the message of an order; relays go on for some seconds, and six minutes pass."""
    given_orders(place.engine, make_order(place.plain, planning_scope=SCOPE))
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(place.engine, ringer=ringer, clock=clock, now=lambda: NOW)
    relay.publish()
    lost = len(ringer.errands)
    ringer.errands.clear()
    for _ in range(_TURNS):
        clock.pass_seconds(1.0)
        relay.turn()
        _work_off(place, ringer)
    _tell(place)
    place.set_clock(NOW + _LONG)
    return f"{lost} messages forgotten"


def _tell(place: Place) -> None:
    """Put what happened into feeds and publish it, as relays do at once."""
    relay = Relay(place.engine, ringer=FakeRinger(), clock=FakeClock(), now=lambda: NOW)
    relay.sequence()
    relay.publish()


def _work_off(place: Place, ringer: FakeRinger) -> None:
    """Do what a worker does about errands of routing."""
    errands = {errand for errand in ringer.errands if errand == Errand(task=errand.task, scope=SCOPE)}
    ringer.errands.clear()
    if errands:
        runs.route(place.engine, SCOPE, most=MOST, now=NOW)


def write_while_the_successor_decides(place: Place) -> str:
    """Let a worker freeze for longer than its lease, and write while the one that took over has not."""
    frozen, successor = _two_workers(place)
    first = _written(place, frozen)
    second = _written(place, successor)
    return f"the one that woke up: {first}; its successor: {second}"


def write_after_the_successor(place: Place) -> str:
    """Let a worker freeze for longer than its lease, and write when the one that took over has written."""
    frozen, successor = _two_workers(place)
    second = _written(place, successor)
    first = _written(place, frozen)
    return f"its successor: {second}; the one that woke up: {first}"


def want_the_same_powder(place: Place) -> str:
    """Let two planning scopes decide on the same last grams of a lot at once; then what is left is routed."""
    for scope in (SCOPE, OTHER_SCOPE):
        given_orders(place.engine, make_order(place.plain, planning_scope=scope, quantities=(3,)))
    both = [_begun(place, scope) for scope in (SCOPE, OTHER_SCOPE)]
    outcomes = [_written(place, run) for run in both]
    _tell(place)
    later = NOW + ROUTING_LEASE + _BIT
    place.set_clock(later)
    for scope in (SCOPE, OTHER_SCOPE):
        runs.route(place.engine, scope, most=MOST, now=later)
    return f"one scope: {outcomes[0]}; the other one: {outcomes[1]}"


def send_twice_at_once(place: Place) -> str:
    """Let two requests with one Idempotency-Key come in the same instant, so that neither finds the other's answer."""
    twins = [make_order(place.plain, key="twice", planning_scope=SCOPE) for _ in range(2)]
    with intake_connection(place.engine) as connection:
        placings = place_orders(connection, orders=twins)
    runs.route(place.engine, SCOPE, most=MOST, now=NOW)
    return ", ".join(type(placing).__name__.lower() for placing in placings)


def _two_workers(place: Place) -> tuple[Paused, Paused]:
    """Return two runs over one line that have decided: of a worker that lost its lease, and of its successor."""
    given_orders(place.engine, make_order(place.plain, planning_scope=SCOPE))
    frozen = _begun(place, SCOPE)
    later = NOW + SCOPE_LEASE + _BIT
    place.set_clock(later)
    assert runs.begin(place.engine, SCOPE, most=MOST, now=later) is None, "what was left behind are suspects now"
    successor = runs.begin(place.engine, suspects_scope(SCOPE), most=MOST, now=later)
    assert successor is not None
    return frozen, successor


def _begun(place: Place, scope: str) -> Paused:
    run = runs.begin(place.engine, scope, most=MOST, now=NOW)
    assert run is not None, scope
    return run


def _written(place: Place, run: Paused) -> str:
    """Write a run and say what came of it, or what refused it."""
    try:
        jobs = runs.finish(place.engine, run)
    except DomainError as refusal:
        return refusal.code
    except ReservationBroken:
        return "refused by the conditional update"
    except IntegrityError as error:
        index = "the UNIQUE index" if isinstance(error.orig, UniqueViolation) else "the CHECK"
        return f"refused by {index}"
    return f"{len(jobs)} job written"
