"""``python -m app``: the ``solemate`` command where no script of that name is on the path."""

from app.cli import main

main()
