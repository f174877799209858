"""`tms doctor`: what there is on this machine, and what is used of it, as text for a bug report.

Nothing here fails: a probe that does says what went wrong in the place of its answer. Nothing is told that
is the user's own business: of the environment only the variables of a fixed list, and neither the home
directory nor the names of user and host.
"""

import argparse
import contextlib
import ctypes
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

from tms_engine.files import reason

# What a probe finds: a line, or several by their labels.
Found = str | int | None | dict[str, "Found"]

_LIBRARIES = (
    "numpy", "torch", "numba", "llvmlite", "triton", "safetensors", "pydantic", "matplotlib", "plotly",
    "textual", "rich", "plotext", "jax",
)  # fmt: skip

# Environment variables that change what the programs do. Their values are harmless; of the others it is told
# whether they are set.
_VALUES = (
    "TMS_RUNS", "TMS_DEVICE", "NO_COLOR", "TERM", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION",
    "LC_ALL", "LC_CTYPE", "LANG", "COLUMNS", "LINES", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL_ANIMATIONS",
    "TEXTUAL_FPS", "TEXTUAL_DRIVER", "FORCE_COLOR", "ESCDELAY", "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS",
    "NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME", "NUMBA_THREADING_LAYER", "NUMBA_CACHE_DIR",
    "TRITON_INTERPRET", "TRITON_CACHE_DIR", "MPLBACKEND", "MPLCONFIGDIR", "PYTHONIOENCODING",
    "PYTHONUTF8", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE", "TMPDIR", "XDG_CONFIG_HOME",
    "XDG_STATE_HOME", "XDG_CACHE_HOME", "TZ",
)  # fmt: skip
_SET = (
    "TMUX", "STY", "ZELLIJ", "SSH_CONNECTION", "SSH_TTY", "MOSH_CONNECTION", "DISPLAY",
    "WAYLAND_DISPLAY", "KITTY_WINDOW_ID", "WT_SESSION", "VSCODE_PID", "PYTHONPATH", "LD_PRELOAD",
    "SLURM_JOB_ID",
)  # fmt: skip

# Seconds for the app to say what it would do here, and for the terminal to answer.
_APP_WAIT, _TERMINAL_WAIT = 30.0, 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(options: argparse.Namespace) -> int:
    found = report(probed(_of_the_app), asks_terminal=True)
    print(json.dumps(found, indent=2) if options.json else as_text(found))
    return 0


def report(app: Found, asks_terminal: bool = False) -> dict[str, Found]:
    """All that is found, by section. `app` is what the app says of itself, which the engine does not know.

    With `asks_terminal` the terminal is asked what it can do, which nothing else may read from meanwhile.
    """
    from tms_engine.runs.places import runs_directory, state_directory

    # The environment before libraries are loaded, which write to it.
    environment = _environment(_users(os.environ))
    found: dict[str, Found] = {
        "versions": probed(lambda: dict(versions())),
        "machine": _each(
            system=_system,
            python=_python,
            cores=_cores,
            memory=_memory,
            gpu_driver=_gpu_driver,
        ),
        "training": _each(device=_device, kernel=_kernel, numba_cache=_numba_cache),
        "terminal": _each(
            streams=_streams,
            size=_size,
            within=_within,
            answers=_answers if asks_terminal else lambda: "not asked: the app has the terminal",
        ),
        "app": app,
        "places": _each(
            package=lambda: str(Path(__file__).parents[2]),
            here=lambda: _place(Path.cwd()),
            runs=lambda: _place(runs_directory()),
            state=lambda: _place(state_directory()),
            temporary=lambda: _place(Path(tempfile.gettempdir())),
        ),
        "environment": environment,
    }
    hide = _hider()
    return {name: _map(section, hide) for name, section in found.items()}


def as_text(found: Mapping[str, Found]) -> str:
    """A report, a line for each thing that was found."""
    lines: list[str] = []
    for name, section in found.items():
        lines += ["", f"{name}"]
        lines += _lines(section, "  ") or ["  nothing"]
    return "\n".join(lines[1:])


def _lines(section: Found, indent: str) -> list[str]:
    if not isinstance(section, dict):
        return [f"{indent}{_words(section)}"]
    width = max(map(len, section), default=0)
    return [f"{indent}{_label(label):{width}}  {_words(value)}".rstrip() for label, value in section.items()]


def _label(name: str) -> str:
    return name.replace("_", " ") if name.islower() else name  # not TMS_RUNS


def _words(value: Found) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_words(number)} {_label(label)}" for label, number in value.items())
    return str(value)


def probed(find: Callable[[], Found]) -> Found:
    """What a probe finds, or what went wrong."""
    try:
        return find()
    except Exception as error:  # whatever: the others are still of use
        return f"not known: {type(error).__name__}: {' '.join(reason(error).split())}"[:300]


def _each(**probes: Callable[[], Found]) -> dict[str, Found]:
    return {name: probed(find) for name, find in probes.items()}


# Nobody's business


