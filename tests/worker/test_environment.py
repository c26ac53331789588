"""What a connector finds in its environment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from towpath_worker.launch.environment import connector_environment, container_environment


@pytest.mark.parametrize("environment_of", [connector_environment, container_environment])
def test_numpy_starts_no_threads_unless_somebody_passes_their_number_on(
    environment_of: Callable[..., dict[str, str]],
) -> None:
    """They would spin at every start; a connector that multiplies matrices gets as many as it is granted by name."""
    granted = {"OPENBLAS_NUM_THREADS": "8"}
    assert environment_of(granted)["OPENBLAS_NUM_THREADS"] == "1"
    assert environment_of(granted, ["OPENBLAS_*"])["OPENBLAS_NUM_THREADS"] == "8"
