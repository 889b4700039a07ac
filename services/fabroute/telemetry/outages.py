"""What fails again and again, told once when it begins and once when it is over."""

import structlog


class Outage:
    """One thing that may fail for a while: its failures in a row, and the two lines that the log has of them."""

    def __init__(self, logger: structlog.stdlib.BoundLogger, *, begun: str, over: str) -> None:
        self._logger = logger
        self._begun, self._over = begun, over
        self.failures = 0

    def failed(self, error: Exception) -> None:
        """Note a failure; the first of a row is told of."""
        if self.failures == 0:
            self._logger.warning(self._begun, error=str(error).strip())
        self.failures += 1

    def over(self) -> None:
        """Note that it works; told of where it did not before."""
        if self.failures:
            self._logger.info(self._over, failures=self.failures)
        self.failures = 0
