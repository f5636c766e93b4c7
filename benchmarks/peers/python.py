"""Proxies in Python that others would take: Twisted's own, and one of aiohttp on uvloop."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from unittest import SkipTest

from benchmarks.setting import Front, Proxy, Setting, started
from tests.support.ports import free_port


def twisted(setting: Setting) -> Proxy:
    """C{twisted.web}'s C{ReverseProxyResource}, or Twisted's port forwarder for TCP."""
    return _script("twisted", setting)


def aiohttp(setting: Setting) -> Proxy:
    """The cheapest proxy in Python that we know how to write with a well-known library."""
    if setting.front is Front.TCP:
        raise SkipTest("it relays no TCP")
    for module in ("aiohttp", "uvloop"):
        if find_spec(module) is None:
            raise SkipTest(f"{module} is not installed: pip install '.[bench]'")
    return _script("aiohttp", setting)


def _script(name: str, setting: Setting) -> Proxy:
    folder, port = setting.folder(name), free_port()
    script = str(Path(__file__).with_name(f"{name}_proxy.py"))
    # -P: a library and not the file of the same name beside the script.
    command = [sys.executable, "-P", script, str(port), str(setting.origin), setting.front.value]
    if setting.secure:
        command.append(str(setting.pem))
    return started(name, port, setting.cores.pin_proxy(command), folder)
