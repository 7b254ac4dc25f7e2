"""When Python looks for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """
    Keep the garbage collector away while many objects are made that are no garbage.

    It would look at them again and again, and now and then at everything that the process has; that takes a
    third of reading a large document, and more than parsing a file. Only for what ends by itself, soon: the
    collector belongs to all threads. Of two at once the first to end brings it back.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
