"""All mutants. Importing this imports every module of the package, and each registers its own."""

from __future__ import annotations

import importlib
import pkgutil

import conformance_mutants
from conformance_mutants.mutant import MUTANTS

for _module in pkgutil.iter_modules(conformance_mutants.__path__):
    importlib.import_module(f"{conformance_mutants.__name__}.{_module.name}")

__all__ = ["MUTANTS"]
