"""
Checks what a wheel holds: every source of the package, the plugin, nothing else.

Usage: wheel_contents.py WHEEL TREE
"""

import sys
import zipfile
from pathlib import Path


def main(wheel: str, tree: str) -> int:
    """The exit status: 0 when the wheel holds what the tree has."""
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {
        str(path.relative_to(tree))
        for path in Path(tree, "fiberlb").rglob("*")
        if path.suffix in (".py", ".typed", ".json", ".html", ".css", ".js")
    }
    wanted = package | {"twisted/plugins/fiberlb_plugin.py"}
    for name in sorted(wanted - held):
        print(f"missing from the wheel: {name}", file=sys.stderr)
    for name in sorted(held - wanted):
        print(f"not meant to be in the wheel: {name}", file=sys.stderr)
    return int(held != wanted)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
