"""Which story an order of a sandbox asks for, and what its nodes do next."""

from dataclasses import replace

import pytest

from fabroute.sandbox import rules
from fabroute.sandbox.rules import ANSWERS, LATE_STEPS, Standing, answer_to, next_step

OFFERED = Standing(
    state="offered",
    good_prints=0,
    failed_prints=0,
    quantity=2,
    shipment_state=None,
    tried_before=False,
    cancel_requested=False,
    steps_since=1.0,
)
PRINTING = replace(OFFERED, state="in_production")
INSPECTED = replace(OFFERED, state="inspected", good_prints=2)
SHIPPED = replace(INSPECTED, state="shipped", shipment_state="handed_over")


@pytest.mark.parametrize(
    ("part_no", "reference", "answer"),
    [
        ("RL-0003", None, "good"),
        ("RL-0003", "", "good"),
        ("RL-0003", "PO-17", "good"),
        ("RL-0003", "PO-17 decline", "decline"),
        ("RL-0003", "counter", "counter"),
        ("RL-0003", "PO 9: SILENT!", "silent"),
        ("RL-0003", "test-print_fails-3", "print_fails"),
        ("RL-0003", "late", "late"),
        ("RL-0003", "chocolate", "good"),
        ("RL-0003", "declined", "good"),
        ("BRACKET-DECLINE", "PO-17", "decline"),
        ("BRACKET-PRINT_FAILS", None, "print_fails"),
        ("BRACKET-DECLINE", "late please", "late"),
        ("BRACKET-DECLINE", "good", "good"),
    ],
)
def test_the_first_word_that_is_a_story_counts_the_orders_own_first(
    part_no: str, reference: str | None, answer: str
) -> None:
    assert answer_to(part_no=part_no, reference=reference) == answer
    assert answer in ANSWERS


def test_every_story_stands_in_the_table_of_the_documentation() -> None:
    assert rules.__doc__ is not None
    assert [answer for answer in ANSWERS if f"| `{answer}` |" not in rules.__doc__] == ["good"]


@pytest.mark.parametrize(
    ("job", "step"),
    [
        (OFFERED, "accept"),
        (replace(OFFERED, state="accepted"), "start"),
        (PRINTING, "print"),
        (replace(PRINTING, good_prints=1), "print"),
        (replace(PRINTING, good_prints=2), "inspect"),
        (INSPECTED, "pack"),
        (replace(INSPECTED, shipment_state="prepared"), "hand_over"),
        (SHIPPED, "travel"),
        (replace(SHIPPED, shipment_state="in_transit"), "deliver"),
        (replace(OFFERED, state="suspect"), "beat"),
        (replace(OFFERED, state="countered"), None),
        (replace(OFFERED, state="held"), None),
        (replace(PRINTING, cancel_requested=True), "stop"),
        (replace(INSPECTED, cancel_requested=True), "stop"),
        (replace(SHIPPED, cancel_requested=True), "travel"),
    ],
)
def test_a_job_goes_its_way_step_by_step(job: Standing, step: str | None) -> None:
    assert next_step(job, "good") == step


@pytest.mark.parametrize(
    ("answer", "job", "first", "second"),
    [
        ("decline", OFFERED, "decline", "accept"),
        ("counter", OFFERED, "counter", "accept"),
        ("silent", OFFERED, None, "accept"),
        ("print_fails", PRINTING, "print_badly", "print"),
        ("print_fails", replace(PRINTING, failed_prints=1), "give_up", "print"),
    ],
)
def test_a_story_is_told_by_the_first_node_only(
    answer: rules.Answer, job: Standing, first: str | None, second: str
) -> None:
    assert next_step(job, answer) == first
    assert next_step(replace(job, tried_before=True), answer) == second


def test_a_late_parcel_has_an_exception_and_arrives_some_steps_later() -> None:
    on_its_way = replace(SHIPPED, shipment_state="in_transit")
    stuck = replace(SHIPPED, shipment_state="exception")
    waits = [next_step(replace(stuck, steps_since=LATE_STEPS + more), "late") for more in (-0.1, 0.0, 3.0)]

    assert [next_step(SHIPPED, "late"), next_step(on_its_way, "late")] == ["travel", "be_late"]
    assert waits == [None, "deliver", "deliver"]
    assert next_step(replace(on_its_way, tried_before=True), "late") == "be_late"
