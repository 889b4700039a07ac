"""Nine questions, two preconditions and compliance: what they come to."""

import pytest

from fabroute.advice.rules.viability import PRECONDITIONS, QUESTIONS, Dimension, Viability, screen_viability

ALL_HOLD = {it.code: True for it in PRECONDITIONS}
NINE_NOES = {it.code: False for it in QUESTIONS}


def test_there_are_nine_questions_in_three_dimensions_and_compliance_beside_two_preconditions() -> None:
    counted = [sum(it.dimension is dimension for it in QUESTIONS) for dimension in Dimension]

    assert (len(QUESTIONS), counted) == (9, [2, 4, 3])
    assert [it.code for it in PRECONDITIONS] == ["technically_feasible", "economically_feasible", "compliant"]


@pytest.mark.parametrize("code", [it.code for it in QUESTIONS])
def test_one_yes_is_worth_a_closer_look_where_the_preconditions_hold(code: str) -> None:
    advice = screen_viability(NINE_NOES | ALL_HOLD | {code: True})

    assert advice.result is Viability.VIABLE
    (speaking,) = (it for it in advice.dimensions if it.yes)
    assert (speaking.yes, advice.unanswered) == ((code,), ())
    assert speaking.points_to is not None
    assert advice.headline.startswith("worth a closer look: 1 of 9 questions speak for it")


def test_nine_noes_are_no_reason() -> None:
    advice = screen_viability(NINE_NOES | ALL_HOLD)

    assert advice.result is Viability.NO_REASON
    assert advice.headline == "nothing speaks for distributed printing: keep the way that is there"
    assert [it.points_to for it in advice.dimensions] == [None, None, None]


@pytest.mark.parametrize("failed", [it.code for it in PRECONDITIONS])
def test_a_precondition_that_fails_decides_alone(failed: str) -> None:
    everything = {it.code: True for it in QUESTIONS} | ALL_HOLD | {failed: False}
    advice = screen_viability(everything)

    assert (advice.result, advice.failed) == (Viability.NOT_VIABLE, (failed,))
    assert advice.headline.startswith(f"not viable as it stands: {failed.replace('_', ' ')} must hold first")


@pytest.mark.parametrize("unknown", [it.code for it in PRECONDITIONS])
def test_a_precondition_that_nobody_answered_leaves_it_open(unknown: str) -> None:
    answers: dict[str, bool | None] = {it.code: True for it in QUESTIONS}
    advice = screen_viability(answers | ALL_HOLD | {unknown: None})

    assert advice.result is Viability.OPEN
    assert advice.unanswered == (unknown,)


def test_an_open_question_can_still_change_nine_noes_but_no_yes() -> None:
    eight_noes = {code: answer for code, answer in NINE_NOES.items() if code != "sporadic_demand"}

    assert screen_viability(eight_noes | ALL_HOLD).result is Viability.OPEN
    assert screen_viability(eight_noes | ALL_HOLD | {"few_suppliers": True}).result is Viability.VIABLE


def test_nothing_answered_names_all_that_is_open() -> None:
    advice = screen_viability({})

    assert advice.result is Viability.OPEN
    assert advice.unanswered == tuple(it.code for it in (*QUESTIONS, *PRECONDITIONS))
    assert [len(it.unanswered) for it in advice.dimensions] == [2, 4, 3]


def test_yes_and_no_are_told_by_dimension() -> None:
    advice = screen_viability(
        {"fast_response": True, "transport_cost": False, "small_quantities": True, "long_service_life": True} | ALL_HOLD
    )
    geographic, value_chain, time = advice.dimensions

    assert (geographic.yes, geographic.no, geographic.unanswered) == (("fast_response",), ("transport_cost",), ())
    assert (value_chain.yes, value_chain.points_to, len(value_chain.unanswered)) == ((), None, 4)
    assert time.yes == ("long_service_life", "small_quantities")
    assert advice.headline == (
        "worth a closer look: 3 of 9 questions speak for it (geographic, time), and the preconditions hold"
    )
