"""What a listener's TLS is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import listener_clients, references, tls
from fiberlb.api.octavia.attributes import Attribute, several, text
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import invalid
from fiberlb.api.octavia.view import View
from fiberlb.model.listener import Listener, TlsConfig

_REFERENCE = text(255)
_DEFAULT = "default_tls_container_ref"
#: Attributes that refer to one certificate.
_SINGLE = (_DEFAULT, "client_ca_tls_container_ref", "client_crl_container_ref")

ATTRIBUTES: Mapping[str, Attribute] = {
    _DEFAULT: Attribute(_REFERENCE),
    "sni_container_refs": Attribute(several(_REFERENCE), []),
    **listener_clients.ATTRIBUTES,
    **tls.ATTRIBUTES,
}
#: What says nothing of an attribute; the other lists must not be empty.
_NO_MORE: Mapping[str, Any] = {"sni_container_refs": []}
#: Noted: the default certificate is the first one by name, for nobody has named another.
_UNNAMED = "default_by_name"
_ONLY = "{name} is only supported for TERMINATED_HTTPS listeners."


def created(
    edit: Edit, protocol: str, given: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The field C{tls_config} of a new listener, and what is noted of it."""
    if protocol != "TERMINATED_HTTPS":
        _refuse_any(given)
        return None, {}
    return _made(edit, None, {_UNNAMED: True}, given)


def updated(
    edit: Edit, made: Listener, protocol: str, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The patch of C{tls_config}, and what is noted of it."""
    if not any(name in given for name in ATTRIBUTES):
        return {}, {}
    if protocol != "TERMINATED_HTTPS":
        _refuse_any(given)
        return {}, {}
    return _made(edit, made.tls_config, edit.notes(made.id), given)


def _refuse_any(given: Mapping[str, Any]) -> None:
    for name in ATTRIBUTES:
        if given.get(name) not in (None, "NONE", _NO_MORE.get(name)):
            raise invalid(_ONLY.format(name=name))


def _made(
    edit: Edit, config: TlsConfig | None, before: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    done, notes = _presented(edit, config, before, given)
    asked, noted = listener_clients.fields(edit, config, before, given)
    sent = [given[name] for name in _SINGLE if given.get(name)]
    sent += given.get("sni_container_refs") or ()
    if sent:
        notes[references.NOTE] = references.noted(edit, before, sent)
    if "alpn_protocols" in given:
        notes["alpn_protocols"] = given["alpn_protocols"]
    return {**done, **asked, **_asked(given)}, {**notes, **noted}


def _presented(
    edit: Edit, config: TlsConfig | None, before: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The certificates that clients are shown; one chosen by name stands in for a default."""
    several = [] if config is None else list(config.sni_certificate_ids or ())
    done: dict[str, Any] = {}
    if "sni_container_refs" in given:
        several = [references.certificate(edit, each) for each in given["sni_container_refs"] or ()]
        done["sni_certificate_ids"] = several
    default = given.get(_DEFAULT)
    if default is not None:
        return {**done, "certificate_id": [references.certificate(edit, default)]}, {_UNNAMED: None}
    if _DEFAULT not in given and not _unnamed(config, before):
        return done, {}
    if not several:
        raise invalid("An SNI or default certificate container reference must be provided.")
    return {**done, "certificate_id": [several[0]]}, {_UNNAMED: True}


def _unnamed(config: TlsConfig | None, notes: Mapping[str, Any]) -> bool:
    """Whether the default certificate stands in, still."""
    if not notes.get(_UNNAMED):
        return False
    return config is None or config.certificate_id == (config.sni_certificate_ids or ())[:1]


def _asked(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is spoken: versions, ciphers, protocols."""
    done: dict[str, Any] = {}
    if "tls_versions" in given:
        done["min_version"], done["max_version"] = tls.versions(given["tls_versions"])
    if "tls_ciphers" in given:
        done["cipher_suites"] = tls.ciphers(given["tls_ciphers"])
    if "alpn_protocols" in given:
        done["alpn_protocols"] = tls.protocols(given["alpn_protocols"])
    return done


def shown(view: View, made: Listener, protocol: str) -> dict[str, Any]:
    """What a listener answers of it."""
    config = made.tls_config
    if config is None:
        done = dict.fromkeys(ATTRIBUTES)
        return {**done, "sni_container_refs": [], "client_authentication": "NONE"} | _hsts(made)
    notes = view.notes(made.id)
    default = None if _unnamed(config, notes) else config.certificate_id[0]
    offered = ["http/1.1"]
    if config.alpn_protocols is not None:
        offered = [one.value for one in config.alpn_protocols]
    return {
        _DEFAULT: references.shown(notes, default),
        "sni_container_refs": [
            references.shown(notes, ident) for ident in config.sni_certificate_ids or ()
        ],
        **listener_clients.shown(config, notes),
        "tls_versions": tls.shown_versions(config.least, config.max_version),
        "tls_ciphers": tls.shown_ciphers(config.cipher_suites),
        "alpn_protocols": notes.get("alpn_protocols") or offered,
        **_hsts(made),
    }


def _hsts(made: Listener) -> dict[str, Any]:
    told: Any = getattr(made, "hsts", None)
    return {
        "hsts_max_age": None if told is None else round(told.max_age),
        "hsts_include_subdomains": bool(told and told.include_subdomains),
        "hsts_preload": bool(told and told.preload),
    }
