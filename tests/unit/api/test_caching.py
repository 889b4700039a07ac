import pytest
from fastapi import Request
from pydantic import BaseModel

from fabroute.api.caching import conditional, require_match
from fabroute.api.errors import PreconditionRequired, UnknownTag


class Answer(BaseModel):
    colour: str


def a_request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


def test_the_same_content_has_the_same_tag_and_another_another() -> None:
    red, again, blue = (conditional(a_request(), Answer(colour=colour)) for colour in ("red", "red", "blue"))

    assert red.body == b'{"colour":"red"}'
    assert red.headers["ETag"] == again.headers["ETag"] != blue.headers["ETag"]
    assert red.headers["ETag"].startswith('"')


def test_a_tag_with_a_version_is_what_a_change_has_to_name() -> None:
    tag = conditional(a_request(), Answer(colour="red"), version=7).headers["ETag"]

    assert tag.startswith('"v7-')
    assert require_match(a_request(If_Match=tag)) == 7
    assert require_match(a_request(If_Match=f"W/{tag}")) == 7


@pytest.mark.parametrize("condition", ["*", " * "])
def test_a_star_matches_any_version(condition: str) -> None:
    assert require_match(a_request(If_Match=condition)) is None


@pytest.mark.parametrize("condition", ['"*"', '"abc"', "v7", '"v"', '"v0-x"', '"v99999999999-x"', ""])
def test_a_tag_that_was_never_given_out_is_refused_in_words_about_tags(condition: str) -> None:
    with pytest.raises(UnknownTag, match="send the one that GET gives") as refusal:
        require_match(a_request(If_Match=condition))
    assert refusal.value.status == 412
    assert "version" not in str(refusal.value)


def test_a_change_without_a_condition_is_refused() -> None:
    with pytest.raises(PreconditionRequired, match="send If-Match"):
        require_match(a_request())


@pytest.mark.parametrize("condition", ["{tag}", "W/{tag}", '"x", {tag}', "*"])
def test_what_the_client_has_is_not_sent_again(condition: str) -> None:
    tag = conditional(a_request(), Answer(colour="red")).headers["ETag"]

    answer = conditional(a_request(If_None_Match=condition.format(tag=tag)), Answer(colour="red"))

    assert (answer.status_code, answer.body, answer.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("condition", ["", '"x"', "x"])
def test_what_the_client_does_not_have_is_sent(condition: str) -> None:
    answer = conditional(a_request(If_None_Match=condition), Answer(colour="red"))

    assert (answer.status_code, answer.body) == (200, b'{"colour":"red"}')
