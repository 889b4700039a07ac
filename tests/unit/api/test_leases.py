"""The header that names a lease is read as it is written, or refused with how to write it."""

import pytest

from fabroute.api.leases import MalformedLease, parse_lease
from fabroute.production.service.leases import Lease


@pytest.mark.parametrize(
    "header", ["lse_01jz;epoch=3", " lse_01jz;epoch=3 ", "lse_01jz; epoch=3", "lse_01jz ;epoch=03"]
)
def test_a_lease_is_read_with_its_epoch(header: str) -> None:
    assert parse_lease(header) == Lease(lease_id="lse_01jz", epoch=3)


@pytest.mark.parametrize(
    "header",
    ["", "lse_01jz", "lse_01jz;epoch=", "lse_01jz;epoch=-1", "job_01jz;epoch=3", "lse_;epoch=3", "lse_01jz;epoch=3;x",
     "lse_01jz;epoch=1234567890", "lse_01'jz;epoch=3"],
)  # fmt: skip
def test_anything_else_is_refused_with_how_it_is_written(header: str) -> None:
    with pytest.raises(MalformedLease, match="such as Fabroute-Lease: lse_") as refusal:
        parse_lease(header)
    assert (refusal.value.code, refusal.value.status) == ("malformed_lease", 400)
