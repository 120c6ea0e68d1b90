"""``python -m ganworks``."""

from ganworks.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
