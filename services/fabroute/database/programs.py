"""What each connection says of the process that it belongs to: so whoever looks at PostgreSQL sees who is there."""

import os
from typing import Literal

Program = Literal["api", "relay", "routing", "worker"]
"""``routing``: a worker that takes the queue of that name, perhaps with others; ``worker``: one that doesn't."""

PREFIX = "fabroute-"
_VARIABLE = "PGAPPNAME"
"""Of libpq, which reads it whenever it connects: ``application_name``, unless the address names another."""


def call_program(program: Program) -> None:
    """Have every connection that this process and its forks make from now on say which program it is."""
    os.environ[_VARIABLE] = f"{PREFIX}{program}"
