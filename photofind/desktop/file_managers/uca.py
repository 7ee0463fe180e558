"""Editing the XML of Thunar's custom actions in place, keeping all other bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException, ElementTree

__all__ = ["Element", "actions_in", "appended", "parse", "removed", "with_command"]


@dataclass
class Element:
    """An element: its byte range, its text and its children."""

    tag: str
    start: int
    end: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def text_of(self, tag: str) -> str | None:
        """Return the text of the first child with this tag; None without one."""
        return next((child.text for child in self.children if child.tag == tag), None)


def parse(content: bytes) -> Element:
    """Return the root element.

    Raises
    ------
    ValueError
        If it is not XML, or XML that defines entities.
    """
    try:
        ElementTree.fromstring(content)
    except (ElementTree.ParseError, DefusedXmlException, LookupError) as error:
        raise ValueError(str(error)) from error
    open_elements = [Element("", 0)]
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, parser.CurrentByteIndex)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def text(characters: str) -> None:
        open_elements[-1].text += characters

    def end(tag: str) -> None:
        element, at = open_elements.pop(), parser.CurrentByteIndex
        # The position is the start of an end tag, but the end of an empty tag <like-this/>.
        is_empty = not (element.children or element.text) and content[:at].endswith(b"/>")
        element.end = at if is_empty else content.index(b">", at) + 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.Parse(content, True)
    return open_elements[0].children[0]


def actions_in(root: Element, unique_id: str) -> list[Element]:
    """Return the actions with this id, in the order of the file."""
    return [
        child
        for child in root.children
        if child.tag == "action" and (child.text_of("unique-id") or "").strip() == unique_id
    ]


def appended(content: bytes, root: Element, action: bytes) -> bytes:
    """Return the file with ``action`` at the end of the list."""
    if content[: root.end].endswith(b"/>"):
        whole = b"<actions>\n" + action + b"</actions>"
        return content[: root.start] + whole + content[root.end :]
    at = content.rindex(b"</", 0, root.end)
    return content[:at] + action + content[at:]


def with_command(content: bytes, actions: list[Element], command: str) -> bytes:
    """Return the file with the command of these actions set to ``command``."""
    new = b"<command>" + escape(command).encode("utf-8", "surrogateescape") + b"</command>"
    for action in reversed(actions):
        if action.text_of("command") == command:
            continue
        old = [child for child in action.children if child.tag == "command"]
        at = content.rindex(b"</", 0, action.end)
        start, end = (old[0].start, old[0].end) if old else (at, at)
        content = content[:start] + new + content[end:]
    return content


def removed(content: bytes, actions: list[Element]) -> bytes:
    """Return the file without these actions, each with the end of its line."""
    for action in reversed(actions):
        end = action.end + content[action.end :].startswith(b"\n")
        content = content[: action.start] + content[end:]
    return content
