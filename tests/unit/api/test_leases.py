"""The header that names a lease is read as it is written, or refused with how to write it."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fabroute.api.leases import WRITTEN, MalformedLease, parse_lease
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


@given(header=st.from_regex(WRITTEN, fullmatch=True))
def test_whatever_has_the_form_that_is_described_is_a_lease(header: str) -> None:
    lease = parse_lease(header)

    assert header.replace(" ", "").partition(";")[0] == lease.lease_id
    assert int(header.rpartition("=")[2]) == lease.epoch


@given(header=st.text(alphabet="lse_09aA ;epoch=-\n\t²٣", max_size=24))
@example(header="lse_0;epoch=٣")
@example(header="lse_0\n;epoch=3")
@example(header="lse_0  ;epoch=3")
def test_whatever_has_not_that_form_is_refused(header: str) -> None:
    if re.fullmatch(WRITTEN, header.strip()):
        return
    with pytest.raises(MalformedLease) as refusal:
        parse_lease(header)
    assert refusal.value.status == 400