def _hider() -> Callable[[str], str]:
    """A function that takes home, user and host out of a text, and whatever a terminal would obey."""
    home, user = probed(lambda: str(Path.home())), probed(_user)
    homes = {
        str(name) for name in (home, os.environ.get("HOME"), probed(lambda: os.path.realpath(str(home))))
    }
    homes = {name.rstrip("/") for name in homes if name.startswith("/") and len(name.rstrip("/")) > 1}
    host = platform.node()

    def hide(text: str) -> str:
        for name in sorted(homes, key=len, reverse=True):
            text = re.sub(rf"{re.escape(name)}(?![^/\s:;,'\"])", "~", text)
        if isinstance(user, str) and user:
            text = re.sub(rf"(?<=[/\\]){re.escape(user)}(?![^/\\\s:;,'\"])", "USER", text)
        if len(host) > 3:
            text = text.replace(host, "HOST")
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)

    return hide


def _user() -> str:
    import getpass

    return getpass.getuser()


def _map(value: Found, change: Callable[[str], str]) -> Found:
    if isinstance(value, dict):
        return {name: _map(v, change) for name, v in value.items()}
    return change(value) if isinstance(value, str) else value


# Probes


def versions() -> dict[str, str]:
    """Of the program, of Python and of libraries; none is imported."""

    def of(name: str) -> str:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return "not installed"

    return {"tms-tui": of("tms-tui"), "python": platform.python_version()} | {n: of(n) for n in _LIBRARIES}


def _system() -> Found:
    libc = " ".join(platform.libc_ver()).strip()
    return f"{platform.system()} {platform.release()}, {platform.machine()}" + (f", {libc}" if libc else "")


def _python() -> Found:
    kind = "a virtual environment" if sys.prefix != sys.base_prefix else "no virtual environment"
    return f"{platform.python_implementation()} at {sys.executable}, {kind}"


def _cores() -> Found:
    found: dict[str, Found] = {"there": os.cpu_count()}
    if hasattr(os, "sched_getaffinity"):
        found["may_be_used"] = len(os.sched_getaffinity(0))
    quota = _cgroup("cpu.max", "cpu/cpu.cfs_quota_us")
    if quota and quota.split()[0].isdigit():
        period = quota.split()[1] if " " in quota else _cgroup("", "cpu/cpu.cfs_period_us") or "100000"
        found["cgroup_quota"] = f"{int(quota.split()[0]) / int(period):.3g}"
    return found


def _memory() -> Found:
    page = os.sysconf("SC_PAGE_SIZE")
    found: dict[str, Found] = {"there": _size_of(page * os.sysconf("SC_PHYS_PAGES"))}
    found["free"] = _size_of(page * os.sysconf("SC_AVPHYS_PAGES"))
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        available = re.search(r"MemAvailable: +(\d+) kB", meminfo.read_text())
        if available:
            found["free"] = _size_of(1024 * int(available[1]))
    limit = _cgroup("memory.max", "memory/memory.limit_in_bytes")
    if limit and limit.isdigit() and int(limit) < 1 << 60:
        found["cgroup_limit"] = _size_of(int(limit))
    return found


def _cgroup(version_2: str, version_1: str) -> str:
    """A limit of the control group that this process is in, or of those around it; "" if there is none."""
    root, file = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
    if version_2 and file.is_file():
        for line in file.read_text().splitlines():
            number, _, group = line.partition("::")
            while number == "0" and group:
                limit = root / group.strip("/") / version_2
                if limit.is_file() and not limit.read_text().startswith("max"):
                    return limit.read_text().strip()
                group = group.rpartition("/")[0]
    for limit in (root / version_2, root / version_1):
        if limit.is_file():
            return limit.read_text().strip()
    return ""


def _gpu_driver() -> Found:
    """Of NVIDIA, asked without torch."""
    try:
        cuda = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return "no CUDA driver"
    number = ctypes.c_int()
    if cuda.cuDriverGetVersion(ctypes.byref(number)) != 0:
        return "a CUDA driver that does not tell its version"
    found = f"CUDA {number.value // 1000}.{number.value % 1000 // 10}"
    kernel = Path("/proc/driver/nvidia/version")
    release = re.search(r"\b\d{3,}\.\d+(\.\d+)?\b", kernel.read_text()) if kernel.is_file() else None
    return f"{found}, NVIDIA {release[0]}" if release else found


def _device() -> Found:
    """What `auto` gives, and which GPU that is. Loads torch only where there may be one."""
    from tms_engine.device import resolve_device

    device = resolve_device("auto")
    if not device.startswith("cuda"):
        return f"auto is {device}"
    import torch

    about = torch.cuda.get_device_properties(device)
    memory = _size_of(about.total_memory)
    count = torch.cuda.device_count()
    return (
        f"auto is {device}: {about.name}, {memory}, compute capability {about.major}.{about.minor}, "
        f"{count} visible, torch for CUDA {torch.version.cuda}"
    )


def _kernel() -> Found:
    from tms_engine.experiment import Experiment
    from tms_engine.training import kernels

    return f"for the seed, {kernels.choose(Experiment()).reason}"


