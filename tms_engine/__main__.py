"""`tms`, and `python -m tms_engine`."""

from tms_engine.entry import run


def main() -> None:
    run("tms", "tms_engine.commands")


if __name__ == "__main__":
    main()
