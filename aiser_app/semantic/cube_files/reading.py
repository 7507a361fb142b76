"""From a Cube YAML file to a semantic model, with what was wrong, left out, and where it stood."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace

from aiser_app.domain.model_problem import ModelProblem
from aiser_app.domain.semantic_model import Cube, Join, SemanticModel
from aiser_app.semantic.cube_files.members_reading import MemberReader
from aiser_app.semantic.cube_files.nodes import (
    Mapping,
    Node,
    Scalar,
    Sequence,
    Unreadable,
    read_nodes,
)
from aiser_app.semantic.cube_files.references import BadReference, equations
from aiser_app.semantic.cube_files.report import Report
from aiser_app.semantic.titles import table_title

_CUBE_KEYS = frozenset(
    [
        "name",
        "sql_table",
        "sql",
        "title",
        "description",
        "public",
        "shown",
        "joins",
        "dimensions",
        "measures",
        "segments",
        "meta",
        "extends",
        "data_source",
    ]
)
_PARTS = ("joins", "dimensions", "measures", "segments")
_TOP_KEYS = frozenset(("cubes", "views"))


@dataclass(frozen=True, kw_only=True, slots=True)
class CubeFile:
    """What a file says. `model` is usable only if no problem is an error."""

    model: SemanticModel
    problems: tuple[ModelProblem, ...] = ()
    lines: MappingType[str, int] = field(default_factory=dict)
    """Line by `cube` and `cube.member`, for problems that are found later."""


def read_cube_file(text: str, source_id: str) -> CubeFile:
    """Everything that can be understood; never raises for what people write."""
    try:
        root = read_nodes(text)
    except Unreadable as error:
        empty = SemanticModel(source_id=source_id, cubes=())
        return CubeFile(model=empty, problems=(error.problem,))
    report = Report()
    for key in root.entries:
        if key == "views":
            report.note("Views are not supported, and were left out.", "", root.line_of(key))
        elif key not in _TOP_KEYS:
            report.note(f"“{key[:40]}” is not known, and was left out.", "", root.line_of(key))
    _check_list(root, "cubes", "", report)
    cubes = _Cubes(root.mappings("cubes"), report).read()
    if not cubes:
        report.error("The file has no cubes.", "", root.line)
    return CubeFile(
        model=SemanticModel(source_id=source_id, cubes=cubes),
        problems=tuple(report.problems),
        lines=report.lines,
    )


class _Cubes:
    def __init__(self, nodes: tuple[Mapping, ...], report: Report) -> None:
        self._report = report
        self._reversed: dict[str, list[Join]] = {}
        self._nodes: dict[str, Mapping] = {}
        for node in nodes:
            name = node.text("name")
            if not name:
                report.error("A cube needs a name.", "", node.line)
            elif name in self._nodes:
                report.error(f"There are two cubes “{name}”.", name, node.line)
            else:
                self._nodes[name] = node
        self._aliases = {name: base for name in self._nodes if (base := self._alias_of(name))}
        self._names = {name: self._own_name(node, name) for name, node in self._nodes.items()}

    def read(self) -> tuple[Cube, ...]:
        cubes = [
            self._cube(name, self._whole(name, ()))
            for name in self._nodes
            if name not in self._aliases
        ]
        return _with_reversed(cubes, self._reversed)

    def _alias_of(self, name: str) -> str:
        """The cube that this one only gives another name to, for a second join."""
        node = self._nodes[name]
        base = node.text("extends")
        adds = {"sql", "sql_table", *_PARTS} & set(node.entries)
        return base if base in self._nodes and not adds else ""

    @staticmethod
    def _own_name(node: Mapping, name: str) -> str:
        return node.mapping("meta").mapping("aiser").text("name") or name

    def _whole(self, name: str, seen: tuple[str, ...]) -> Mapping:
        """The cube with what it inherits: its own members stand for those of the same name."""
        node = self._nodes[name]
        parent = node.text("extends")
        if not parent:
            return node
        line = node.line_of("extends")
        if parent not in self._nodes or parent in (name, *seen):
            what = "which is no cube of this file" if parent not in self._nodes else "in a circle"
            self._report.error(f"It extends “{parent[:60]}”, {what}.", name, line)
            return node
        inherited = self._whole(parent, (*seen, name))
        entries: dict[str, Node] = {**inherited.entries, **node.entries}
        for part in _PARTS:
            own = {item.text("name"): item for item in node.mappings(part)}
            both = {item.text("name"): item for item in inherited.mappings(part)} | own
            if both:
                entries[part] = Sequence(tuple(both.values()), node.line)
        entries["name"] = Scalar(name, node.line, "str")
        return Mapping(entries, node.line)

    def _cube(self, name: str, node: Mapping) -> Cube:
        report = self._report
        own_name = self._names[name]
        report.lines[own_name] = node.line
        for key in node.entries:
            if key not in _CUBE_KEYS:
                report.note(f"“{key[:40]}” is not supported, and was left out.", own_name,
                            node.line_of(key))  # fmt: skip
        for part in _PARTS:
            _check_list(node, part, own_name, report)
        extras = node.mapping("meta").mapping("aiser")
        table, sql = _table_of(node)
        if not table and not sql:
            report.error("A cube needs sql_table or sql.", own_name, node.line)
        members = MemberReader(report, name, own_name)
        dimensions = members.dimensions(node)
        joins = self._joins(name, node, {item.name: item.column for item in dimensions})
        keys = {own for join in joins for own, _ in join.columns}
        return Cube(
            name=own_name,
            table=table,
            title=node.text("title") or table_title(name),
            description=node.text("description"),
            primary_key=extras.texts("primary_key") or members.primary_key(node, dimensions),
            default_time_dimension=extras.text("default_time_dimension"),
            dimensions=tuple(
                replace(item, is_key=item.is_key or (item.column in keys and members.is_open(item)))
                for item in dimensions
            ),
            measures=members.measures(node),
            joins=joins,
            synonyms=node.mapping("meta").texts("synonyms"),
            segments=members.segments(node),
            sql=sql,
            is_hidden=_is_hidden(node),
        )

    def _joins(self, name: str, node: Mapping, columns: dict[str, str]) -> tuple[Join, ...]:
        extras = node.mapping("meta").mapping("aiser").mapping("joins")
        found = []
        for item in node.mappings("joins"):
            other = item.text("name")
            extra = extras.mapping(other)
            join = self._join(name, item, extra, columns)
            if join is None:
                continue
            if _relationship(item) == "one_to_many":
                self._reversed.setdefault(self._names.get(other, other), []).append(
                    Join(
                        target=self._names[name],
                        columns=tuple((b, a) for a, b in join.columns),
                        role=join.role,
                        source="edited",
                    )
                )
            else:
                found.append(join)
        return tuple(found)

    def _join(
        self, name: str, item: Mapping, extra: Mapping, columns: dict[str, str]
    ) -> Join | None:
        other, where = item.text("name"), self._names[name]
        base = self._aliases.get(other, other)
        if base not in self._nodes:
            self._report.error(f"It joins “{other[:60]}”, which is no cube of this file.", where,
                               item.line)  # fmt: skip
            return None
        relationship = _relationship(item)
        if relationship not in ("many_to_one", "one_to_one", "one_to_many"):
            self._report.error(
                f"The relationship to “{other[:60]}” must be many_to_one, one_to_one or one_to_many.",
                where,
                item.line,
            )
            return None
        try:
            pairs = equations(item.text("sql"), name, other)
        except BadReference as error:
            self._report.error(str(error), where, item.line_of("sql"))
            return None
        self._report.lines.setdefault(f"{where}.joins.{self._names[base]}", item.line)
        return Join(
            target=self._names[base],
            columns=tuple(
                (columns.get(a, a) if is_member else a, self._column(base, b) if of_member else b)
                for a, b, is_member, of_member in pairs
            ),
            role=self._role(other, base, extra),
            score=_number(extra.text("score"), 1.0),
            source=extra.text("source") or "edited",
        )

    def _role(self, other: str, base: str, extra: Mapping) -> str:
        """As we wrote it, else what the other name of the target says."""
        if extra.entries:
            return extra.text("role")
        return _role_of(other, base) if other in self._aliases else ""

    def _column(self, cube: str, member: str) -> str:
        """The column behind a dimension of another cube."""
        for item in self._whole(cube, ()).mappings("dimensions"):
            if item.text("name") == member:
                reader = MemberReader(Report(), cube, cube)
                return reader.dimension(item).column or member
        return member


def _with_reversed(cubes: list[Cube], reversed_: dict[str, list[Join]]) -> tuple[Cube, ...]:
    """A one-to-many join is a many-to-one join of the other cube."""
    return tuple(
        replace(
            cube,
            joins=cube.joins
            + tuple(
                join
                for join in reversed_.get(cube.name, ())
                if not any(
                    j.target == join.target and j.columns == join.columns for j in cube.joins
                )
            ),
        )
        for cube in cubes
    )


def _relationship(item: Mapping) -> str:
    """Older files say belongsTo, hasOne and hasMany."""
    said = item.text("relationship").lower().replace("_", "")
    return {
        "manytoone": "many_to_one", "belongsto": "many_to_one",
        "onetoone": "one_to_one", "hasone": "one_to_one",
        "onetomany": "one_to_many", "hasmany": "one_to_many",
    }.get(said, said)  # fmt: skip


def _role_of(alias: str, base: str) -> str:
    """`origin_airports` of airports is the origin."""
    words = [word for word in alias.split("_") if word and word not in base.split("_")]
    return "_".join(words) or alias


def _table_of(node: Mapping) -> tuple[str, str]:
    """(table, sql): a file may write a table as `SELECT * FROM table`."""
    table = _unquoted_table(node.text("sql_table"))
    sql = node.text("sql").strip().rstrip(";").strip()
    words = sql.split()
    is_plain = len(words) == 4 and [w.lower() for w in words[:3]] == ["select", "*", "from"]
    if not table and is_plain and "(" not in sql and "{" not in sql:
        return _unquoted_table(words[3]), ""
    return table, "" if table else sql


def _unquoted_table(text: str) -> str:
    return text.strip().replace('"', "").replace("`", "").replace("[", "").replace("]", "")


def _is_hidden(node: Mapping) -> bool:
    public, shown = node.flag("public"), node.flag("shown")
    return public is False or (public is None and shown is False)


def _number(text: str, default: float) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return default


def _check_list(node: Mapping, key: str, where: str, report: Report) -> None:
    """What is no list of things with names, and would silently be taken for nothing."""
    found = node.entries.get(key)
    if found is None or (isinstance(found, Scalar) and found.kind == "null"):
        return
    items = found.items if isinstance(found, Sequence) else None
    if isinstance(found, Mapping):
        items = tuple(found.entries.values())
    if items is None or any(not isinstance(item, Mapping) for item in items):
        report.error(f"“{key}” must be a list of entries with a name each.", where, found.line)
