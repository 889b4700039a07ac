"""The rules of qualification against slow definitions: every day looked at, every rotation tried."""

from datetime import date, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from fabroute.qualification.rules import (
    Box,
    CertificateView,
    MachineRow,
    PlainCapability,
    PrintNeeds,
    box_fits,
    capable_by_plain_rule,
    certificate_covers,
    certificate_valid,
    first_article_ends,
)

FIRST = date(2026, 1, 1)
PAIRS = ("MJF:PA12-MJF", "SLS:PA12-SLS", "LPBF:316L")
SCHEMES = ("ISO9001", "FOOD")

days = st.dates(min_value=FIRST, max_value=FIRST + timedelta(days=60))
sides = st.integers(min_value=1, max_value=12).map(float)
boxes = st.tuples(sides, sides, sides)
rows = st.builds(
    MachineRow, node_id=st.sampled_from(["N1", "N2", "N3"]), process_material=st.sampled_from(PAIRS), box_mm=boxes
)
certificates = st.builds(
    lambda node_id, scheme, scope, first, length: CertificateView(
        certificate_id=f"cert_{node_id}_{scheme}_{scope}_{first}",
        node_id=node_id,
        scheme=scheme,
        scope_kind="site" if scope == "*" else "site+process+material",
        scope=scope,
        valid_from=first,
        valid_to=first + timedelta(days=length),
    ),
    st.sampled_from(["N1", "N2", "N3"]),
    st.sampled_from(SCHEMES),
    st.sampled_from(["*", *PAIRS]),
    days,
    st.integers(0, 40),
)
needs = st.builds(
    PrintNeeds,
    box_mm=boxes,
    process_materials=st.lists(st.sampled_from(PAIRS), min_size=1, max_size=2, unique=True),
    required_certificates=st.lists(st.sampled_from(SCHEMES), max_size=2, unique=True),
)


@given(part=boxes, machine=boxes)
def test_a_box_fits_exactly_when_one_of_its_six_rotations_does(part: Box, machine: Box) -> None:
    rotations = [(part[a], part[b], part[c]) for a, b, c in permutations(range(3))]
    expected = any(all(side <= room for side, room in zip(turned, machine, strict=True)) for turned in rotations)
    assert box_fits(part, machine) is expected
    assert all(box_fits(turned, machine) is expected for turned in rotations)
    assert box_fits(part, part)


@given(held=certificates, first=days, length=st.integers(0, 30))
def test_a_certificate_is_valid_over_a_window_exactly_when_it_is_on_each_of_its_days(
    held: CertificateView, first: date, length: int
) -> None:
    window = [first + timedelta(days=offset) for offset in range(length + 1)]
    each_day = all(held.valid_from <= day <= held.valid_to for day in window)
    assert certificate_valid(held, first_day=window[0], last_day=window[-1]) is each_day
    assert certificate_valid(held, first_day=held.valid_from, last_day=held.valid_to)


@given(last=st.dates(min_value=date(2000, 1, 1), max_value=date(2090, 1, 1)))
def test_a_first_article_ends_on_the_same_day_two_years_on(last: date) -> None:
    end = first_article_ends(last)
    assert end.year == last.year + 2
    assert (end.month, end.day) in ((last.month, last.day), (2, 28))
    assert 729 <= (end - last).days <= 731


@given(wanted=needs, offered=st.lists(rows, max_size=8), held=st.lists(certificates, max_size=8), day=days)
def test_the_plain_rule_is_what_its_sentence_says(
    wanted: PrintNeeds, offered: list[MachineRow], held: list[CertificateView], day: date
) -> None:
    by_node = {node: [view for view in held if view.node_id == node] for node in ("N1", "N2", "N3")}
    found = capable_by_plain_rule(wanted, rows=offered, certificates=by_node, day=day)
    capable, certified = set(), set()
    for row in offered:
        if row.process_material not in wanted.process_materials or not box_fits(wanted.box_mm, row.box_mm):
            continue
        capable.add(row.node_id)
        proofs = [view for view in by_node[row.node_id] if view.valid_from <= day <= view.valid_to]
        missing = [
            scheme
            for scheme in wanted.required_certificates
            if not [v for v in proofs if certificate_covers(v, scheme=scheme, process_material=row.process_material)]
        ]
        if not missing:
            certified.add(row.node_id)
    assert found == PlainCapability(capable=frozenset(capable), certified=frozenset(certified))
    assert found.certified <= found.capable


@given(wanted=needs, offered=st.lists(rows, max_size=8), held=st.lists(certificates, max_size=8), day=days)
def test_another_certificate_never_takes_a_node_away(
    wanted: PrintNeeds, offered: list[MachineRow], held: list[CertificateView], day: date
) -> None:
    by_node = {node: [view for view in held if view.node_id == node] for node in ("N1", "N2", "N3")}
    fewer = {node: views[:-1] for node, views in by_node.items()}
    all_of_them = capable_by_plain_rule(wanted, rows=offered, certificates=by_node, day=day)
    without_some = capable_by_plain_rule(wanted, rows=offered, certificates=fewer, day=day)
    assert without_some.certified <= all_of_them.certified
    assert without_some.capable == all_of_them.capable