def _numba_cache() -> Found:
    from tms_engine.training.numba import loops  # noqa: F401 (what is compiled)
    from tms_engine.training.numba.cache import on_disk

    directory, files, size = on_disk()
    if directory is None:
        return "nowhere: no directory can be written, so that each process compiles"
    warm = f"warm, {files} files, {_size_of(size)}" if files else "cold: the first training compiles"
    return f"{_place(directory)}, {warm}"


def _streams() -> Found:
    # The process's own, whatever stands in their place now.
    streams = {"stdin": sys.__stdin__, "stdout": sys.__stdout__, "stderr": sys.__stderr__}
    terminals = [name for name, stream in streams.items() if stream is not None and stream.isatty()]
    encoding = sys.__stdout__.encoding if sys.__stdout__ else "closed"
    return f"{', '.join(terminals) or 'none'} on a terminal; stdout is {encoding}"


def _size() -> Found:
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        try:
            columns, lines = os.get_terminal_size(stream.fileno())  # type: ignore[union-attr]
        except (OSError, ValueError, AttributeError):
            continue
        return f"{columns} × {lines}"
    return "no terminal"


def _within() -> Found:
    """What stands between the program and the user's screen."""
    told = {"tmux": "TMUX", "screen": "STY", "zellij": "ZELLIJ", "ssh": "SSH_CONNECTION"}
    found = [name for name, variable in told.items() if os.environ.get(variable)]
    if any(name.startswith("mosh-server") for name in _ancestors()):
        found.append("mosh")
    return ", ".join(found) or "none of tmux, screen, zellij, ssh, mosh"


def _ancestors() -> list[str]:
    """The names of the processes that this one descends from, where /proc tells them."""
    names: list[str] = []
    pid = os.getppid()
    while pid > 1 and len(names) < 50:
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            break
        names.append(text[text.index("(") + 1 : text.rindex(")")])
        pid = int(text[text.rindex(")") + 2 :].split()[1])
    return names


def _answers() -> Found:
    """What the terminal says to two questions: for kitty's keyboard protocol, and for its attributes."""
    import select
    import termios
    import time
    import tty

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return "not asked: there is no terminal"
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():  # in the background: it would be stopped
            return "not asked: in the background"
        before = termios.tcgetattr(terminal)
        answer = b""
        try:
            tty.setcbreak(terminal)
            os.write(terminal, b"\x1b[?u\x1b[c")
            until = time.monotonic() + _TERMINAL_WAIT
            while not re.search(rb"\x1b\[\?[0-9;]*c", answer) and len(answer) < 1000:
                if not select.select([terminal], [], [], max(0.0, until - time.monotonic()))[0]:
                    break
                answer += os.read(terminal, 100)
        finally:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
    finally:
        os.close(terminal)
    attributes = re.search(rb"\x1b\[\?([0-9;]*)c", answer)
    if attributes is None:
        return f"no answer in {_TERMINAL_WAIT:.0f} s"
    kitty = "has" if re.search(rb"\x1b\[\?[0-9]+u", answer) else "does not have"
    return f"{kitty} kitty's keyboard protocol; attributes {attributes[1].decode()}"


def _of_the_app() -> Found:
    """What the app would do here, as a process of its own says: the engine knows nothing of it."""
    asked = subprocess.run(
        [sys.executable, "-P", "-m", "tms_tui.doctor"],
        stdin=subprocess.DEVNULL,
        env=_users(os.environ),
        capture_output=True,
        timeout=_APP_WAIT,
    )
    if asked.returncode:
        last = asked.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return f"not known: {last[0] if last else f'it ended with {asked.returncode}'}"
    found: Found = json.loads(asked.stdout)
    return found


def _place(path: Path) -> str:
    """A directory: whether it is there and can be written, and the free space on its disk."""
    path = path.absolute()
    there = path.is_dir()
    near = next(p for p in (path, *path.parents) if p.exists())
    free = _size_of(shutil.disk_usage(near).free)
    if near != path and near.is_dir():
        state = f"not there yet, can {'' if os.access(near, os.W_OK | os.X_OK) else 'not '}be made"
    elif not there:
        state = f"{near} is no directory"
    else:
        state = "can be written" if os.access(path, os.W_OK | os.X_OK) else "cannot be written"
    return f"{path} ({state}, {free} free)"


def place(path: Path | None) -> Found:
    """As it stands in a report; a file's directory is looked at."""
    return "nowhere: there is no home directory" if path is None else probed(lambda: _place(path))


def _size_of(size: int) -> str:
    """Bytes, in the unit that suits them."""
    for unit, power in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):.1f} {unit}"
    return f"{size} bytes"


def _users(variables: Mapping[str, str]) -> dict[str, str]:
    """An environment without the LC_CTYPE that Python itself sets (PEP 538), where the system tells."""
    mine = dict(variables)
    with contextlib.suppress(OSError):
        pythons = mine.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8")
        if pythons and b"\0LC_CTYPE=" not in b"\0" + Path("/proc/self/environ").read_bytes():
            del mine["LC_CTYPE"]
    return mine


def _environment(variables: Mapping[str, str]) -> Found:
    values: dict[str, Found] = {name: variables[name] for name in _VALUES if name in variables}
    return values | {name: "set" for name in _SET if variables.get(name)}
