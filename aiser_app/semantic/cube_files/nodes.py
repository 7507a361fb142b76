"""YAML as a tree in which everything knows its line. Only plain data: no tags, no aliases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import yaml

from aiser_app.domain.model_problem import ModelProblem

MAX_CHARS = 4_000_000
MAX_NODES = 400_000
MAX_DEPTH = 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = "tag:yaml.org,2002:"
_TRUE = frozenset(("true", "yes", "on"))


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    line: int
    kind: str
    """`str`, `int`, `bool`, `null` … as YAML reads it."""

    @property
    def is_true(self) -> bool:
        return self.kind == "bool" and self.text.lower() in _TRUE


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: dict[str, Node]
    line: int

    def text(self, key: str) -> str:
        """A scalar as it was written; empty if there is none."""
        found = self.entries.get(key)
        return found.text if isinstance(found, Scalar) and found.kind != "null" else ""

    def line_of(self, key: str) -> int:
        found = self.entries.get(key)
        return found.line if found is not None else self.line

    def flag(self, key: str) -> bool | None:
        found = self.entries.get(key)
        return found.is_true if isinstance(found, Scalar) and found.kind == "bool" else None

    def texts(self, key: str) -> tuple[str, ...]:
        found = self.entries.get(key)
        items = found.items if isinstance(found, Sequence) else ()
        return tuple(item.text for item in items if isinstance(item, Scalar))

    def mapping(self, key: str) -> Mapping:
        """Empty where there is none."""
        found = self.entries.get(key)
        return found if isinstance(found, Mapping) else Mapping({}, self.line)

    def mappings(self, key: str) -> tuple[Mapping, ...]:
        """Entries of a list; also of a mapping by name, as Cube's JavaScript models have them."""
        found = self.entries.get(key)
        if isinstance(found, Sequence):
            return tuple(item for item in found.items if isinstance(item, Mapping))
        if isinstance(found, Mapping):
            return tuple(
                Mapping({"name": Scalar(name, item.line, "str"), **item.entries}, item.line)
                for name, item in found.entries.items()
                if isinstance(item, Mapping)
            )
        return ()


Node: TypeAlias = Scalar | Sequence | Mapping


class Unreadable(Exception):
    """The text is no YAML that can be used; `problem` says where and why."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.problem = ModelProblem(message=message, line=line)


def read_nodes(text: str) -> Mapping:
    """The document. Raises `Unreadable`."""
    if len(text) > MAX_CHARS:
        raise Unreadable(f"The file has more than {MAX_CHARS:,} characters.")
    try:
        _check_events(text)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(_syntax(error), mark.line + 1 if mark else None) from None
    except yaml.YAMLError:
        raise Unreadable("The file has characters that are not allowed in YAML.") from None
    found = _node(root) if root is not None else None
    if not isinstance(found, Mapping):
        raise Unreadable("The file must begin with `cubes:`.", 1)
    return found


def _syntax(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem or "the text cannot be read")
    return f"Not valid YAML: {problem}. Text that begins with {{ must stand in quotes."


def _check_events(text: str) -> None:
    """A few lines of aliases can stand for a million values."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            line = event.start_mark.line + 1
            raise Unreadable("Anchors and aliases (& and *) are not supported.", line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise Unreadable("The file is nested too deeply, or too long.")


def _node(node: yaml.Node) -> Node:
    line = node.start_mark.line + 1
    if not node.tag.startswith(_PLAIN) or node.tag.startswith(f"{_PLAIN}python"):
        raise Unreadable(f"The tag {node.tag[:40]} is not supported.", line)
    if isinstance(node, yaml.ScalarNode):
        return Scalar(node.value, line, node.tag.removeprefix(_PLAIN))
    if isinstance(node, yaml.SequenceNode):
        return Sequence(tuple(_node(item) for item in node.value), line)
    entries: dict[str, Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Unreadable("A key must be a word.", line)
        if key.value in entries:
            at = key.start_mark.line + 1
            raise Unreadable(f"“{key.value[:60]}” is there twice.", at)
        entries[key.value] = _node(value)
    return Mapping(entries, line)
