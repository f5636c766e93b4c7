"""What the control service knows at one moment, as one immutable value."""

from __future__ import annotations

import attrs

from fiberlb.control.document import FileLayer
from fiberlb.control.layer import StoreLayer
from fiberlb.control.tags import FileDigests, Tags
from fiberlb.model.configuration import Configuration


@attrs.frozen(eq=False)
class State:
    """
    The two layers and their union.

    @ivar generation: how many file layers there were, this one included.
    @ivar since: when this file layer came, RFC 3339 in UTC.
    @ivar configuration: the union, references resolved.
    """

    file: FileLayer
    generation: int
    since: str
    digests: FileDigests
    layer: StoreLayer
    configuration: Configuration

    @property
    def revision(self) -> int:
        """The counter of configuration commits."""
        return self.layer.revision

    @property
    def tags(self) -> Tags:
        """The entity tags of its objects."""
        return Tags(self.configuration, self.layer.contents, self.digests)
