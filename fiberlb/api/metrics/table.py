"""The one registry of figures: whoever has one to tell adds its function here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import Metric

from fiberlb.api.metrics.certificates import certificates
from fiberlb.api.metrics.listeners import listeners
from fiberlb.api.metrics.names import names
from fiberlb.api.metrics.pools import pools
from fiberlb.api.metrics.process import processes
from fiberlb.api.metrics.revision import revision
from fiberlb.control.service import ControlService

#: Tells some figures of a node that has started; called at every look, in the reactor's thread,
#: so it takes what is known already. Names begin with C{fiberlb_}, and stand in docs/metrics.rst.
#: C{None} between them lets others have a turn.
Source = Callable[[ControlService], Iterable[Metric | None]]

SOURCES: tuple[Source, ...] = (revision, processes, listeners, pools, names, certificates)
