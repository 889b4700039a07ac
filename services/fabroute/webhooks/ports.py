"""What webhooks need of the outside: somebody who sends. Secrets are sealed by ``identity.ports.Sealer``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of sending a message once."""

    duration_ms: int
    status: int | None = None
    """The HTTP status, if there was an answer."""
    failure: str = ""
    """A code, empty for an answer with a status from 200 to 299."""
    detail: str = ""
    body: str = ""
    """The beginning of what was answered."""

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it."""
        return not self.failure


class Sender(Protocol):
    """Sends messages. It never raises, and never takes longer than five seconds for one."""

    async def send(self, *, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST ``body`` to ``url`` and return what came of it."""
