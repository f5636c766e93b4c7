"""What listeners, pools and policies can all say about requests and answers on their way."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.basic_auth import BasicAuth
from fiberlb.model.compression import Compression
from fiberlb.model.convert import Nested
from fiberlb.model.cors import Cors
from fiberlb.model.error_pages import Page, Pages
from fiberlb.model.fields import Loading, Optional, field
from fiberlb.model.forward_auth import ForwardAuth
from fiberlb.model.header_edits import RequestHeaders, ResponseHeaders
from fiberlb.model.jwt import Jwt
from fiberlb.model.mirror import MirrorSettings
from fiberlb.model.rate_limit import ADDRESS, RateLimit
from fiberlb.model.resource import Resource
from fiberlb.model.rewrite import Rewrite


@attrs.frozen(kw_only=True)
class Treated(Resource):
    """
    The keys that listeners, pools and policies have in common.

    Of each key the nearest one that is given applies: the policy's, else the pool's, else the
    listener's. They do not add up. What a key does has its entry in
    C{fiberlb.treatment.table}; a new one has a file of its own here and there, and a line below.

    @ivar request_headers: fields that members see otherwise than they came.
    @ivar response_headers: fields that clients see otherwise than they came.
    @ivar rate_limit: how often somebody may come; also where connections are counted.
    @ivar rewrite: what members are asked for instead.
    @ivar cors: whose pages browsers may let ask.
    @ivar basic_auth: who is let in by password.
    @ivar jwt: whose tokens let in.
    @ivar forward_auth: who else says who is let in.
    @ivar mirror: who gets copies of requests.
    @ivar compression: which answers of members are compressed.
    @ivar error_pages: what errors of FiberLB's own look like.
    """

    LATER: ClassVar[frozenset[str]] = frozenset()

    request_headers: RequestHeaders | None = field(Optional(Nested(RequestHeaders)), None)
    response_headers: ResponseHeaders | None = field(Optional(Nested(ResponseHeaders)), None)
    rate_limit: RateLimit | None = field(Optional(Nested(RateLimit)), None)
    rewrite: Rewrite | None = field(Optional(Nested(Rewrite)), None)
    cors: Cors | None = field(Optional(Nested(Cors)), None)
    basic_auth: BasicAuth | None = field(Optional(Nested(BasicAuth)), None)
    jwt: Jwt | None = field(Optional(Nested(Jwt)), None)
    forward_auth: ForwardAuth | None = field(Optional(Nested(ForwardAuth)), None)
    mirror: MirrorSettings | None = field(Optional(Nested(MirrorSettings)), None)
    compression: Compression | None = field(Optional(Nested(Compression)), None)
    error_pages: tuple[tuple[str, Page], ...] | None = field(Optional(Pages()), None)

    @property
    def treatments(self) -> tuple[Any, ...]:
        """What is said of these keys: two objects that say the same treat alike."""
        return tuple([getattr(self, key) for key in TREATMENTS])

    def refuse_treatment(self, why: str, path: Path, loading: Loading) -> None:
        """Nothing here reads requests: note each key that was given and is about them."""
        for key in TREATMENTS:
            value = getattr(self, key)
            if value is None:
                continue
            if key not in BEFORE_REQUESTS:
                loading.refuse((*path, key), why)
            elif value.key != ADDRESS:
                text = f"reads HTTP requests: {why}; connections are counted by client_address"
                loading.refuse((*path, key, "key"), text, "client_address")


#: Those that are about connections too.
BEFORE_REQUESTS = frozenset({"rate_limit"})
#: The names of the keys.
TREATMENTS: tuple[str, ...] = tuple(
    a.name for a in attrs.fields(Treated) if a.name not in attrs.fields_dict(Resource)
)


def own_first(cls: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """A class's own fields before these: a C{field_transformer} of attrs."""
    return sorted(fields, key=lambda a: a.name in TREATMENTS)
