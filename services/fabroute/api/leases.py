"""The header ``Fabroute-Lease``: by which claim or acceptance a bureau's client writes."""

import re
from typing import Annotated

from fastapi import Depends, Header
from pydantic.json_schema import SkipJsonSchema

from fabroute.kernel.errors import DomainError
from fabroute.production.service.leases import Lease, LeaseLost, LeaseRequired

WRITTEN = "lse_[A-Za-z0-9]{1,60} ?; ?epoch=[0-9]{1,9}"
"""Its form, as it is read and as it is described."""


class MalformedLease(DomainError):
    """The header ``Fabroute-Lease`` names no lease with its epoch."""

    code = "malformed_lease"
    status = 400


LEASE_PROBLEMS: tuple[type[DomainError], ...] = (MalformedLease, LeaseLost, LeaseRequired)
"""How a write under a lease may be refused."""


def parse_lease(header: str) -> Lease:
    """Return the lease that a header such as ``lse_01jz…;epoch=3`` names. Raises ``MalformedLease``."""
    written = header.strip()
    if not re.fullmatch(WRITTEN, written):
        raise MalformedLease(
            "Fabroute-Lease names no lease: send lease_id and epoch of your claim, such as "
            "Fabroute-Lease: lse_01jz3v8c5h9m2n4p6q8r0s2t4v;epoch=3"
        )
    lease_id, _, epoch = written.partition(";")
    return Lease(lease_id=lease_id.rstrip(), epoch=int(epoch.partition("=")[2]))


async def get_lease(
    header: Annotated[
        str | SkipJsonSchema[None],
        Header(
            alias="Fabroute-Lease",
            json_schema_extra={"pattern": f"^{WRITTEN}$", "examples": ["lse_01jz3v8c5h9m2n4p6q8r0s2t4v;epoch=3"]},
            description="The lease that your client holds the job by, and its epoch: `lse_…;epoch=3`. Needed where it"
            " was claimed; not where a person accepted it by hand.",
        ),
    ] = None,
) -> Lease | None:
    """Return the lease that the request is made by, None where it names none."""
    return None if header is None else parse_lease(header)


LeaseHeader = Annotated[Lease | None, Depends(get_lease)]
