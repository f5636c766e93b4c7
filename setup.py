"""
The compiled build, on request; everything else about the package is in C{setup.cfg}.

With C{FIBERLB_COMPILE=1} in the environment the modules that C{pyproject.toml} lists are compiled
with mypyc; without it nothing is, and no compiler is needed.
"""

import os
import sys
import tomllib
from pathlib import Path

from setuptools import setup

#: Without the project's own settings of mypy: its plugins and types of other packages are not
#: there in the environment that a wheel is built in, and are not needed.
_MYPY = ("--config-file=", "--ignore-missing-imports", "--follow-imports=silent")


def extensions() -> list:
    """What setuptools has to compile; only where it is asked to build, not for mere metadata."""
    building = {"bdist_wheel", "editable_wheel", "build_ext"} & set(sys.argv)
    if not building or os.environ.get("FIBERLB_COMPILE", "") in ("", "0"):
        return []
    from mypyc.build import mypycify

    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    modules = project["tool"]["fiberlb"]["compiled"]
    paths = [module.replace(".", "/") + ".py" for module in modules]
    return mypycify([*_MYPY, "--cache-dir=build/mypyc", *paths], group_name="fiberlb")


setup(ext_modules=extensions())
