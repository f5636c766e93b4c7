"""Keys of L{fiberlb.model.treated} as a file has them, and treatments put together by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fiberlb.errors import Problem
from fiberlb.model.convert import kinds
from fiberlb.model.fields import Loading
from fiberlb.model.listener import Listener
from fiberlb.treatment.draft import Draft, Surroundings
from fiberlb.treatment.treatment import Treatment
from tests.support.relay_world import World


def loaded(files: Mapping[str, str] | None = None, /, **document: Any) -> dict[str, Any]:
    """The fields of a listener, a pool or a policy that has these keys, with these files there."""
    loading = Loading(None if files is None else files.__getitem__)
    found = {
        key: kinds(Listener)[key].load(value, (key,), loading) for key, value in document.items()
    }
    assert not loading.problems, loading.problems
    return found


def refused(key: str, value: Any) -> list[Problem]:
    """What is wrong with a key's value."""
    loading = Loading()
    kinds(Listener)[key].load(value, (key,), loading)
    return loading.problems


def treat(world: World, fill: Callable[[Draft], None]) -> None:
    """Have a world's one route treated so from now on."""
    draft = Draft(Surroundings(None, {}))
    fill(draft)
    world.cell.plan.only.treatment = Treatment(draft)
