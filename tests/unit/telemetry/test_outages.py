"""What fails again and again is told once, and once that it is over."""

import structlog
from structlog.testing import capture_logs

from fabroute.telemetry.outages import Outage


def test_a_row_of_failures_has_two_lines_however_long_it_is() -> None:
    with capture_logs() as told:
        outage = Outage(structlog.stdlib.get_logger("x"), begun="it is away", over="it is back")
        outage.over()
        for _ in range(100):
            outage.failed(ConnectionError("no route\n"))
        outage.over()
        outage.over()
        outage.failed(ConnectionError("again"))

    assert told == [
        {"event": "it is away", "error": "no route", "log_level": "warning"},
        {"event": "it is back", "failures": 100, "log_level": "info"},
        {"event": "it is away", "error": "again", "log_level": "warning"},
    ]
