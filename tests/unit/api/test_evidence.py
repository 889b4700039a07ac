import pytest

from fabroute.api.dependencies import PageRequest
from fabroute.api.evidence import MAXIMUM_BYTES, RULES
from fabroute.api.pages import window


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "image/jpeg",
        "image/png",
        "image/heic",
        "video/mp4",
        "text/csv",
        "text/plain",
        "model/3mf",
        "model/gltf-binary",
        "application/pdf",
        "application/json",
        "application/zip",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.text",
    ],
)
def test_what_people_can_look_at_is_evidence(media_type: str) -> None:
    assert RULES.refused_media_types.fullmatch(media_type) is None
    assert RULES.maximum_bytes == MAXIMUM_BYTES == 33_554_432


@pytest.mark.parametrize(
    "media_type",
    [
        "text/html",
        "text/javascript",
        "image/svg+xml",
        "application/xhtml+xml",
        "application/x-msdownload",
        "application/x-sh",
        "multipart/form-data",
        "image/jpeg\n",
        "image/jpeg, text/html",
        "text/csv\ntext/html",
        "nonsense",
        "application/vnd.openxmlformats-officedocument.",
    ],
)
def test_what_a_browser_might_run_and_what_nobody_can_read_is_not(media_type: str) -> None:
    assert RULES.refused_media_types.fullmatch(media_type) is not None
    assert RULES.refused_media_types.fullmatch(media_type.upper()) is not None


def test_a_window_shows_the_page_after_the_cursor() -> None:
    letters = ["a", "b", "c", "d", "e"]

    pages: list[tuple[str, ...]] = []
    cursor: str | None = None
    while not pages or cursor is not None:
        page = window(letters, PageRequest(cursor=cursor, limit=2), key=str)
        pages.append(page.items)
        cursor = page.next_cursor

    assert pages == [("a", "b"), ("c", "d"), ("e",)]
    assert window([], PageRequest(cursor=None, limit=2), key=str).items == ()
    assert window(letters, PageRequest(cursor="e", limit=2), key=str).next_cursor is None
    assert window(letters, PageRequest(cursor=None, limit=5), key=str).next_cursor is None
