"""A doorbell that only remembers."""

from fabroute_workers.doorbell import BrokerDown
from fabroute_workers.subscriptions import Errand


class FakeRinger:
    """Keeps the errands it was handed; refuses them all while ``down``."""

    def __init__(self) -> None:
        self.errands: list[Errand] = []
        self.down = False

    def ring(self, errand: Errand) -> None:
        """Take one errand, or refuse it as a broker that does not answer."""
        if self.down:
            raise BrokerDown("nobody answers")
        self.errands.append(errand)

    def tasks(self) -> list[str]:
        """The tasks of the errands, in order."""
        return [errand.task for errand in self.errands]


class FakeClock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds

    def pass_seconds(self, seconds: float) -> None:
        """Let time go on."""
        self.seconds += seconds
