"""Which FiberLB a command asks, and as whom."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from fiberlb.commands.exits import REFUSED, UNREACHABLE, Failed
from fiberlb.control.state_directory import state_directory
from fiberlb.errors import ConfigurationError
from fiberlb.model.admin import Admin
from fiberlb.model.settings import Settings

#: The environment's words for where and as whom to ask.
URL, TOKEN, TOKEN_FILE = "FIBERLB_URL", "FIBERLB_TOKEN", "FIBERLB_TOKEN_FILE"
CA, CERTIFICATE, KEY = "FIBERLB_CA", "FIBERLB_CLIENT_CERT", "FIBERLB_CLIENT_KEY"
#: The file in the state directory that names the addresses of its process.
NOTE = "admin"
_UNIX = "unix:"


@attrs.frozen(kw_only=True)
class Asked:
    """
    The options of a command that say whom it asks.

    @ivar url: C{http://HOST:PORT}, C{https://HOST:PORT} or C{unix:/path}.
    @ivar path: the configuration file of the process.
    @ivar document: the file is what the command is about, so the environment goes before it.
    """

    url: str | None = None
    path: str | None = None
    document: bool = False
    token_file: str | None = None
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


@attrs.frozen(kw_only=True)
class Where:
    """
    An admin API.

    @ivar address: C{http://HOST:PORT}, C{https://HOST:PORT} or C{unix:/path}.
    @ivar token: sent as a bearer token; C{None}: none is.
    @ivar ca: file of the certificate authority of C{https}; C{None}: those of the system.
    @ivar certificate: file of the certificate to be known by, with C{key} or with its key in it.
    """

    address: str
    token: str | None = attrs.field(default=None, repr=False)
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


class Unknown(Failed):
    """No process has said where it is asked."""


def where(asked: Asked, environ: Mapping[str, str]) -> Where:
    """
    What is meant: C{--url}, else the file, else C{FIBERLB_URL}, else the process that runs here.

    One without a state directory (C{--from}) has not written down where it is: then it is the
    usual address, unless there is a token, which is not for whoever listens there.

    @raise Failed: nothing is, or what is given cannot be read.
    """
    token = _token(asked, environ)
    return Where(
        address=checked(_address(asked, environ, token is None)),
        token=token,
        ca=asked.ca or environ.get(CA) or None,
        certificate=asked.certificate or environ.get(CERTIFICATE) or None,
        key=asked.key or environ.get(KEY) or None,
    )


def _address(asked: Asked, environ: Mapping[str, str], guess: bool) -> str:
    if asked.url:
        return asked.url
    if asked.path is not None and not (asked.document and environ.get(URL)):
        return of_file(asked.path, environ)
    if environ.get(URL):
        return environ[URL]
    try:
        return _running(None, environ)
    except Unknown:
        if guess:
            return Admin().listen[0].address
        raise


def of_file(path: str, environ: Mapping[str, str]) -> str:
    """Where the process that was started with a configuration file is asked."""
    settings = settings_of(path)
    if not settings.admin.listen:
        raise Failed("the admin API is off (admin.listen is empty)", UNREACHABLE)
    # What is of this machine speaks plainly, and its certificate need not name it.
    best = min(settings.admin.listen, key=lambda one: one.tls)
    if best.address.endswith(":0"):
        return _running(settings.state_directory, environ)
    return f"https://{best.address}" if best.tls else best.address


def _running(directory: str | None, environ: Mapping[str, str]) -> str:
    """Where the process of a state directory is asked, as it wrote down itself."""
    place = state_directory(directory, environ, os.geteuid() == 0)
    try:
        addresses = Path(place, NOTE).read_text("utf-8").split()
    except OSError as why:
        said = f"{place}: no process says where it is asked: {why.strerror}"
        hint = f"Say where: --url URL, {URL}, or -c FILE as the process was started with"
        raise Unknown(said, UNREACHABLE, (hint,)) from None
    if not addresses:
        raise Failed(f"{place}: the admin API is off", UNREACHABLE)
    return min(addresses, key=lambda one: one.startswith("https:"))


def checked(address: str) -> str:
    """
    An address as L{Where} has it; without a scheme it is C{http}.

    @raise Failed: it is none.
    """
    if address.startswith(_UNIX):
        return _UNIX + address.removeprefix(_UNIX).removeprefix("//")
    if "://" not in address:
        address = f"http://{address}"
    try:
        parts = urlsplit(address)
        good = bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
        raise Failed(f"{address!r} is not http://HOST:PORT, https://HOST:PORT or unix:/path")
    if parts.username or parts.query or parts.fragment:
        raise Failed("the address has nothing beside host and port; see --token-file")
    return f"{parts.scheme}://{parts.netloc}"


def exposed(place: Where) -> bool:
    """Whether a token would go over a network where others can read it."""
    if place.token is None or not place.address.startswith("http:"):
        return False
    host = urlsplit(place.address).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def _token(asked: Asked, environ: Mapping[str, str]) -> str | None:
    if asked.token_file is None and environ.get(TOKEN):
        return environ[TOKEN].strip()
    path = asked.token_file or environ.get(TOKEN_FILE)
    if not path:
        return None
    try:
        token = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as why:
        said = why.strerror if isinstance(why, OSError) else "not text"
        raise Failed(f"{path}: {said}") from None
    if not token or not token.isprintable() or not token.isascii():
        raise Failed(f"{path}: holds no token")
    return token


def settings_of(path: str) -> Settings:
    """
    The settings of a configuration file.

    @raise Failed: it is refused.
    """
    # Here, as who says where to ask by an address waits for none of it.
    from fiberlb.control.document import load_file

    try:
        return load_file(path, os.environ).settings
    except ConfigurationError as why:
        raise Failed(str(why), REFUSED) from None
