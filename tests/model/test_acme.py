"""Tests of L{fiberlb.model.acme}."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.acme import Acme, AcmeSettings, ChallengeKind
from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading


def problems(cls: type, document: Any) -> list[str]:
    """Why a document is refused."""
    loading = Loading()
    structure(cls, document, (), loading)
    return [f"{problem.pointer}: {problem.message}" for problem in loading.problems]


class AcmeTests(SynchronousTestCase):
    """Documents to models."""

    def test_domains(self) -> None:
        """Lower case, each once, in order."""
        made = structure(Acme, {"domains": ["B.test", "a.test.", "b.test"]}, (), Loading())
        assert made is not None
        self.assertEqual(made.domains, ("b.test", "a.test"))

    def test_refused(self) -> None:
        """What no authority would sign."""
        names = ("*.a.test", "a", "1.2.3.4", "ü.test", "-a.test", "a..b", 1)
        for domains in ([], *([name] for name in names)):
            self.assertEqual(len(problems(Acme, {"domains": domains})), 1, domains)
        for key, value in (
            ("email", "nobody"),
            ("email", "a@b.c,d@e.f"),
            ("directory", "http://ca.test/dir"),
            ("ca", "roots"),
            ("renew_before", "0s"),
            ("challenge", "dns-01"),
        ):
            found = problems(Acme, {"domains": ["a.test"], key: value})
            self.assertEqual(len(found), 1, (key, found))

    def test_within(self) -> None:
        """What a certificate says wins over the process's setting."""
        document = {"domains": ["a.test"], "challenge": "TLS_ALPN_01", "renew_before": "1d"}
        made = structure(Acme, document, (), Loading())
        assert made is not None
        found = made.within(AcmeSettings(email="a@b.c"))
        self.assertEqual(found.email, "a@b.c")
        self.assertEqual(found.renew_before, 86400.0)
        self.assertIs(found.challenge, ChallengeKind.TLS_ALPN_01)

    def test_there_and_back(self) -> None:
        """A model's document makes the same model."""
        for made in (Acme(domains=("a.test",)), AcmeSettings(challenge=ChallengeKind.HTTP_01)):
            self.assertEqual(structure(type(made), unstructure(made), (), Loading()), made)
