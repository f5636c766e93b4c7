"""Putting a certificate, its key and its chain into a context."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from fiberlb.tls import openssl
from fiberlb.tls.material import Material
from fiberlb.tls.refusal import refusal


def install(context: SSL.Context, material: Material) -> None:
    """
    Serve a certificate from a context, which holds one of each kind of key.

    The chain has to belong to the certificate alone: C{add_extra_chain_cert}
    would send it along with the certificates of the other kinds too. The call
    that does so reads a file, hence one in memory (Linux); it holds nothing
    secret.

    @raise SSL.Error: OpenSSL does not take it.
    """
    if not material.chain:
        context.use_certificate(material.leaf)
    else:
        pem = b"".join(c.public_bytes(Encoding.PEM) for c in (material.leaf, *material.chain))
        descriptor = os.memfd_create("chain", os.MFD_CLOEXEC)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(pem)
            context.use_certificate_chain_file(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    context.use_privatekey(material.key)
    context.check_privatekey()


def servable(material: Material) -> None:
    """
    Try whether OpenSSL would serve it, for certificates that no listener shows yet.

    @raise ConfigurationError: at C{("certificate",)}, it would not.
    """
    try:
        install(SSL.Context(SSL.TLS_SERVER_METHOD), material)
    except (SSL.Error, ValueError) as why:
        openssl.clear_errors()
        raise refusal("certificate", f"is refused by OpenSSL: {openssl.reason(why)}") from None
