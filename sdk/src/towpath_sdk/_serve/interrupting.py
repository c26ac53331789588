"""`Interrupted` in the thread of an author, wherever its Python code is; but for where the whole process would suffer.

A thread that is struck while it imports leaves half a module behind, which breaks the next call that wants it; one that
is struck while it takes a lock, or a log handler's, may leave it locked for ever. All of that is over soon.
"""

from __future__ import annotations

import ctypes
import logging
import sys
import threading
from types import FrameType

__all__ = ["Interrupted", "interrupt"]

_IMPORT = "<frozen importlib."
_LOGGING = logging.Handler.acquire.__code__.co_filename
_THREADING = threading.Condition.wait.__code__.co_filename
_LOCKING = frozenset({"__enter__", "__exit__", "_acquire_restore"})
"""Functions of `threading` that take a lock or give it back; the others wait, or run threads."""


class Interrupted(BaseException):
    """Raised in the author's thread after its call was cancelled; not an Exception, so that few handlers catch it."""


def interrupt(ident: int) -> bool:
    """Have a thread raise Interrupted when it next runs Python code. `ident` is what `threading.get_ident` says in it.

    False when it was spared, to be tried again soon, or is gone. That it lives is for the caller to know: once it has
    ended, another thread may have its number.
    """
    frame = sys._current_frames().get(ident)  # noqa: SLF001 there is no other way
    if frame is None:
        return False
    place = frame.f_lasti
    if _concerns_all(frame):
        return False
    # It may have gone on meanwhile, if seldom: few threads are switched within some microseconds.
    if sys._current_frames().get(ident) is not frame or frame.f_lasti != place:  # noqa: SLF001
        return False
    return ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Interrupted)) == 1


def _concerns_all(frame: FrameType | None) -> bool:
    """Whether one of the functions that run, up from this one, must come to its end."""
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if file.startswith(_IMPORT) or file == _LOGGING or (file == _THREADING and name in _LOCKING):
            return True
        frame = frame.f_back
    return False
