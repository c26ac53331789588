"""What the server knows, without I/O: resources, schedules, selections, jobs, publications."""
