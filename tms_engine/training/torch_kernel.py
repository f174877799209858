"""The reference kernel: autograd and Adam written out, for any device and any model.

Adam is written out here because torch.optim has no learning rate per instance, and because an instance that
is no longer finite must stop while the others go on. A test compares it with torch.optim.

On a CPU it runs on one thread. Several threads split sums, and the bits of an instance would depend on the
number of threads and of instances. On a GPU they may depend on the number of instances, by which its library
chooses how to multiply; a run resumed, or cut otherwise, has the same bits there too.
"""

import warnings
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from tms_engine import process, sampling
from tms_engine.experiment import Experiment
from tms_engine.models import Model, model
from tms_engine.models.layers import forward, row_losses
from tms_engine.training.optimizers import BETA1, BETA2, EPSILON, adam_steps, weight_decays
from tms_engine.training.state import Parameters, State

Tensors = dict[str, Float[Tensor, "instances ..."]]


class OnDevice:
    """The state of one run, as tensors on a device."""

    def __init__(self, state: State, device: str) -> None:
        def upload(parameters: Parameters) -> Tensors:
            return {name: torch.tensor(value, device=device) for name, value in parameters.items()}

        self._device = torch.device(device)
        self._step = state.step
        self._parameters = upload(state.parameters)
        self._first = upload(state.first_moments)
        self._second = upload(state.second_moments)
        self._diverged_at = torch.tensor(state.diverged_at, device=device)

    def state(self) -> State:
        def download(tensors: Tensors) -> Parameters:
            return {name: value.cpu().numpy().copy() for name, value in tensors.items()}

        return State(
            step=self._step,
            parameters=download(self._parameters),
            first_moments=download(self._first),
            second_moments=download(self._second),
            diverged_at=self._diverged_at.cpu().numpy().copy(),
        )

    def n_diverged(self) -> int:
        return int((self._diverged_at >= 0).sum())


class TorchKernel(OnDevice):
    """Holds the state of one run on a device and takes steps with it."""

    def __init__(self, state: State, device: str) -> None:
        super().__init__(state, device)
        self._captures = self._device.type == "cuda"
        self._captured: tuple[object, _Captured] | None = None

    def advance(self, experiment: Experiment, n_steps: int) -> Float32[np.ndarray, "{n_steps} instances"]:
        """Take `n_steps` steps on the run's own data; returns their batch losses."""
        losses = [np.empty((0, experiment.n_instances), np.float32)]
        end = self._step + n_steps
        while self._step < end:
            device = str(self._device)
            n = min(sampling.steps_at_once(experiment, device), end - self._step)
            batches = sampling.batches(experiment, self._step, n, device)
            losses.append(self._take(experiment, torch.as_tensor(batches)))
        return np.concatenate(losses)

    def train_on(
        self, experiment: Experiment, batches: Float32[np.ndarray, "steps instances batch features"]
    ) -> Float32[np.ndarray, "steps instances"]:
        """Take one step on each of these batches; returns their losses, NaN for diverged instances."""
        return self._take(experiment, torch.tensor(batches, device=self._device))

    def _take(
        self, experiment: Experiment, batches: Float32[Tensor, "steps instances batch features"]
    ) -> Float32[np.ndarray, "steps instances"]:
        device, n_steps = self._device, len(batches)
        importance = None
        weights = experiment.feature_importance()
        if np.any(weights != 1):
            importance = torch.tensor(weights, dtype=torch.float32, device=device)
        adam = adam_steps(experiment, self._step, n_steps)
        scales, roots, decays = (
            torch.tensor(values, dtype=torch.float32, device=device) for values in adam[:3]
        )
        steps = torch.arange(self._step, self._step + n_steps, device=device)
        losses = torch.empty(n_steps, experiment.n_instances, device=device)
        with process.one_torch_thread() if device.type == "cpu" else nullcontext():
            for k in range(n_steps):
                inputs = [batches[k], scales[k], roots[k], decays[k], steps[k]]
                inputs += [] if importance is None else [importance]
                losses[k] = self._stepper(experiment, inputs)(*inputs)
                self._step += 1
        return losses.cpu().numpy()

    def _stepper(self, experiment: Experiment, inputs: list[Tensor]) -> Callable[..., Tensor]:
        """What takes a step: on a GPU as one CUDA graph, for its many launches cost more than their work."""

        def take(*inputs: Tensor) -> Tensor:
            return self._take_one(experiment, *inputs)

        if not self._captures:
            return take
        wanted = (experiment.optimizer, experiment.weight_decay, [tensor.shape for tensor in inputs])
        if self._captured is None or self._captured[0] != wanted:
            state = [self._diverged_at]
            for tensors in (self._parameters, self._first, self._second):
                state += tensors.values()
            try:
                self._captured = wanted, _Captured(take, inputs, state)
            except RuntimeError as error:
                self._captures = False
                message = f"no CUDA graph can be made of a step, so steps are slow: {error}"
                warnings.warn(message, stacklevel=2)
                return take
        return self._captured[1]

    def _take_one(
        self,
        experiment: Experiment,
        x: Float[Tensor, "instances batch features"],
        scale: Float[Tensor, " instances"],
        root: Float[Tensor, ""],
        decay: Float[Tensor, " instances"],
        step: Int[Tensor, ""],
        importance: Float[Tensor, "instances features"] | None = None,
    ) -> Float[Tensor, " instances"]:
        """One step, in place; returns its losses. Issues no device synchronisation."""
        loss, gradients = _gradients(model(experiment.model), x, self._parameters, importance)
        l2, decoupled = weight_decays(experiment)
        updated = {
            name: _adam(
                self._parameters[name],
                gradient,
                self._first[name],
                self._second[name],
                _over(scale, gradient),
                root,
                _over(decay, gradient) if decoupled else None,
                l2,
            )
            for name, gradient in gradients.items()
        }
        return self._keep_finite(loss, updated, step)

    def _keep_finite(
        self,
        loss: Float[Tensor, " instances"],
        updated: dict[str, tuple[Tensor, Tensor, Tensor]],
        step: Int[Tensor, ""],
    ) -> Float[Tensor, " instances"]:
        """Take over what a step made of each instance, unless it, or an earlier one, was not finite."""
        learns = (self._diverged_at < 0) & torch.isfinite(loss)
        for parameter, _, second in updated.values():
            learns &= _all_finite(parameter) & _all_finite(second)
        for name, (parameter, first, second) in updated.items():
            keep = _over(learns, parameter)
            self._parameters[name].copy_(torch.where(keep, parameter, self._parameters[name]))
            self._first[name].copy_(torch.where(keep, first, self._first[name]))
            self._second[name].copy_(torch.where(keep, second, self._second[name]))
        stops = ~learns & (self._diverged_at < 0)
        self._diverged_at.copy_(torch.where(stops, step, self._diverged_at))
        return torch.where(learns, loss, torch.nan)


