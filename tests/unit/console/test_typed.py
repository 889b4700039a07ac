import pytest

from fabroute.api.errors import ValidationFailed
from fabroute.console.forms import Form
from fabroute.console.typed import NOTHING_TYPED, own_page, typed_from, typed_in

FORM = Form(
    fields={
        "csrf_token": ("secret",),
        "idempotency_key": ("key",),
        "page": ("/console/orders?text=a",),
        "form_name": ("note",),
        "subject": ("pumps",),
        "colour": ("red", "blue"),
        "new_password": ("hidden",),
    }
)


def test_what_was_typed_comes_back_into_its_own_form_without_secrets() -> None:
    carried = typed_from(typed_in(FORM).as_text())

    assert carried.fields == {"subject": ("pumps",), "colour": ("red", "blue")}
    assert (carried.page, carried.form, carried.is_resumed) == ("/console/orders?text=a", "note", True)
    assert carried.value("note", "subject", "default") == "pumps"
    assert carried.value("other", "subject", "default") == "default"
    assert carried.value("note", "new", None) == ""
    assert [carried.is_chosen("note", "colour", it) for it in ("red", "green", "blue")] == [True, False, True]
    assert carried.is_chosen("other", "colour", "green", default=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "[" * 100_000,
        "3",
        '{"page": "https://elsewhere.example/"}',
        '{"page": "/console/x", "fields": [1]}',
    ],
)
def test_what_this_console_did_not_write_is_nothing(text: str) -> None:
    assert typed_from(text) == NOTHING_TYPED


@pytest.mark.parametrize(
    "path",
    [
        "//elsewhere.example",
        "/console//elsewhere.example",
        "https://x.example/console/",
        "/v1/orders",
        "/console/../v1",
    ],
)
def test_nobody_is_led_away_from_the_console(path: str) -> None:
    assert own_page(path) == ""
    assert own_page("/console/orders?state=routed") == "/console/orders?state=routed"


def test_fields_are_read_with_words_where_they_are_wrong() -> None:
    form = Form(fields={"name": (" Ada ",), "count": ("12",), "none": ("",), "many": ("x" * 3,), "big": ("9" * 400,)})

    assert (form.text("name"), form.text("none", "else"), form.whole_number("count")) == ("Ada", "else", 12)
    for name in ("none", "many", "big"):
        with pytest.raises(ValidationFailed) as refused:
            form.whole_number(name, least=1, most=500)
        assert refused.value.problems[0].pointer == f"/{name}"
        assert refused.value.message == "Enter a whole number from 1 to 500."


def test_zeros_in_front_make_no_number_larger_than_it_may_be() -> None:
    form = Form(fields={"low": ("000000000000000012",), "high": ("000000000000000501",)})

    assert form.whole_number("low", most=500) == 12
    with pytest.raises(ValidationFailed):
        form.whole_number("high", most=500)


@pytest.mark.parametrize(("name", "pointer"), [("answer", "/"), ("decision", "/decision")])
def test_an_answer_that_nobody_gave_is_none_and_never_a_refusal_of_something(name: str, pointer: str) -> None:
    choices = ("accept", "refuse")

    assert Form(fields={name: ("refuse",)}).chosen(name, choices, "Choose.") == "refuse"
    for given in ("", "perhaps", "Accept"):
        with pytest.raises(ValidationFailed, match="Choose") as refused:
            Form(fields={name: (given,)}).chosen(name, choices, "Choose.")
        assert refused.value.problems[0].pointer == pointer
