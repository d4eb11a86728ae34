"""`python -m mediate` is the command `mediate`."""

from mediate.cli import main

main()
