"""`python -m themeloom`."""

from themeloom.cli import main

main()
