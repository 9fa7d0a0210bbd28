"""Compiles a kernel and everything it calls as one unit, instead of every callee again with all of its own callees.

numba optimises and emits each function with copies of all that it reaches, so a tree of a few hundred functions costs
the square of its size: minutes. Here a callee that is met while another kernel compiles is only type-inferred and
lowered; the outermost one links the parts once and optimises once. A callee called from Python later is completed then.
Only outermost kernels go to the disk cache. Compiled code is the same language semantics either way. The collector of
cycles rests meanwhile: it finds next to nothing in a compiler's graphs and takes a quarter of the time.

This reaches into numba's compiler. `install` looks for what it needs and leaves numba as it is when something is not
there: kernels then compile as numba does it, only slower. Arguments between kernels are int64 wherever their values
are whole and fit: numba would make another copy of the callee, and of all that it calls, for each constant passed and
for each narrower column. Values are the same; LLVM puts the constants back where it inlines.
"""

import gc
import importlib
from collections.abc import Callable
from typing import Any

_depth = [0]  # kernels being compiled now, one inside the other; numba compiles under one lock
_done = [0]


def install() -> bool:
    """Puts the shortcuts in place once; False when this numba does not have the places they go to."""
    codegen, dispatcher = (importlib.import_module(f"numba.core.{name}") for name in ("codegen", "dispatcher"))
    caching, event = (importlib.import_module(f"numba.core.{name}") for name in ("caching", "event"))
    places = (
        (getattr(codegen, "CPUCodeLibrary", None), "finalize"),
        (getattr(dispatcher, "_FunctionCompiler", None), "_customize_flags"),
        (getattr(dispatcher, "Dispatcher", None), "add_overload"),
        (getattr(dispatcher, "Dispatcher", None), "get_call_template"),
        (getattr(caching, "FunctionCache", None), "save_overload"),
        (getattr(caching, "FunctionCache", None), "load_overload"),
    )
    if any(holder is None or not hasattr(holder, name) for holder, name in places) or not hasattr(event, "Listener"):
        return False
    if hasattr(codegen.CPUCodeLibrary.finalize, "before"):
        return True
    event.register("numba:compile", _listener(event.Listener))
    for (holder, name), wrap in zip(places, (_finalize, _flags, _add, _template, _save, _load), strict=True):
        before = getattr(holder, name)
        after = wrap(before)
        after.before = before  # type: ignore[attr-defined]
        setattr(holder, name, after)
    return True


def _listener(base: Any) -> Any:
    class Depth(base):  # type: ignore[misc]
        was_collecting = False

        def on_start(self, event: Any) -> None:  # noqa: ARG002
            if _depth[0] == 0:
                self.was_collecting = gc.isenabled()
                gc.disable()
            _depth[0] += 1

        def on_end(self, event: Any) -> None:  # noqa: ARG002
            _depth[0] -= 1
            _done[0] += 1
            if _depth[0] == 0 and self.was_collecting:
                gc.enable()

    return Depth()


def compiled() -> int:
    """Functions that this process has compiled so far, linked or not: what a long wait can show."""
    return _done[0]


def _is_part(library: Any) -> bool:
    """Whether a library holds one lowered function, still to be linked into an outermost one."""
    return bool(getattr(library, "is_part", False))


def _finalize(before: Callable[..., Any]) -> Callable[..., Any]:
    def finalize(library: Any) -> None:
        if _is_part(library):
            library._raise_if_finalized()
            library._finalized = True
            return
        found = _callers_first(library)
        library._linking_libraries = found
        before(library)

    return finalize


def _callers_first(library: Any) -> list[Any]:
    """The libraries that a library reaches through parts, each before those it calls.

    LLVM links such a definition only when something already there refers to it, and drops it otherwise.
    """
    done: list[Any] = []
    seen: set[int] = set()
    waiting: list[tuple[Any, bool]] = [(one, False) for one in library._linking_libraries]
    while waiting:  # each library twice
        one, is_behind = waiting.pop()
        if is_behind:
            done.append(one)
        elif id(one) not in seen:
            seen.add(id(one))
            waiting.append((one, True))
            waiting.extend((other, False) for other in (one._linking_libraries if _is_part(one) else ()))
    return done[::-1]


def _flags(before: Callable[..., Any]) -> Callable[..., Any]:
    def customize_flags(compiler: Any, flags: Any) -> Any:
        flags = before(compiler, flags)
        if _depth[0] > 1:
            flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
        return flags

    return customize_flags


def _add(before: Callable[..., Any]) -> Callable[..., Any]:
    def add_overload(dispatcher: Any, result: Any) -> None:
        if _depth[0] <= 1:
            before(dispatcher, result)
            return
        types = tuple(result.signature.args)

        def complete(*args: Any) -> Any:
            """Called from Python: compiles this function as an outermost one, on the parts that are there."""
            dispatcher.overloads.pop(types, None)
            return dispatcher(*args)

        result.library.is_part = True
        part = result._replace(entry_point=complete)
        dispatcher.overloads[types] = part
        dispatcher.targetctx.insert_user_function(complete, part.fndesc, [part.library])

    return add_overload


def _template(before: Callable[..., Any]) -> Callable[..., Any]:
    def get_call_template(dispatcher: Any, args: Any, kws: Any) -> Any:
        """A kernel calls a kernel: whole numbers go as int64, so that constants and narrow columns make no copies."""
        if is_ours(dispatcher.py_func.__module__):
            args, kws = tuple(map(_whole, args)), {name: _whole(kind) for name, kind in kws.items()}
        return before(dispatcher, args, kws)

    return get_call_template


def is_ours(module: str) -> bool:
    """Whether a module is of this package: numba calls kernels of its own, which may need the type of a constant."""
    return module.startswith("seawall.")


def _whole(kind: Any) -> Any:
    """The type a whole number is passed as: int64 for a constant or a narrower signed one, else its own."""
    types = importlib.import_module("numba.core.types")
    is_constant = isinstance(kind, types.IntegerLiteral)
    whole = kind.literal_type if is_constant else kind
    if isinstance(whole, types.Integer) and whole.signed and whole.bitwidth <= types.int64.bitwidth:
        return types.int64
    return kind


def _save(before: Callable[..., Any]) -> Callable[..., Any]:
    def save_overload(cache: Any, signature: Any, result: Any) -> None:
        if _depth[0] == 0:
            before(cache, signature, result)

    return save_overload


def _load(before: Callable[..., Any]) -> Callable[..., Any]:
    def load_overload(cache: Any, signature: Any, context: Any) -> Any:
        return before(cache, signature, context) if _depth[0] == 0 else None

    return load_overload
