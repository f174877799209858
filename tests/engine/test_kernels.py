"""Which kernel trains, where, and why. Kernels that may not be here are played by the torch kernel."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.engine.test_trainer import assert_same_run
from tms_engine import Experiment, InputError, Trainer, device, evaluate, load_run, sampling, save_run
from tms_engine.analysis import clouds as cloud
from tms_engine.data import stream
from tms_engine.training import kernels
from tms_engine.training.torch_kernel import TorchKernel

pytestmark = pytest.mark.slow


class Here:
    """What the machine has. Assign to change it."""

    def __init__(self, monkeypatch) -> None:
        self._monkeypatch = monkeypatch
        self.device = "cpu"  # that "auto" finds
        self.prepared = 0
        self.lanes = "it is not looked at here"  # why it does not serve
        self.numba = self.triton = ""
        self.slow = ""  # why torch's is faster than triton's
        self.trouble = ""  # what triton's self-check finds
        monkeypatch.setattr(kernels, "resolve_device", self._resolve)
        monkeypatch.setattr(kernels, "check_memory", lambda experiment, kernel, device: None)
        here = self

        class Compiled(TorchKernel):
            def __init__(self, state, device="cpu") -> None:
                super().__init__(state, "cpu")

            def compiled(self, experiment) -> bool:
                return here.prepared > 0

            def prepare(self, experiment) -> None:
                here.prepared += 1

        for name in ("lanes", "numba", "triton"):
            module = SimpleNamespace(
                refusal=lambda _, name=name: getattr(self, name),
                slowness=lambda _: self.slow,
                trouble=lambda *_: self.trouble,
            )
            setattr(module, f"{name.capitalize()}Kernel", Compiled)
            monkeypatch.setitem(sys.modules, f"tms_engine.training.{name}.kernel", module)

    def without(self, name: str) -> None:
        self._monkeypatch.setitem(sys.modules, f"tms_engine.training.{name}.kernel", None)

    def _resolve(self, name: str) -> str:
        return self.device if name == "auto" else name


@pytest.fixture
def here(monkeypatch) -> Here:
    return Here(monkeypatch)


def choice(**fields) -> tuple[str, str]:
    return kernels.choose(Experiment(**fields))[:2]


def refusal(**fields) -> str:
    with pytest.raises(InputError) as caught:
        kernels.choose(Experiment(**fields))
    assert caught.value.field == "kernel"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_auto_takes_the_kernel_made_for_the_device(here):
    assert choice() == ("numba", "cpu")
    assert choice(device="cuda:1") == ("triton", "cuda:1")
    assert choice(device="mps") == ("torch", "mps")
    here.device = "cuda:0"
    assert choice() == ("triton", "cuda:0")
    assert choice(device="cpu") == ("numba", "cpu")
    assert choice(kernel="torch") == ("torch", "cuda:0")


def test_auto_takes_the_first_kernel_that_serves_and_says_why_not_another(here):
    assert kernels.choose(Experiment()).reason.endswith("lanes cannot, because it is not looked at here")
    here.lanes = ""
    assert choice() == ("lanes", "cpu")
    assert choice(kernel="numba") == ("numba", "cpu")
    here.without("lanes")
    assert "lanes cannot, because it cannot be imported here (" in kernels.choose(Experiment()).reason


def test_auto_takes_torch_where_that_kernel_does_not_serve_and_says_why(here):
    assert kernels.choose(Experiment()).reason.startswith("numba: compiled for the CPU")
    here.numba = "it has no anticorrelated features"
    assert choice() == ("torch", "cpu")
    assert kernels.choose(Experiment()).reason.endswith(
        "numba cannot, because it has no anticorrelated features"
    )
    here.without("numba")
    assert "it cannot be imported here (" in kernels.choose(Experiment()).reason
    here.without("triton")
    assert choice(device="cuda") == ("torch", "cuda")
    assert "no other is made for mps" in kernels.choose(Experiment(device="mps")).reason


def test_auto_takes_torch_where_it_is_faster_but_not_where_triton_is_asked_for(here):
    here.device, here.slow = "cuda:0", "so few models do not fill the GPU"
    assert choice() == ("torch", "cuda:0")
    assert kernels.choose(Experiment()).reason.endswith(
        "triton would be slower, because so few models do not fill the GPU"
    )
    assert choice(kernel="triton") == ("triton", "cuda:0")
    assert choice(device="cpu") == ("numba", "cpu")


def test_a_kernel_that_is_asked_for_trains_or_says_why_not(here):
    assert choice(kernel="numba") == ("numba", "cpu")
    assert choice(kernel="triton", device="cuda") == ("triton", "cuda")
    assert (
        "numba cannot train this on cuda:0, because it is made for cpu alone: use device cpu or"
        in refusal(kernel="numba", device="cuda:0")
    )
    assert (
        "triton cannot train this on cpu, because it is made for cuda alone: use device cuda or"
        in refusal(kernel="triton")
    )
    here.numba = "it has no such features"
    assert "because it has no such features: use kernel auto" in refusal(kernel="numba")
    here.without("numba")
    assert "because it cannot be imported here" in refusal(kernel="numba")


def test_numba_asked_for_without_a_device_is_no_reason_to_look_for_a_gpu(here, monkeypatch):
    asked = []
    monkeypatch.setattr(kernels, "resolve_device", lambda name: asked.append(name) or name)
    assert choice(kernel="numba") == ("numba", "cpu")
    assert asked == ["cpu"]


@pytest.mark.parametrize("kernel", ["numba", "torch"])
def test_a_run_goes_on_with_the_kernel_that_trained_it(here, tmp_path, kernel):
    here.numba = "" if kernel == "numba" else "it is not there yet"
    trainer = Trainer(Experiment(steps=50))
    assert trainer.kernel == kernel
    trainer.advance(20)
    save_run(trainer.run(), tmp_path)
    here.numba, here.device = "", "cuda:0"  # now numba serves, and on the next machine auto is a GPU
    run = load_run(tmp_path)
    assert run.kernel == kernel
    assert run.experiment.kernel == "auto"
    resumed = Trainer.resume(run, None if kernel == "numba" else "cpu")
    assert (resumed.kernel, resumed.device) == (kernel, "cpu")
    assert "has trained this run so far" in resumed.reason
    resumed.advance(30)
    trainer.advance(30)
    assert_same_run(resumed.run(), trainer.run())


def test_a_run_from_before_there_were_other_kernels_is_torchs(here, tmp_path, short_run):
    save_run(short_run, tmp_path)
    path = tmp_path / "state.safetensors"
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    arrays = load_file(path)
    del metadata["kernel"]
    save_file(arrays, path, metadata)
    assert load_run(tmp_path).kernel == "torch"
    assert Trainer.resume(load_run(tmp_path)).kernel == "torch"
    save_file(arrays, path, metadata | {"kernel": "abacus"})
    with pytest.raises(InputError, match="a kernel that this version of tms does not have: 'abacus'"):
        load_run(tmp_path)


def test_a_run_whose_kernel_is_not_on_this_machine_goes_on_where_it_is_told_to(here, short_run):
    run = short_run._replace(kernel="triton", experiment=short_run.experiment.replace(device="auto"))
    with pytest.raises(InputError, match=r"kernel triton, which trained this run.*: name a device") as caught:
        Trainer.resume(run)
    assert caught.value.field == "device"
    resumed = Trainer.resume(run, "cpu")
    assert resumed.kernel == resumed.run().kernel == "numba"


def test_torch_trains_where_triton_fails_its_self_check_and_says_so(here, short_run, monkeypatch):
    on_the_cpu = lambda state, device: TorchKernel(state, "cpu")  # noqa: E731
    monkeypatch.setattr("tms_engine.training.torch_kernel.TorchKernel", on_the_cpu)
    run = short_run._replace(kernel="triton")
    assert Trainer.resume(run, "cuda").kernel == "triton"
    here.trouble = "it raised Oops: no driver"
    with pytest.warns(UserWarning, match=r"torch kernel trains instead of triton's, for it raised Oops"):
        resumed = Trainer.resume(run, "cuda")
    assert resumed.kernel == resumed.run().kernel == "torch"
    assert resumed.reason.endswith("triton cannot, for it raised Oops: no driver")


def test_a_kernel_may_be_compiled_before_its_first_step(here):
    compiled = Trainer(Experiment())
    assert compiled.compiles
    compiled.prepare()
    assert here.prepared == 1
    assert not compiled.compiles
    plain = Trainer(Experiment(kernel="torch"))
    assert not plain.compiles
    plain.prepare()
    plain.advance(1)


def torch_free(script: str, *arguments: object) -> None:
    """Run a script, and find no torch loaded at its end, on whatever machine this is."""
    no_gpu = "import sys; from tms_engine import device; device._may_have_gpu = lambda: False\n"
    loaded = "\nassert 'torch' not in sys.modules"
    command = [sys.executable, "-c", no_gpu + script + loaded, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_training_on_the_cpu_and_looking_at_the_run_load_no_torch(tmp_path):
    commands = [
        ["train", "--steps=50", "--device=auto", f"--out={tmp_path / 'a'}"],
        ["train", "--steps=50", "--kernel=numba", f"--out={tmp_path / 'b'}"],
        ["show", str(tmp_path / "a")],
        ["show", "--json", str(tmp_path / "a")],
        ["figures", "--dpi=20", "--html", str(tmp_path / "a")],
    ]
    torch_free(f"""
