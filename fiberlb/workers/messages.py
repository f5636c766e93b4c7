"""
What control and a worker say to each other: AMP over a Unix stream socket.

What is large travels as the descriptor of a memory file, since an AMP value
ends at 65,535 bytes. A sender keeps a descriptor open until the answer is
there: AMP sends it some time after the call. C{Drain}, C{PassOn}, C{Hello} and the two
C{HandBack}s are spoken between different versions too, at an upgrade: they
may get further arguments only as optional ones.
"""

from __future__ import annotations

from typing import ClassVar

from twisted.protocols import amp

_Arguments = list[tuple[bytes, amp.Argument]]

#: Characters of a log line that fit into one message.
LONGEST_LINE = 15_000


class Hello(amp.Command):
    """
    Worker to control, the first message on a connection.

    C{serial} is that of the revision in force in the worker; 0 in one that has
    just been forked. One that serves goes on with what it holds.
    """

    arguments: ClassVar[_Arguments] = [
        (b"pid", amp.Integer()),
        (b"slot", amp.Integer()),
        (b"serial", amp.Integer()),
    ]
    response: ClassVar[_Arguments] = []


class HandBack(amp.Command):
    """Worker to a new control: a listening socket that it accepts from."""

    arguments: ClassVar[_Arguments] = [
        (b"host", amp.Unicode()),
        (b"port", amp.Integer()),
        (b"slot", amp.Integer()),
        (b"fd", amp.Descriptor()),
    ]
    response: ClassVar[_Arguments] = []


class HandedBack(amp.Command):
    """Worker to a new control: that were all sockets; the page that it counts in."""

    arguments: ClassVar[_Arguments] = [(b"fd", amp.Descriptor())]
    response: ClassVar[_Arguments] = []


class Said(amp.Command):
    """Worker to control: a line for the log of the process."""

    arguments: ClassVar[_Arguments] = [
        (b"level", amp.Unicode()),
        (b"namespace", amp.Unicode()),
        (b"text", amp.Unicode()),
    ]
    response: ClassVar[_Arguments] = []
    requiresAnswer = False


class LogTrouble(amp.Command):
    """Worker to control: what is wrong with its access log now; empty: nothing."""

    arguments: ClassVar[_Arguments] = [(b"text", amp.Unicode())]
    response: ClassVar[_Arguments] = []
    requiresAnswer = False


class Suspect(amp.Command):
    """
    Worker to control: requests have failed at a member too often.

    C{cause}: the last failure's, a reason code or the status; C{text}: the same in a sentence.
    """

    arguments: ClassVar[_Arguments] = [
        (b"member", amp.Unicode()),
        (b"cause", amp.Unicode()),
        (b"text", amp.Unicode()),
    ]
    response: ClassVar[_Arguments] = []
    requiresAnswer = False


class NotApplied(Exception):
    """A worker could not serve a revision; it goes on with what it had."""


class Apply(amp.Command):
    """
    Control to worker: serve this; answered when it does.

    C{revision} is of L{fiberlb.workers.revisions}, C{down} a text with the ids
    of the members that may not serve, one a line, as of message C{number}.
    """

    arguments: ClassVar[_Arguments] = [
        (b"serial", amp.Integer()),
        (b"revision", amp.Descriptor()),
        (b"down", amp.Descriptor()),
        (b"number", amp.Integer()),
    ]
    response: ClassVar[_Arguments] = []
    errors: ClassVar[dict[type[Exception], bytes]] = {NotApplied: b"NOT_APPLIED"}


class Foresee(amp.Command):
    """
    Control to worker: what will probably be in force next, for it to read and compile.

    C{revision}: as of L{Apply}, of which only the configuration and the limits count; none: what
    was foreseen will not be in force. Answered when it is done.
    """

    arguments: ClassVar[_Arguments] = [(b"revision", amp.Descriptor(optional=True))]
    response: ClassVar[_Arguments] = []


