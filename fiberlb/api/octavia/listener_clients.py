"""
Whether a listener asks its clients for certificates, and whom it believes.

Octavia keeps authorities and revocation lists of listeners that ask nobody; here those are
noted until somebody is asked (spec page C{octavia-api}, section 2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import references
from fiberlb.api.octavia.attributes import Attribute, text, word_of
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import invalid
from fiberlb.model.certificate import Certificate
from fiberlb.model.listener import TlsConfig

_ASKED = "client_authentication"
_NOBODY = "NONE"
#: Attributes -> fields of C{tls_config}.
_CERTIFICATES = {
    "client_ca_tls_container_ref": "client_ca_certificate_id",
    "client_crl_container_ref": "client_crl_certificate_id",
}
_AUTHORITY, _LISTS = _CERTIFICATES
ATTRIBUTES: Mapping[str, Attribute] = {
    **{name: Attribute(text(255)) for name in _CERTIFICATES},
    _ASKED: Attribute(word_of(_NOBODY, "OPTIONAL", "MANDATORY"), _NOBODY),
}
#: Where the certificates of a listener that asks nobody are noted: attribute -> id.
NOTE = "clients"


def fields(
    edit: Edit, config: TlsConfig | None, before: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    The fields of C{tls_config}, and what to note.

    @param config: what is in force; C{None}: the listener is new.
    @param before: what is noted.
    @raise Fault: 400, a certificate is missing, or not of the kind that is needed.
    """
    if not any(name in given for name in ATTRIBUTES):
        return {}, {}
    mode = given.get(_ASKED, _mode(config))
    named = _named(config, before)
    for name in _CERTIFICATES:
        if name in given:
            named[name] = _judging(edit, name, given[name])
    if mode != _NOBODY and named[_AUTHORITY] is None:
        raise invalid(f"Client authentication {mode} needs a client_ca_tls_container_ref.")
    if named[_LISTS] is not None and named[_AUTHORITY] is None:
        raise invalid("client_crl_container_ref needs a client_ca_tls_container_ref.")
    asks = mode != _NOBODY
    kept = {name: ident for name, ident in named.items() if ident is not None}
    done = {to: named[name] if asks else None for name, to in _CERTIFICATES.items()}
    return {**done, _ASKED: mode.lower()}, {NOTE: None if asks else kept or None}


def _judging(edit: Edit, name: str, reference: str | None) -> str | None:
    """The id of a certificate that judges others, and revokes if it is named for that."""
    if not reference:
        return None
    ident = references.certificate(edit, reference)
    found = edit.view.configuration.all(Certificate)[ident]
    if not found.judges:
        raise invalid(f"{name}: {reference} is no authority (cert_type client_ca).")
    if name == _LISTS and found.crl is None:
        raise invalid(f"{name}: {reference} has no revocation list (crl).")
    return ident


def _mode(config: TlsConfig | None) -> str:
    return _NOBODY if config is None else config.client_authentication.value.upper()


def _named(config: TlsConfig | None, notes: Mapping[str, Any]) -> dict[str, str | None]:
    """The ids of both certificates, used or not."""
    if config is not None and config.asks_clients:
        return {name: getattr(config, to) for name, to in _CERTIFICATES.items()}
    noted = notes.get(NOTE) or {}
    return {name: noted.get(name) for name in _CERTIFICATES}


def shown(config: TlsConfig, notes: Mapping[str, Any]) -> dict[str, Any]:
    """What a listener answers of it."""
    named = _named(config, notes)
    return {
        **{name: references.shown(notes, ident) for name, ident in named.items()},
        _ASKED: _mode(config),
    }
