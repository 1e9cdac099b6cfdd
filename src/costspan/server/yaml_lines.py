"""Reading YAML so that an error can name the line: mappings and lists that remember where they stood."""

from __future__ import annotations

from typing import Any, Final

import yaml

_MERGE: Final = "tag:yaml.org,2002:merge"


class Lines(dict[str, Any]):
    """A mapping as the file says it. `line` is where it begins, `lines` where each of its keys stands, from 1."""

    line: int = 0
    lines: dict[str, int]


class LineLoader(yaml.SafeLoader):
    """`yaml.SafeLoader` whose mappings are `Lines`; what they hold is the same."""

    def construct_lines(self, node: yaml.MappingNode) -> Any:
        """Yield the mapping, then fill it, as PyYAML's own constructor does for the sake of anchors."""
        data = Lines()
        data.line = node.start_mark.line + 1
        data.lines = {}
        yield data
        own = {id(key): key.start_mark.line + 1 for key, _ in node.value if key.tag != _MERGE}
        self.flatten_mapping(node)
        for key, _ in node.value:
            data.lines[str(self.construct_object(key))] = own.get(id(key), data.line)
        data.update({str(key): value for key, value in self.construct_mapping(node).items()})


LineLoader.add_constructor("tag:yaml.org,2002:map", LineLoader.construct_lines)


def line_of(said: object, *path: str | int) -> int | None:
    """Return the line at which what `path` leads to stands in `said`, or the last step on the way; None if unknown."""
    line = None
    for step in path:
        if isinstance(said, Lines) and step in said:
            line = said.lines.get(str(step), said.line)
        if not isinstance(said, dict | list) or (isinstance(said, dict) and step not in said):
            return line
        said = said[step]  # type: ignore[index] # a list is stepped into by number, a mapping by name
        if isinstance(said, Lines) and isinstance(step, int):
            line = said.line
    return line
