"""``focus-acceptance`` as a module, for :func:`tests.warm.run`."""

from tools.cli import main

if __name__ == "__main__":
    main()
