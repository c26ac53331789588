"""What is judged: a command that is started, an address that is there already, or an image."""

from towpath_conformance.targets.command import CommandTarget
from towpath_conformance.targets.endpoint import EndpointTarget
from towpath_conformance.targets.port import Instance, Process, Target

__all__ = ["CommandTarget", "EndpointTarget", "Instance", "Process", "Target"]
