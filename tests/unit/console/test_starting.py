"""What is made ready when a process starts, so that no viewer waits for it."""

from pathlib import Path

import pytest

from fabroute.console import app as console
from fabroute.console.drawing.atlas import world
from fabroute.console.rendering import templates
from fabroute.settings import Settings

TEMPLATES = Path(console.__file__).parent / "templates"


def compiled() -> int:
    cache = templates().cache
    return 0 if cache is None else len(cache)


@pytest.mark.parametrize("is_on", [True, False])
def test_all_templates_are_compiled_before_the_first_page_where_there_are_pages(is_on: bool) -> None:
    templates.cache_clear()
    world.cache_clear()

    console.create_app(Settings(database_url="postgresql+psycopg://nobody@/nowhere", profile="embedded", console=is_on))

    assert compiled() == (len(list(TEMPLATES.rglob("*.html"))) if is_on else 0)
    assert world.cache_info().currsize == int(is_on)