class _Captured:
    """A step as a CUDA graph, which is replayed on inputs that are copied to where the first ones were."""

    def __init__(self, take: Callable[..., Tensor], inputs: list[Tensor], state: list[Tensor]) -> None:
        """`take` works on `state` in place. Raises RuntimeError if it cannot be captured."""
        self._inputs = [tensor.clone() for tensor in inputs]
        before = [tensor.clone() for tensor in state]
        with torch.cuda.device(inputs[0].device):
            # Libraries make ready at their first call, which must not be captured: take a step and undo it.
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                take(*self._inputs)
            torch.cuda.current_stream().wait_stream(aside)
            for tensor, value in zip(state, before, strict=True):
                tensor.copy_(value)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._loss = take(*self._inputs)

    def __call__(self, *inputs: Tensor) -> Tensor:
        for mine, given in zip(self._inputs, inputs, strict=True):
            mine.copy_(given)
        self._graph.replay()
        return self._loss


def _gradients(
    model: Model,
    x: Float[Tensor, "instances batch features"],
    parameters: Tensors,
    importance: Float[Tensor, "instances features"] | None,
) -> tuple[Float[Tensor, " instances"], Tensors]:
    """Loss of each instance and its gradient; instances do not touch, so their losses may be summed."""
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    with torch.enable_grad():
        reconstruction = forward(model, leaves, x).reconstruction
        loss = row_losses(model.target(x), reconstruction, importance).mean(-1)
        gradients = torch.autograd.grad(loss.sum(), list(leaves.values()))
    return loss.detach(), dict(zip(leaves, gradients, strict=True))


def _adam(
    parameter: Float[Tensor, "instances ..."],
    gradient: Float[Tensor, "instances ..."],
    first: Float[Tensor, "instances ..."],
    second: Float[Tensor, "instances ..."],
    scale: Float[Tensor, "instances ..."],
    root: Float[Tensor, ""],
    decay: Float[Tensor, "instances ..."] | None,
    l2: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of Adam: (parameter, first moment, second moment) after it. Arguments as of AdamSteps."""
    if decay is not None:
        parameter = parameter * decay
    if l2:
        gradient = gradient + l2 * parameter
    first = torch.lerp(first, gradient, 1 - BETA1)
    second = (second * BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
    return parameter - scale * first / (second.sqrt().div_(root).add_(EPSILON)), first, second


def _over(
    values: Float[Tensor, " instances"] | Bool[Tensor, " instances"], like: Float[Tensor, "instances ..."]
) -> Tensor:
    """One value an instance, shaped to meet an array of theirs."""
    return values.view(-1, *[1] * (like.ndim - 1))


def _all_finite(values: Float[Tensor, "instances ..."]) -> Bool[Tensor, " instances"]:
    return torch.isfinite(values).flatten(1).all(1)
