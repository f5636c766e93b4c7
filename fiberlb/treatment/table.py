"""Every key of L{fiberlb.model.treated}, and what makes it work."""

from __future__ import annotations

from collections.abc import Mapping

from fiberlb.treatment import compression
from fiberlb.treatment.basic_auth import ask_for_passwords
from fiberlb.treatment.cors import share
from fiberlb.treatment.draft import Feature
from fiberlb.treatment.error_pages import show_pages
from fiberlb.treatment.forward_auth import ask_another
from fiberlb.treatment.headers import edit_answers, edit_requests
from fiberlb.treatment.jwt import ask_for_tokens
from fiberlb.treatment.mirroring import mirror
from fiberlb.treatment.rate_limit import limit_rate
from fiberlb.treatment.rewriting import faults, rewrite

#: Key -> what it does. In this order gates look at a request, and edits are made: who is turned
#: away first comes first, and what the configuration says of fields has the last word.
FEATURES: Mapping[str, Feature] = {
    "rate_limit": Feature(limit_rate),
    "cors": Feature(share),
    "basic_auth": Feature(ask_for_passwords),
    "jwt": Feature(ask_for_tokens),
    "forward_auth": Feature(ask_another),
    "compression": Feature(compression.compress, compression.faults),
    "rewrite": Feature(rewrite, faults),
    "request_headers": Feature(edit_requests),
    "response_headers": Feature(edit_answers),
    "mirror": Feature(mirror),
    "error_pages": Feature(show_pages),
}
