"""Cleaned texts in the formats of a drawing: HTML-like labels, tooltips, plain strings of DOT."""

import html

import graphviz  # type: ignore[import-untyped]

from tinygrad_edu.text import JOINER


def in_html(text: str) -> str:
    r"""A cleaned text for Graphviz's HTML-like labels, where backslashes are special too: \N."""
    return html.escape(text).replace("\\", "\\\\")


def in_tooltip(text: str) -> str:
    r"""The same for tooltips, which some renderers unescape twice: U+2060 keeps \ and N apart."""
    return in_string(text.replace("\\", "\\" + JOINER))


def in_string(text: str) -> str:
    """A cleaned text for Graphviz's plain strings, where backslashes and entities are special."""
    escaped: str = graphviz.escape(text.replace("&", "&amp;"))
    return escaped
