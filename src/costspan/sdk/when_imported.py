"""Do something once a module has been imported, without importing it: an application that never uses a client
does not pay for loading it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from costspan.sdk.safety import never_raise


def when_imported(name: str, then: Callable[[], object]) -> None:
    """Call `then` now where module `name` is loaded already, else right after its import."""
    if name in sys.modules:
        never_raise(None)(then)()
    else:
        sys.meta_path.insert(0, _Watcher(name, then))


class _Watcher(MetaPathFinder):
    def __init__(self, name: str, then: Callable[[], object]) -> None:
        self._name = name
        self._then = then

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the protocol of finders
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            load = spec.loader.exec_module

            def load_and_then(module: ModuleType) -> None:
                load(module)
                never_raise(None)(self._then)()

            spec.loader.exec_module = load_and_then  # type: ignore[method-assign]
        return spec
