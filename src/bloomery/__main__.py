"""`python -m bloomery` is `bloomery`."""

from bloomery.cli.main import main

main()
