"""Words as pages show them: Markdown without HTML of its own."""

import re

from markdown_it import MarkdownIt
from markupsafe import Markup

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def markdown(words: str) -> Markup:
    """Return a text with paragraphs, lists and code."""
    return Markup(_MARKDOWN.render(words))  # HTML within it is shown as text


def inline(words: str) -> Markup:
    """Return a line with code and emphasis."""
    return Markup(_MARKDOWN.renderInline(words))


def first_sentence(words: str) -> Markup:
    """Return what an operation is for, in a sentence."""
    return inline(re.split(r"(?<=[.!?])\s|\n", words.strip(), maxsplit=1)[0])
