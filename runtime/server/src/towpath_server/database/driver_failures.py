"""What a database driver raises, as failures of the error tree."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from towpath_sdk.errors import Misconfigured, Owner, Unavailable

__all__ = ["driver_failures"]


@contextmanager
def driver_failures() -> Generator[None]:
    """Translate what a driver raises in the block; what is not named here is a bug and stays one.

    Raises Unavailable when the database cannot be reached, Misconfigured for a value that no column can hold.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise _unreachable() from error
    except (DataError, OverflowError) as error:
        # SQLite's driver raises OverflowError.
        raise Misconfigured(
            "the request holds a value that cannot be stored: a NUL in a text, or a number above 2^63",
            reason="VALUE_NOT_STORABLE",
        ) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _unreachable() from error
        raise


def _unreachable() -> Unavailable:
    return Unavailable(
        "the metadata database cannot be reached; the call may be repeated",
        reason="DATABASE_UNAVAILABLE",
        owner=Owner.PLATFORM,
    )
