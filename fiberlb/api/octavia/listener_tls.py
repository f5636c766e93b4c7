"""What a listener's TLS is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import references, tls
from fiberlb.api.octavia.attributes import Attribute, several, text, word_of
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import invalid
from fiberlb.api.octavia.view import View
from fiberlb.model.listener import Listener

_REFERENCE = text(255)

ATTRIBUTES: Mapping[str, Attribute] = {
    "default_tls_container_ref": Attribute(_REFERENCE),
    "sni_container_refs": Attribute(several(_REFERENCE), []),
    "client_ca_tls_container_ref": Attribute(_REFERENCE),
    "client_crl_container_ref": Attribute(_REFERENCE),
    "client_authentication": Attribute(word_of("NONE", "OPTIONAL", "MANDATORY"), "NONE"),
    **tls.ATTRIBUTES,
}
#: What says nothing of an attribute; the other lists must not be empty.
_NO_MORE: Mapping[str, Any] = {"sni_container_refs": []}
_ONLY = "{name} is only supported for TERMINATED_HTTPS listeners."


def created(
    edit: Edit, protocol: str, given: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The field C{tls_config} of a new listener, and what is noted of it."""
    if protocol != "TERMINATED_HTTPS":
        _refuse_any(given)
        return None, {}
    if not (given.get("default_tls_container_ref") or given.get("sni_container_refs")):
        raise invalid("An SNI or default certificate container reference must be provided.")
    return _made(edit, {}, given)


def updated(
    edit: Edit, made: Listener, protocol: str, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The patch of C{tls_config}, and what is noted of it."""
    if not any(name in given for name in ATTRIBUTES):
        return {}, {}
    if protocol != "TERMINATED_HTTPS":
        _refuse_any(given)
        return {}, {}
    return _made(edit, edit.notes(made.id), given)


def _refuse_any(given: Mapping[str, Any]) -> None:
    for name in ATTRIBUTES:
        if given.get(name) not in (None, "NONE", _NO_MORE.get(name)):
            raise invalid(_ONLY.format(name=name))


def _made(
    edit: Edit, before: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    done: dict[str, Any] = {}
    sent: list[str] = []
    default, sni = given.get("default_tls_container_ref"), given.get("sni_container_refs")
    if default is None and sni and not before:
        # Octavia shows the first of them to clients that name nobody.
        default = sni[0]
    if default is not None:
        sent.append(default)
        done["certificate_id"] = [references.certificate(edit, default)]
    if "sni_container_refs" in given:
        sent += sni or []
        done["sni_certificate_ids"] = [references.certificate(edit, each) for each in sni or []]
    authority = given.get("client_ca_tls_container_ref")
    if "client_ca_tls_container_ref" in given:
        sent += [authority] if authority else []
        found = references.certificate(edit, authority) if authority else None
        done["client_ca_certificate_id"] = found
    done.update(_asked(given))
    if given.get("client_crl_container_ref"):
        raise invalid(
            "client_crl_container_ref: give the certificate of the authority its list (crl)"
        )
    notes: dict[str, Any] = {}
    if sent:
        notes[references.NOTE] = references.noted(edit, before, sent)
    if "alpn_protocols" in given:
        notes["alpn_protocols"] = given["alpn_protocols"]
    return done, notes


def _asked(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of clients: certificates, versions, ciphers, protocols."""
    done: dict[str, Any] = {}
    if "client_authentication" in given:
        done["client_authentication"] = given["client_authentication"].lower()
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
    offered = config.alpn_protocols
    default = [one.value for one in offered] if offered is not None else ["http/1.1"]
    return {
        "default_tls_container_ref": references.shown(notes, config.certificate_id[0]),
        "sni_container_refs": [
            references.shown(notes, ident) for ident in config.sni_certificate_ids or ()
        ],
        "client_ca_tls_container_ref": references.shown(notes, config.client_ca_certificate_id),
        "client_crl_container_ref": None,
        "client_authentication": config.client_authentication.value.upper(),
        "tls_versions": tls.shown_versions(config.least, config.max_version),
        "tls_ciphers": tls.shown_ciphers(config.cipher_suites),
        "alpn_protocols": notes.get("alpn_protocols") or default,
        **_hsts(made),
    }


def _hsts(made: Listener) -> dict[str, Any]:
    told: Any = getattr(made, "hsts", None)
    return {
        "hsts_max_age": None if told is None else round(told.max_age),
        "hsts_include_subdomains": bool(told and told.include_subdomains),
        "hsts_preload": bool(told and told.preload),
    }
