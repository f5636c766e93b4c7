"""The tables that all workers map: in the state directory, or in memory that the template has."""

from __future__ import annotations

import os

from fiberlb.balancing.affinity_table import AffinityTable
from fiberlb.relay.mapped import client_table, open_rates, open_table, rate_table
from fiberlb.treatment.buckets import BucketTable
from fiberlb.workers.board import at_descriptor
from fiberlb.workers.order import Order
from fiberlb.workers.template import CLIENTS, RATES


def clients(order: Order) -> AffinityTable:
    """Which member each client belongs to."""
    if order.directory:
        return client_table(order.directory, os.urandom)
    return open_table(at_descriptor(CLIENTS), os.urandom)


def rates(order: Order) -> BucketTable:
    """Who has come how often."""
    if order.directory:
        return rate_table(order.directory, os.urandom)
    return open_rates(at_descriptor(RATES), os.urandom)