class Usable(amp.Command):
    """Control to worker: a member may serve, or may not any more."""

    arguments: ClassVar[_Arguments] = [
        (b"number", amp.Integer()),
        (b"member", amp.Unicode()),
        (b"usable", amp.Boolean()),
    ]
    response: ClassVar[_Arguments] = []
    requiresAnswer = False


class Challenge(amp.Command):
    """
    Control to worker: answer these challenges, and no others; answered when it does.

    C{challenges}: L{fiberlb.model.challenges.Challenges}, pickled.
    """

    arguments: ClassVar[_Arguments] = [(b"challenges", amp.Descriptor())]
    response: ClassVar[_Arguments] = []


class Operate(amp.Command):
    """
    Control to worker: have this in force beside the configuration; answered when it is.

    C{operations}: L{fiberlb.model.operational.Operations}, pickled.
    """

    arguments: ClassVar[_Arguments] = [(b"operations", amp.Descriptor())]
    response: ClassVar[_Arguments] = []


class Listen(amp.Command):
    """
    Control to worker: accept from this socket, which listens already.

    C{flows}: one of datagrams is read only when all that comes from here has come; see L{PassOn}.
    """

    arguments: ClassVar[_Arguments] = [
        (b"host", amp.Unicode()),
        (b"port", amp.Integer()),
        (b"slot", amp.Integer()),
        (b"fd", amp.Descriptor()),
        (b"flows", amp.Descriptor(optional=True)),
    ]
    response: ClassVar[_Arguments] = []


class PassOn(amp.Command):
    """
    Control to worker: read no more from this socket of datagrams, and send its flows there.

    C{flows}: the other end of what the next one gets with L{Listen}
    (L{fiberlb.relay.flow_passing}). Answered when nothing is read any more.
    """

    arguments: ClassVar[_Arguments] = [
        (b"host", amp.Unicode()),
        (b"port", amp.Integer()),
        (b"slot", amp.Integer()),
        (b"flows", amp.Descriptor()),
    ]
    response: ClassVar[_Arguments] = []


class Unlisten(amp.Command):
    """
    Control to worker: let go of this socket.

    C{empty}: nobody else will accept from it, so take what waits there.
    """

    arguments: ClassVar[_Arguments] = [
        (b"host", amp.Unicode()),
        (b"port", amp.Integer()),
        (b"slot", amp.Integer()),
        (b"empty", amp.Boolean()),
    ]
    response: ClassVar[_Arguments] = []


class Reopen(amp.Command):
    """Control to worker: the access log's file was moved away."""

    arguments: ClassVar[_Arguments] = []
    response: ClassVar[_Arguments] = []


class Drain(amp.Command):
    """
    Control to worker: let go of all sockets, finish what runs, end.

    C{deadline}: seconds until it is cut. A second one may shorten the first.
    """

    arguments: ClassVar[_Arguments] = [(b"deadline", amp.Float())]
    response: ClassVar[_Arguments] = []


class Recall(amp.Command):
    """
    Control to worker: what do you know of an answer of ours?

    C{found}: L{fiberlb.observe.kept.Kept.find} as JSON; empty: nothing.
    """

    arguments: ClassVar[_Arguments] = [(b"ident", amp.Unicode())]
    response: ClassVar[_Arguments] = [(b"found", amp.Unicode())]


class Recent(amp.Command):
    """
    Control to worker: what are the last answers of ours?

    C{sought}: a L{fiberlb.observe.kept.Sought} as JSON; C{before}: an id, of those before it;
    C{found}: documents as JSON, the last one first; C{more}: there are more before them.
    """

    arguments: ClassVar[_Arguments] = [
        (b"sought", amp.Unicode()),
        (b"before", amp.Unicode()),
        (b"most", amp.Integer()),
    ]
    response: ClassVar[_Arguments] = [(b"found", amp.Unicode()), (b"more", amp.Boolean())]
