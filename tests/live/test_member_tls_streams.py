"""What holds of plain connections to members holds of TLS: the same tests, in both versions."""

from __future__ import annotations

import ssl

from tests.live import test_hostile, test_streams, test_upgrade

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class PipelineTests(test_streams.PipelineTests):
    """Many requests on a connection."""

    member_tls = V13


class PieceTests(test_streams.PieceTests):
    """Messages that come in pieces."""

    member_tls = V13


class EarlyTests(test_streams.EarlyTests):
    """Members that answer early."""

    member_tls = V13
    # A reset that comes while a record is being sent keeps OpenSSL from reading on:
    # tests.relay.test_tls_member has what can be promised.
    refusals = ("stay",)


class AbortTests(test_streams.AbortTests):
    """Connections that break."""

    member_tls = V13


class OnceTests(test_streams.OnceTests):
    """What is sent again, and what is not."""

    member_tls = V13


class OldOnceTests(test_streams.OnceTests):
    """The same in TLS 1.2."""

    member_tls = V12


class OldAbortTests(test_streams.AbortTests):
    """The same in TLS 1.2."""

    member_tls = V12


class WebSocketTests(test_upgrade.WebSocketTests):
    """Upgraded connections."""

    member_tls = V13


class SwitchTests(test_upgrade.SwitchTests):
    """What members may switch to."""

    member_tls = V13


class MalformedAnswerTests(test_hostile.MalformedAnswerTests):
    """Answers that are wrong."""

    member_tls = V13


class OddAnswerTests(test_hostile.OddAnswerTests):
    """Answers that are odd and right."""

    member_tls = V12
