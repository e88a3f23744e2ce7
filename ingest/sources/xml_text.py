"""What an XML element says: its parts by name, and its text as a reader sees it."""

from __future__ import annotations

from typing import Any

# lxml has no types; an element is what `Element` names.
Element = Any

# Markup that changes what a reader sees; `normalize.clean` makes it ² or ₂. Anything else is only its text.
_SCRIPTS = {"sup": ("<sup>", "</sup>"), "sub": ("<sub>", "</sub>")}
_BREAKS = frozenset(("p", "br", "sec", "title", "list", "list-item", "li", "div"))
_MATH_SCRIPTS = {"msup": "sup", "msub": "sub"}


def each(element: Element, *path: str) -> list[Element]:
    """The descendants that `path` leads to, whatever their namespace."""
    found = [element]
    for name in path:
        found = [child for parent in found for child in parent.iterchildren(f"{{*}}{name}")]
    return found


def said(element: Element, *path: str) -> str:
    """The text of the first of `each` that has one; empty where there is none."""
    return next((text for found in each(element, *path) if (text := text_of(found))), "")


def brief(element: Element, *path: str) -> str:
    """The same of an identifier, a date or an address: nothing longer is one."""
    return said(element, *path)[:300]


def text_of(element: Element) -> str:
    """All text in an element; `<sup>` and `<sub>` are left as they are, any other markup is taken away."""
    parts: list[str] = []
    todo: list[Any] = [element]
    while todo:
        node = todo.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        parts.append(node.text or "")
        if not isinstance(node.tag, str):  # an entity that nobody declared: &alpha; is made readable later
            continue
        name = node.tag.rpartition("}")[2].lower()
        before, after = _SCRIPTS.get(name, (" ", " ") if name in _BREAKS else ("", ""))
        parts[-1] = before + parts[-1]
        todo.append(after)
        children = list(node)
        for place, child in reversed(list(enumerate(children))):
            todo.append(child.tail or "")
            if place == 1 and len(children) == 2 and (script := _MATH_SCRIPTS.get(name)):
                todo += [_SCRIPTS[script][1], child, _SCRIPTS[script][0]]
            else:
                todo.append(child)
    return "".join(parts).strip()
