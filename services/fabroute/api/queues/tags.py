"""ETags of queues: known from a version in memory, without reading the queue."""

import random
import re
from datetime import date
from hashlib import blake2b

from fabroute.identity.rules import Principal
from fabroute.network.service.queues import QueuePosition

_POLL_SECONDS = (4.0, 6.0)
"""Between these a client is told to wait before its next poll, so that not all of them come at once."""
_WAIT = re.compile(rb"wait=(?:[01]?\d|2[0-5])")
"""How long a client waits, as it may be asked for. Anything else stays in what is asked, and is refused there."""


def queue_tag(position: QueuePosition, *, principal: Principal, query: bytes, today: date) -> str:
    """Return the ETag of an answer: of a queue at this position, as an organisation sees it, asked for like this.

    The day is in it because certificates and lots end with a day, and with them the right to see a job. How long the
    client waits is not: what it read without waiting is what it waits for another of.
    """
    asked = b"&".join(it for it in query.split(b"&") if not _WAIT.fullmatch(it))
    seen = b"\0".join((asked, principal.organisation_id.encode(), today.isoformat().encode()))
    return f'"{position.epoch}-{position.version}-{blake2b(seen, digest_size=8).hexdigest()}"'


def poll_interval() -> str:
    """Return in how many seconds to poll again, for the header ``Fabroute-Poll-Interval``."""
    return f"{random.uniform(*_POLL_SECONDS):.1f}"


def retry_after() -> str:
    """Return the same in whole seconds, for the header ``Retry-After``."""
    return str(random.randint(int(_POLL_SECONDS[0]), int(_POLL_SECONDS[1])))


def may_read(position: QueuePosition, principal: Principal) -> bool:
    """Return whether a principal may read the queue, or its own jobs in it; a bureau not that of another."""
    return principal.kind != "bureau" or position.organisation_id == principal.organisation_id
