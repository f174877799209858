"""`tms-tui`, and `python -m tms_tui`."""

from tms_engine.entry import run


def main() -> None:
    run("tms-tui", "tms_tui.cli")


if __name__ == "__main__":
    main()
