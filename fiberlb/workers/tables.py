"""The tables that all workers map: in the state directory, or in memory that the template has."""

from __future__ import annotations

import os

from fiberlb.balancing.affinity_table import AffinityTable
from fiberlb.relay.mapped import client_table, open_table
from fiberlb.workers.board import at_descriptor
from fiberlb.workers.order import Order
from fiberlb.workers.template import CLIENTS


def clients(order: Order) -> AffinityTable:
    """Which member each client belongs to."""
    if order.directory:
        return client_table(order.directory, os.urandom)
    return open_table(at_descriptor(CLIENTS), os.urandom)
