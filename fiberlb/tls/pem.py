"""Cutting PEM text into its blocks (RFC 7468), before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterator

from fiberlb.tls.refusal import refusal

_BEGIN, _DASHES = "-----BEGIN ", "-----"

#: Labels of blocks that hold a certificate; the second is OpenSSL's older spelling.
CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
#: Labels of blocks that hold a private key: PKCS#8, encrypted PKCS#8, PKCS#1 and SEC 1.
KEY_LABELS = frozenset(
    {"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"}
)
#: Of blocks that hold a certificate revocation list (RFC 7468 section 6).
CRL_LABELS = frozenset({"X509 CRL", "CRL"})


#: Of a block that holds PKCS#12, which nobody writes but the file loader here.
BUNDLE_LABEL = "PKCS12"
#: Characters of one field; a chain of sixteen RSA-4096 certificates has about 40,000.
MOST_TEXT = 1 << 20


def cut(text: str, field: str, labels: frozenset[str], most: int = MOST_TEXT) -> list[bytes]:
    """
    The PEM blocks of a field with one of these labels.

    @param most: characters that the field may have.
    @raise ConfigurationError: at C{(field,)}, it has more.
    """
    if len(text) > most:
        raise refusal(field, f"must have at most {most} characters")
    return [pem for label, pem in blocks(text) if label in labels]


def blocks(text: str) -> Iterator[tuple[str, bytes]]:
    """
    The complete blocks of a text, in order, each with its label.

    Text between blocks is skipped, as RFC 7468 section 2 wants; a block
    without its end is left out. Time grows with the length of the text alone.

    @return: pairs of a label such as C{CERTIFICATE} and the block's own PEM.
    """
    label = ""
    lines: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith(_BEGIN) and line.endswith(_DASHES):
            label, lines = line[len(_BEGIN) : -len(_DASHES)], [line]
        elif label:
            lines.append(line)
            if line == f"-----END {label}-----":
                yield label, ("\n".join(lines) + "\n").encode()
                label = ""
