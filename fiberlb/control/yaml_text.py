"""Documents as YAML that its versions 1.1 and 1.2 read alike."""

from __future__ import annotations

from typing import Any

import yaml


def yaml_text(found: Any) -> str:
    """A document of plain values as YAML."""
    return yaml.dump(
        found, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such, lists below their keys."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
