"""What should be known of a change that is no reason to refuse it."""

from __future__ import annotations

from fiberlb.control.cautions import sentences
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.operations import Outcome
from fiberlb.control.service import ControlService
from fiberlb.model.certificate import Certificate


def warnings(control: ControlService, outcome: Outcome) -> list[str]:
    """Of the configuration that there is then, and of certificates that came or changed."""
    trusted = control.state.file.settings.trusted_proxies
    facts, found = CertificateFacts(), list(sentences(outcome.configuration, trusted))
    for version in outcome.versions:
        made = version.after.made if version.after is not None else None
        if isinstance(made, Certificate):
            said = facts.warnings(made, control.wall())
            found += [f"certificate {made.name or made.id}: {one}" for one in said]
    return found
