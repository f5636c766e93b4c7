"""Load balancers: the addresses that listeners share."""

from __future__ import annotations

from typing import ClassVar

import attrs

from fiberlb.model.addresses import Address
from fiberlb.model.fields import Flag, Several, field
from fiberlb.model.resource import Resource


@attrs.frozen(kw_only=True)
class LoadBalancer(Resource):
    """
    A set of addresses.

    @ivar vip_address: where listeners without an address of their own listen; C{::} is dual stack.
    @ivar additional_vips: further addresses, all served alike.
    @ivar freebind: bind addresses that the host does not have yet (IP_FREEBIND).
    """

    COLLECTION: ClassVar[str] = "load_balancers"

    vip_address: str = field(Address(), "::")
    additional_vips: tuple[str, ...] = field(Several(Address(), most=64), ())
    freebind: bool = field(Flag(), False)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address, the first one first, none twice."""
        return tuple(dict.fromkeys((self.vip_address, *self.additional_vips)))
