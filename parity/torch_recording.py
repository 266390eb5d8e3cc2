"""Records the calls of torch's functions that are made while torch's modules are tested."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from parity.trees import mapped

FUNCTIONAL, INIT = "nn.functional", "nn.init"
# Operators of another name that torch tests in place of a function.
NAMED = {f"{FUNCTIONAL}.{name}": name for name in ("softmax", "log_softmax", "sigmoid", "tanh")}


@dataclass(frozen=True, kw_only=True)
class Test:
    """A call that one of torch's tests makes, with torch's own objects.

    Args:
        name: of the test, such as "sample-12" or "CrossEntropyLoss-3".
        args, named: the arguments.
    """

    name: str
    args: tuple[Any, ...]
    named: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Recorder:
    """Records the calls that one thread makes of functions of torch.nn, not those within them."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.depth = 0
        self.name = ""
        self.found: dict[str, list[Test]] = {}

    def run(self, name: str, function: Callable[..., None], *args: Any) -> None:
        """Records the calls of a test until it raises an exception; shows no warning of it."""
        self.name = name
        # A module that refuses its arguments has called nothing; or it has made a bad call.
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function(*args)

    def recorded(self, path: str, function: Any) -> Any:
        """The function, whose calls are recorded."""

        @functools.wraps(function)
        def called(*args: Any, **named: Any) -> Any:
            if threading.get_ident() != self.thread:
                return function(*args, **named)
            if self.depth == 0:
                # The function may change its arguments.
                kept = mapped(_copied, [args, named])
                test = Test(name=self.name, args=kept[0], named=kept[1])
                self.found.setdefault(path, []).append(test)
            self.depth += 1
            try:
                return function(*args, **named)
            finally:
                self.depth -= 1

        return called


@contextlib.contextmanager
def recording() -> Generator[Recorder]:
    """Puts recorded functions in the place of torch's."""
    recorder = Recorder()
    with contextlib.ExitStack() as stack:
        for owner, name, path in _places():
            function = recorder.recorded(path, getattr(owner, name))
            stack.enter_context(mock.patch.object(owner, name, function))
        yield recorder


@functools.cache
def _places() -> list[tuple[Any, str, str]]:
    """Where modules find functions: owners, the names of attributes, and what they are called."""
    import torch

    paths: dict[Any, str] = {getattr(torch, name): path for path, name in NAMED.items()}
    for root, owner in ((FUNCTIONAL, torch.nn.functional), (INIT, torch.nn.init)):
        for name, function in vars(owner).items():
            if not name.startswith("_") and inspect.isroutine(function):
                paths.setdefault(function, f"{root}.{name}")
    owners = [m for n, m in sys.modules.items() if f"{n}.".startswith("torch.nn.") or n == "torch"]
    return [
        (owner, name, paths[value])
        for owner in owners
        for name, value in list(vars(owner).items())
        if inspect.isroutine(value) and value in paths
    ]


def _copied(leaf: Any) -> Any:
    import torch

    if not isinstance(leaf, torch.Tensor):
        return leaf
    return leaf.detach().clone().requires_grad_(leaf.requires_grad)
