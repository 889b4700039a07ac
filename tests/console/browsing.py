"""Pages without a browser: quick where only answers matter."""

import html
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import httpx

from tests.factories.console import ServedConsole, Who
from tests.factories.people import PASSWORD

Result = TypeVar("Result")
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@contextmanager
def surfing(console: ServedConsole, who: Who | None = None) -> Iterator[httpx.Client]:
    """Yield a client with a jar of cookies that follows nothing; ``who`` is signed in with it."""
    with httpx.Client(base_url=console.url, headers={"Accept": "text/html"}, timeout=60) as client:
        if who is not None:
            answer = client.post(
                "/console/sign-in", data={"email": console.people.by_role[who].email, "password": PASSWORD}
            )
            assert answer.status_code == 303, answer.text
        yield client


def in_a_thread(work: Callable[[], Result]) -> Result:
    """Do something that runs an event loop of its own: Playwright has one in this thread."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work).result()


def hidden_fields(answer: httpx.Response, form: str) -> dict[str, str]:
    """Return the hidden fields of a form in a page, as a browser would send them."""
    found = re.search(rf'<form[^>]*id="form-{form}".*?</form>', answer.text, re.DOTALL)
    assert found is not None, f"there is no form {form}"
    return {name: html.unescape(value) for name, value in _FIELD.findall(found[0])}


def words_of(answer: httpx.Response) -> str:
    """Return the text of a page's main part, without markup."""
    main = answer.text.partition("<main")[2].partition("</main>")[0].partition(">")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())
