"""A sender that goes nowhere: it answers as it is told, and remembers what it was handed."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fabroute.webhooks.ports import Answer

TAKEN = Answer(duration_ms=3, status=204)
FAILED = Answer(duration_ms=7, status=500, failure="status", detail="HTTP 500", body="sorry")
GONE = Answer(duration_ms=2, status=410, failure="gone", detail="HTTP 410: the receiver wants no more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, object]:
        """The body, read."""
        read: dict[str, object] = json.loads(self.body)
        return read

    @property
    def subject_id(self) -> str:
        """What the event is about."""
        subject = self.event["subject"]
        return str(subject["id"]) if isinstance(subject, dict) else ""

    @property
    def message_id(self) -> str:
        """What ``webhook-id`` says."""
        return self.headers["webhook-id"]


class FakeSender:
    """Answers each message by ``judge``, ``TAKEN`` unless told otherwise."""

    def __init__(self, judge: Callable[[Sent], Answer] = lambda sent: TAKEN) -> None:
        self.judge = judge
        self.sent: list[Sent] = []
        self.at_once = 0
        self.most_at_once = 0

    async def send(self, *, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Remember a message and answer it."""
        sent = Sent(url=url, headers=headers, body=body)
        self.sent.append(sent)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.judge(sent)

    def ids(self) -> list[str]:
        """The ids of the messages, in order."""
        return [it.message_id for it in self.sent]
