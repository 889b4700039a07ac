"""What a line that is sent on its way again may leave out."""

import pytest
from pydantic import ValidationError

from fabroute.api.schemas.rerouting import RetryIn


def test_nodes_are_named_as_they_are() -> None:
    assert RetryIn(still_excluded=["N101", "N102"]).still_excluded == ["N101", "N102"]
    assert RetryIn().still_excluded == []


@pytest.mark.parametrize("node_id", ["", "N\x00", "\x12", "N" * 121])
def test_what_no_node_is_called_is_refused_before_the_database_sees_it(node_id: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RetryIn(still_excluded=[node_id])

    assert [problem["loc"] for problem in refused.value.errors()] == [("still_excluded", 0)]
