"""Deliberately broken connectors. Importing this package registers them all."""

from __future__ import annotations

import importlib
import pkgutil

from conformance_mutants.mutant import MUTANTS

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["MUTANTS"]
