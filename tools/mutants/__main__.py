"""``python -m tools.mutants``."""

from tools.mutants.command import app

if __name__ == "__main__":
    app(prog_name="python -m tools.mutants")
