"""The tables that all workers map: in the state directory, or in memory that the template has."""

from __future__ import annotations

import os

from twisted.logger import Logger

from fiberlb.balancing.affinity_table import AffinityTable
from fiberlb.relay.crowd import CROWD as NAME
from fiberlb.relay.crowd import Rows
from fiberlb.relay.mapped import client_table, open_rates, open_table, rate_table
from fiberlb.treatment.buckets import BucketTable
from fiberlb.workers.board import at_descriptor
from fiberlb.workers.order import Order
from fiberlb.workers.template import CLIENTS, CROWD, RATES

_log = Logger()


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


def crowd(order: Order) -> Rows | None:
    """Who has how many connections open; C{None} where only this process can know."""
    path = os.path.join(order.directory, NAME) if order.directory else at_descriptor(CROWD)
    try:
        return Rows(path, os.urandom)
    except OSError as why:
        text = "{path}: {why}; each process counts connections of clients for itself"
        _log.error(text, path=path, why=str(why))
        return None
