import pytest
from pydantic import BaseModel
from pydantic_core import to_json

from fabroute.api.bodies import parse_body
from fabroute.api.errors import ValidationFailed
from fabroute.api.schemas.base import Label, Note, RequestModel, Sentence, TrimmedLabel
from fabroute.api.schemas.certificates import RevocationIn
from fabroute.api.schemas.jobs import TakeBackIn
from fabroute.api.schemas.nodes import NodeStatusIn
from fabroute.api.schemas.prints import ReprintRequestIn
from fabroute.api.schemas.revisions import ReasonIn

REASONED: dict[type[BaseModel], dict[str, object]] = {
    ReprintRequestIn: {"print_number": 1, "evidence_id": "evi_1"},
    NodeStatusIn: {"status": "down"},
    TakeBackIn: {},
    RevocationIn: {},
    ReasonIn: {},
}


class Texts(RequestModel):
    """One text of each kind."""

    label: Label = "x"
    trimmed: TrimmedLabel = "x"
    sentence: Sentence = "x"
    note: Note = ""


def _refused(model: type[BaseModel], body: dict[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as refusal:
        parse_body(model, to_json(body))
    return [(item.pointer, item.message) for item in refusal.value.problems]


@pytest.mark.parametrize("reason", ["", " ", "\t \n", "\u00a0\u2003"])
@pytest.mark.parametrize("model", REASONED, ids=lambda model: str(model.__name__))
def test_a_reason_is_more_than_white_space(model: type[BaseModel], reason: str) -> None:
    problems = _refused(model, REASONED[model] | {"reason": reason})

    assert problems == [("/reason", "must not be empty")]


@pytest.mark.parametrize("model", REASONED, ids=lambda model: str(model.__name__))
def test_a_reason_is_kept_without_the_spaces_around_it(model: type[BaseModel]) -> None:
    taken = parse_body(model, to_json(REASONED[model] | {"reason": "  warped  corner "}))

    assert taken.model_dump()["reason"] == "warped  corner"
    assert _refused(model, REASONED[model] | {"reason": "a\0b"}) == [("/reason", "must not hold control characters")]


# UAX 9, table 4: LRE, RLE, PDF, LRO, RLO, then LRI, RLI, FSI, PDI.
@pytest.mark.parametrize("character", [*"\u202a\u202b\u202c\u202d\u202e", *"\u2066\u2067\u2068\u2069"])
@pytest.mark.parametrize("field", Texts.model_fields)
def test_what_turns_a_text_around_is_refused_as_control_characters_are(field: str, character: str) -> None:
    assert _refused(Texts, {field: f"cap{character}fdp"}) == [(f"/{field}", "must not hold control characters")]
    assert _refused(Texts, {field: f"cap{character}"}) == [(f"/{field}", "must not hold control characters")]


@pytest.mark.parametrize("text", ["צינור 12", "أنبوب", "Ø 8 – 2°", "a\u200fb", "カバー"])
def test_scripts_that_run_from_right_to_left_are_texts_like_others(text: str) -> None:
    taken = parse_body(Texts, to_json(dict.fromkeys(Texts.model_fields, text)))

    assert set(taken.model_dump().values()) == {text}
    assert len(Texts.model_fields) == 4
