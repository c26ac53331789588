"""A new connector: a package that runs, passes conformance, and has its tests, its Dockerfile and its CI file."""

from towpath_authoring.scaffold.names import Names, names_of
from towpath_authoring.scaffold.package import write_package

__all__ = ["Names", "names_of", "write_package"]
