"""Faults made on purpose, for long: kills at random times, full disks, many writers. `python -m tools.faults`."""
