"""How our programs begin and end, whatever happens between.

All else is imported inside `run`, so that Ctrl-C is answered from the first moment on.
"""

import _signal  # type: ignore[import-not-found] # `signal` takes milliseconds, in which Ctrl-C is a traceback
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

INTERRUPTED = 130


def run(program: str, module: str) -> "NoReturn":
    """Import a module, call its `main`, which returns an exit code, and exit with it.

    While it is imported, Ctrl-C ends the process at once: there is nothing yet that would be lost, and
    libraries that are interrupted in the midst of their import print tracebacks of their own.
    """
    interruptible = _signal.getsignal(_signal.SIGINT) is not _signal.SIG_IGN  # as it is in the background
    if interruptible:
        _signal.signal(_signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from importlib import import_module

    from tms_engine import process

    process.open_closed_streams()
    process.never_fail_on_stderr()
    try:
        main = import_module(module).main
        if interruptible:
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        code = int(main())
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:  # nobody reads on
        process.discard_stdout()
        code = 0
    except Exception as error:
        code = _failed(program, error)
    sys.exit(code)


def _failed(program: str, error: Exception) -> int:
    """Say what nobody has foreseen, in one line; the exit code."""
    from tms_engine import crash, process

    if isinstance(error, OSError) and (refused := process.stdout_refuses()):
        print(f"{program}: cannot write to stdout: {refused}", file=sys.stderr)
        process.discard_stdout()
        return 2
    print(crash.report(program, error), file=sys.stderr)
    return crash.EXIT_CODE