from tms_engine.commands import main
for command in {commands}:
    assert main(command) == 0, command
    assert "torch" not in sys.modules, command
""")
    assert [load_run(tmp_path / name).kernel for name in "ab"] == ["lanes", "numba"]


def test_the_engines_modules_and_choosing_a_kernel_load_no_torch():
    torch_free("""
from tms_engine import *
from tms_engine import commands, data, device, runs
from tms_engine.analysis import clouds
from tms_engine.training import kernels
assert device.resolve_device("auto") == device.resolve_device("cpu") == "cpu"
assert kernels.choose(Experiment(kernel="torch"))[:2] == ("torch", "cpu")
""")


def test_a_run_is_evaluated_where_it_was_trained(short_run):
    on_the_cpu = short_run.experiment.replace(device="cpu")
    assert short_run._replace(experiment=on_the_cpu, kernel="torch").device == "cpu"
    auto = short_run._replace(experiment=on_the_cpu.replace(device="auto"))
    assert auto._replace(kernel="numba").device == "cpu"
    assert auto._replace(kernel="triton").device == auto._replace(kernel="torch").device == "auto"
    # cuda:7 may be another machine's; that must not keep anybody from looking at the run.
    assert auto._replace(experiment=on_the_cpu.replace(device="cuda:7"), kernel="triton").device == "auto"


@pytest.mark.parametrize("shape", [{}, {"n_features": 80, "n_hidden": 20, "n_instances": 2}])
def test_evaluation_and_clouds_are_the_same_with_numpy_and_with_torch(shape):
    trainer = Trainer(Experiment(bias=True, importance_decay=0.9, sparsity=0.8, **shape))
    trainer.advance(50)
    run = trainer.run()
    ours, theirs = (evaluate(run, 50_000, where) for where in ("cpu", "cpu:0"))
    assert np.allclose(ours.loss, theirs.loss, rtol=1e-6)
    assert np.allclose(ours.standard_error, theirs.standard_error, rtol=1e-4)
    shown = run.at()
    basis = np.eye(run.experiment.n_hidden, 3, dtype=np.float32)
    samples = [cloud.cloud_sample(run.experiment, 0, 20_000, where) for where in ("cpu", "cpu:0")]
    assert np.allclose(*(cloud.project(x, shown, 0, basis) for x in samples), atol=1e-5)
    assert np.allclose(*(cloud.reconstruction_errors(x, shown, 0) for x in samples), atol=1e-5)


def test_a_diverging_run_is_evaluated_without_a_word(short_run):
    huge = short_run.state._replace(parameters={"W": np.full((1, 8, 3), 1e30, np.float32)})
    run = short_run._replace(state=huge)
    assert not np.isfinite(evaluate(run, 1000, "cpu").loss).any()
    x = sampling.fresh(short_run.experiment, 0, 100, stream.CLOUD, "cpu")
    assert not np.isfinite(cloud.reconstruction_errors(x, run.at(), 0)).all()
    assert np.isfinite(cloud.project(x, run.at(), 0, np.eye(3, dtype=np.float32))).all()


def test_torch_is_asked_for_a_gpu_only_where_there_may_be_one(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(device.Path, "exists", lambda path: False)
    for platform, expected in (("linux", "libcuda.so.1"), ("win32", "nvcuda.dll")):
        loaded = []
        monkeypatch.setattr(device.sys, "platform", platform)
        monkeypatch.setattr(device.ctypes, "CDLL", loaded.append)
        assert device._may_have_gpu()
        assert loaded == [expected]
        monkeypatch.setattr(device.ctypes, "CDLL", missing)
        assert not device._may_have_gpu()
    monkeypatch.setattr(device.sys, "platform", "darwin")
    assert device._may_have_gpu()
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert device.resolve_device("auto") == "cuda:0"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert device.resolve_device("auto") == "cpu"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kernel": "numba"},
        {"kernel": "torch"},
        {"model": "linear"},
        {"model": "untied"},
        {"n_features": 80, "n_hidden": 20},
        {"features": "correlated"},
        {"features": "at_least_one"},
        {"relative_density": [1] * 8},
        {"dataset_rows": 10},
    ],
    ids=str,
)
def test_what_plans_take_for_the_kernel_is_what_trains_here(fields):
    experiment = Experiment(device="cpu", **fields)
    assert kernels.usual_on_a_cpu(experiment) == kernels.choose(experiment).kernel
