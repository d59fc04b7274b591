"""``python -m twinlens``: the command line, where its script is not on the path."""

from twinlens.cli.main import main

if __name__ == "__main__":
    main()
