import re
import time

from fabroute.kernel.ids import new_id


def test_an_id_names_its_kind_and_has_26_characters_of_base_32() -> None:
    made = new_id("ord")

    assert re.fullmatch(r"ord_[0-9a-hjkmnp-tv-z]{26}", made)
    assert made != new_id("ord")


def test_ids_made_later_sort_later() -> None:
    ids = []
    for _ in range(5):
        ids.append(new_id("job"))
        time.sleep(0.002)

    assert ids == sorted(ids)
    assert len(set(ids)) == 5


def test_ten_thousand_ids_are_distinct() -> None:
    made = {new_id("evt") for _ in range(10_000)}

    assert len(made) == 10_000
    assert {len(each) for each in made} == {30}
