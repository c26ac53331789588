"""What each check exchanges with the good connector, and so which mutants of messages or code it could ever notice.

It is not kept by hand: the good connector is judged once, one check after the other, and every call is taken down, and
what of the connector's class and of its Spec it uses. A mutant whose relay would have changed nothing in the calls of a
check, or whose class overrides nothing that it uses, gives that check what the good connector gives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar, cast

from towpath.connector.v1.connector_pb2 import SpecResponse
from towpath_conformance import CHECKS, Case, Check, judge
from towpath_conformance.targets import Target
from towpath_conformance.trial import Trial

from conformance_mutants.proxy import Begin, Ending, Relayed

__all__ = ["Reach", "reach_of"]

T = TypeVar("T")
_FIELDS = tuple(SpecResponse.DESCRIPTOR.fields_by_name)


class _Call(Relayed):
    """One call of the good connector, as it went."""

    def __init__(self, method: str) -> None:
        self.method = method
        self._said: list[tuple[str, Any]] = []

    async def request(self, raw: bytes) -> Iterable[bytes]:
        self._said.append(("request", raw))
        return (raw,)

    async def response(self, raw: bytes) -> Iterable[bytes]:
        self._said.append(("response", raw))
        return (raw,)

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        self._said.append(("end", ending))
        return (), ending

    def spec(self) -> SpecResponse:
        """What it answered, for a call of Spec."""
        return SpecResponse.FromString(next(said for kind, said in self._said if kind == "response"))

    def through(self, relayed: Relayed) -> _Call:
        """The same call as it would have gone through a relay."""
        call = _Call(self.method)
        for kind, said in self._said:
            if kind != "end":
                call._said += [(kind, raw) for raw in _at_once(getattr(relayed, kind)(said), ())]
        return call

    def changes_through(self, relayed: Relayed) -> set[str]:
        """Which of requests, responses and the end would have been others on the way through a relay."""
        if type(relayed) is Relayed:
            return set()
        changed: set[str] = set()
        for kind, said in self._said:
            if kind == "end":
                more, ending = _at_once(relayed.end(said), ((), None))
                same = not list(more) and ending == said
            else:
                same = list(_at_once(getattr(relayed, kind)(said), ())) == [said] and not relayed.over
            if not same:
                changed.add(kind)
        return changed


def _at_once(relaying: Coroutine[Any, Any, T], waits: T) -> T:
    """What a relay says without waiting for anything; `waits` when it does."""
    try:
        relaying.send(None)
    except StopIteration as said:
        return said.value
    relaying.close()
    return waits


_SPEC = "spec of "


@dataclass(frozen=True)
class _Use:
    """An attribute of the good connector, or a field of its Spec as `_SPEC` and a name, that was asked for."""

    name: str


@dataclass
class Reach:
    """The calls of each check of the good connector."""

    good: type = object
    """Its class."""
    log: list[_Call | _Use | str] = field(default_factory=list["_Call | _Use | str"])
    """In the order in which they began; a string is the name of something that checks share, where it was asked for."""
    of_checks: dict[str, range] = field(default_factory=dict[str, range])
    """Where in the log the calls of a check are."""
    of_shared: dict[str, range] = field(default_factory=dict[str, range])
    """Where the calls are that were made for what is shared."""

    def begin(self, method: str) -> Relayed:
        """Take down a call."""
        self.log.append(call := _Call(method))
        return call

    def notices(self, begin: Begin) -> frozenset[str]:
        """Ids of the checks whose calls would have gone otherwise through the relays that `begin` begins."""
        changed, noticed = set[int](), frozenset[str]()
        for place, call in self._calls():
            changes = call.changes_through(begin(call.method))
            if place >= self._first or changes != {"response"} or call.method not in {"Handshake", "Spec"}:
                changed |= {place} if changes else set()
            elif call.method == "Spec":
                noticed |= self._spec_of(call.spec(), call.through(begin(call.method)).spec())
        return self._checks_with(changed) | noticed

    def _spec_of(self, good: SpecResponse, other: SpecResponse) -> frozenset[str]:
        """Ids of the checks that would go otherwise because the Spec that was asked for first is another."""
        differ = {name for name in _FIELDS if getattr(good, name) != getattr(other, name)}
        needing = {
            check.id
            for check in CHECKS.values()
            if any(need.declared(good) != need.declared(other) for need in check.needs)
        }
        return self._using({f"{_SPEC}{name}" for name in differ}) | needing

    def _using(self, names: AbstractSet[str]) -> frozenset[str]:
        return self._checks_with(
            {place for place, use in enumerate(self.log) if isinstance(use, _Use) and use.name in names}
        )

    def calls_of(self, begin: Begin) -> frozenset[str]:
        """Ids of the checks that call a method for which `begin` has a relay: for relays that remember, or wait."""
        return self._checks_with({place for place, call in self._calls() if type(begin(call.method)) is not Relayed})

    def uses_of(self, part: object) -> frozenset[str] | None:
        """Ids of the checks that use what `part` overrides; None where that may change what it declares."""
        classes = type(part).__mro__
        if self.good not in classes:
            return None
        own = {name for cls in classes[: classes.index(self.good)] for name in vars(cls)} | set(vars(part))
        overridden = {name for name in own if hasattr(self.good, name) and not name.startswith("__")}
        if not overridden.issubset(vars(self.good)):
            return None
        return self._using(overridden)

    def _calls(self) -> Iterator[tuple[int, _Call]]:
        return ((place, call) for place, call in enumerate(self.log) if isinstance(call, _Call))

    @property
    def _first(self) -> int:
        """Where the first check begins: what is asked before decides how all of them go.

        Not so what Handshake answers, which nobody looks at, and what Spec does, of which each check uses little.
        """
        return min(places.start for places in self.of_checks.values())

    def _checks_with(self, wanted: set[int]) -> frozenset[str]:
        if any(place < self._first for place in wanted):
            return frozenset(self.of_checks)
        return frozenset(
            check_id for check_id, places in self.of_checks.items() if not wanted.isdisjoint(self._places(places))
        )

    def _places(self, places: range) -> Iterator[int]:
        """These places of the log, and those of everything shared that is asked for there."""
        left, seen = [places], set[str]()
        while left:
            for place in left.pop():
                entry = self.log[place]
                if not isinstance(entry, str):
                    yield place
                elif entry not in seen:
                    seen.add(entry)
                    left.append(self.of_shared[entry])


class _Shared(dict[str, "asyncio.Task[Any]"]):
    """What the checks of a trial share, which notes who makes it and who asks for it."""

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self._reach = reach

    def __setitem__(self, key: str, task: asyncio.Task[Any]) -> None:
        super().__setitem__(key, task)
        task.add_done_callback(partial(self._made, key, len(self._reach.log)))

    def __getitem__(self, key: str) -> asyncio.Task[Any]:
        self._reach.log.append(key)
        return super().__getitem__(key)

    def _made(self, key: str, start: int, _: asyncio.Task[Any]) -> None:
        self._reach.of_shared[key] = range(start, len(self._reach.log))


async def reach_of(target: Callable[[Callable[[], Any], Begin], Target], good: Callable[[], Any], case: Case) -> Reach:
    """Judge a good connector by all checks that measure nothing, and take down what they call."""
    reach = Reach(type(good()))
    shared = _Shared(reach)
    watched = [_watched(check, reach, shared) for check in CHECKS.values() if not check.alone]
    await judge(target(lambda: _noting_uses(good(), reach), reach.begin), case, checks=watched, seed=7, at_once=1)
    return reach


class _NotedSpec:
    """A Spec which takes down what of it is asked for."""

    def __init__(self, good: SpecResponse, reach: Reach) -> None:
        self._good, self._reach = good, reach

    def __getattr__(self, name: str) -> Any:
        self._reach.log += [_Use(f"{_SPEC}{field}") for field in ([name] if name in _FIELDS else _FIELDS)]
        return getattr(self._good, name)


def _noting_uses(part: Any, reach: Reach) -> Any:
    """The same connector, which takes down what it is asked for, by others and by itself."""
    good = type(part)

    def noted(self: Any, name: str) -> Any:
        reach.log.append(_Use(name))
        return object.__getattribute__(self, name)

    place = {"__module__": good.__module__, "__qualname__": good.__qualname__, "__doc__": good.__doc__}
    part.__class__ = type(good.__name__, (good,), {**place, "__getattribute__": noted})
    return part


def _watched(check: Check, reach: Reach, shared: _Shared) -> Check:
    async def run(trial: Trial) -> None:
        start, good = len(reach.log), trial.spec
        try:
            trial.spec = cast("SpecResponse", _NotedSpec(good, reach))
            trial._made = shared  # pyright: ignore[reportPrivateUsage] what checks share is seen nowhere else
            await check.run(trial)
        finally:
            trial.spec = good
            reach.of_checks[check.id] = range(start, len(reach.log))

    return replace(check, run=run)
