"""What is known of each certificate's OCSP response, and what of it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import attrs

from fiberlb.model import ocsp as words
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.ocsp import Staple
from fiberlb.tls.material import Material
from fiberlb.tls.ocsp import Unfit, fingerprint, judged, untimely

#: Reads a certificate as it is in force; C{None} for one without material, or of authorities.
Read = Callable[[Certificate], Any]


@attrs.frozen(kw_only=True)
class Record:
    """
    How it stands with one certificate whose responder is asked.

    @ivar staple: what it has said last, if that may be shown.
    @ivar revoked: it says that the certificate is revoked.
    @ivar failures: times that it could not be asked since it could.
    @ivar last_error: why; empty when all is well.
    @ivar next_try: not before this time, seconds since the epoch; 0: now.
    """

    staple: Staple | None = None
    revoked: bool = False
    failures: int = 0
    last_error: str = ""
    next_try: float = 0.0


class Staples:
    """
    The book, by the fingerprints of certificates: a renewed one has to be asked for anew.

    @ivar records: of those whose responders are asked.
    @ivar stored: responses that an earlier process has kept, as they are.
    """

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.stored: dict[str, bytes] = {}
        self._given: dict[tuple[str, str], Staple | Unfit] = {}

    def dressed(self, configuration: Configuration, read: Read) -> Configuration:
        """The configuration as it is put in force: with what is to be stapled."""
        known: Mapping[str, Any] = configuration.all(Certificate)
        if all(made.ocsp == words.NONE and made.staple is None for made in known.values()):
            self._given.clear()
            return configuration
        used: dict[tuple[str, str], Staple | Unfit] = {}
        done = {}
        for ident, made in known.items():
            staple = self._staple(made, read, used)
            done[ident] = made if staple == made.staple else attrs.evolve(made, staple=staple)
        self._given = used
        objects = {**configuration.objects, Certificate.COLLECTION: done}
        return attrs.evolve(configuration, objects=objects)

    def _staple(
        self, made: Certificate, read: Read, used: dict[tuple[str, str], Staple | Unfit]
    ) -> Staple | None:
        material = material_of(made, read)
        if material is None:
            return None
        if made.ocsp == words.AUTO:
            return self.record(material).staple
        key = (fingerprint(material.leaf), made.ocsp)
        used[key] = found = self.given(made, material)
        return found if isinstance(found, Staple) else None

    def record(self, material: Material) -> Record:
        """How it stands with a certificate whose responder is asked."""
        known_as = fingerprint(material.leaf)
        found = self.records.get(known_as)
        if found is None:
            found = Record()
            response = self.stored.pop(known_as, None)
            if response is not None:
                with suppress(Unfit):
                    found = Record(staple=judged(response, material))
            self.records[known_as] = found
        return found

    def given(self, made: Certificate, material: Material) -> Staple | Unfit:
        """What a response that is configured itself comes to."""
        key = (fingerprint(material.leaf), made.ocsp)
        found = self._given.get(key)
        if found is None:
            try:
                found = judged(words.response(made.ocsp), material)
            except Unfit as why:
                found = why
        return found

    def state(self, made: Certificate, read: Read, now: float) -> dict[str, Any]:
        """
        What the API says of it.

        @param now: seconds since the epoch.
        """
        how = words.source(made.ocsp)
        staple, error, record = self._stands(made, read, now)
        good = staple is not None and staple.good(now)
        status = "good" if good else "failed" if error else "pending"
        if how == words.NONE:
            status = "off"
        elif self._revoked(made, read):
            status = "revoked"
        return {
            "source": how,
            "response": made.ocsp if how == words.GIVEN else None,
            "status": status,
            "next_update": None if staple is None else _text(staple.until),
            "next_try": _text(record.next_try) if record.next_try > now else None,
            "last_error": error or None,
        }

    def _revoked(self, made: Certificate, read: Read) -> bool:
        material = material_of(made, read)
        if material is None:
            return False
        if made.ocsp == words.AUTO:
            return self.record(material).revoked
        found = self.given(made, material)
        return isinstance(found, Unfit) and found.revoked

    def _stands(
        self, made: Certificate, read: Read, now: float
    ) -> tuple[Staple | None, str, Record]:
        """What there is to show, and what is wrong."""
        material = material_of(made, read)
        if material is None:
            return None, "", Record()
        if made.ocsp == words.AUTO:
            record = self.record(material)
            return record.staple, record.last_error, record
        found = self.given(made, material)
        if isinstance(found, Unfit):
            return None, f"the response {found}", Record()
        late = untimely(found, now)
        return found, late and f"the response {late}", Record()

    def staple(self, made: Certificate, read: Read) -> Staple | None:
        """What is shown while its time is; for figures."""
        return self._stands(made, read, 0.0)[0]

    def problems(self, configuration: Configuration, read: Read, now: float) -> Iterator[str]:
        """L{problem} of every certificate that is enabled, where there is one."""
        several = configuration.all(Certificate).values()
        return filter(None, (self.problem(m, read, now) for m in several if m.enabled))

    def problem(self, made: Certificate, read: Read, now: float) -> str:
        """
        What is wrong, as a sentence; empty: nothing, or it does not matter yet.

        @param now: seconds since the epoch.
        """
        staple, error, _ = self._stands(made, read, now)
        if not error:
            return ""
        name = made.name or made.id
        if staple is not None and staple.good(now):
            return (
                f"the OCSP response of certificate {name} is not renewed, and shown until"
                f" {_text(staple.until)}: {error}"
            )
        return f"certificate {name} is shown without an OCSP response: {error}"


def material_of(made: Certificate, read: Read) -> Material | None:
    """What a certificate with a response is made of; C{None} for all others."""
    found = None if made.ocsp == words.NONE else read(made)
    return found if isinstance(found, Material) else None


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
