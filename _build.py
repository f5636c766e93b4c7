"""
How the package is built: by setuptools, which needs mypy too where FiberLB is to be compiled,
and attrs, whose types say what the classes take that compiled modules make.

A static list of requirements cannot depend on the environment, so this is a build backend of
its own (PEP 517), with setuptools' hooks but for the two that say what is needed.
"""

import configparser
import os

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403

_COMPILER = "mypy >= 2.4, < 3"


def _with_compiler(needed: list[str]) -> list[str]:
    wanted = os.environ.get("FIBERLB_COMPILE", "") not in ("", "0")
    return [*needed, _COMPILER, _attrs()] if wanted else needed


def _attrs() -> str:
    """The range of attrs that FiberLB runs with."""
    settings = configparser.ConfigParser()
    settings.read("setup.cfg", "utf-8")
    wanted = settings["options"]["install_requires"].split("\n")
    return next(line for line in wanted if line.startswith("attrs "))


def get_requires_for_build_wheel(config_settings=None):
    """What a wheel needs to be built."""
    return _with_compiler(build_meta.get_requires_for_build_wheel(config_settings))


def get_requires_for_build_editable(config_settings=None):
    """What an editable installation needs to be built."""
    return _with_compiler(build_meta.get_requires_for_build_editable(config_settings))
