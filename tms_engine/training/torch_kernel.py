"""The reference kernel: autograd and Adam written out, for any device and any model.

Adam is written here, not taken from torch.optim, because every instance has its own learning rate, and
because an instance that is no longer finite must stop alone. A test holds it to torch.optim.

On a CPU it runs on one thread: then each instance has the same bits whatever their number and whatever
the machine's (two threads split sums in two).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from tms_engine import features
from tms_engine.autoencoder import forward, row_losses
from tms_engine.experiment import Experiment
from tms_engine.training.optimizer import BETA1, BETA2, EPSILON, learning_rates
from tms_engine.training.state import Parameters, State

Tensors = dict[str, Float[Tensor, "instances ..."]]


class TorchKernel:
    """Holds the state of one run on a device and takes steps with it."""

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

    def advance(self, experiment: Experiment, n_steps: int) -> Float32[np.ndarray, "{n_steps} instances"]:
        """Take `n_steps` steps on the run's own data; returns their batch losses."""
        losses = [np.empty((0, experiment.n_instances), np.float32)]
        end = self._step + n_steps
        while self._step < end:
            n = min(features.steps_at_once(experiment), end - self._step)
            batches = features.batches(experiment, self._step, n, str(self._device))
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
        if np.any(experiment.importance() != 1):
            importance = torch.tensor(experiment.importance(), dtype=torch.float32, device=device)
        rates = learning_rates(experiment, self._step, n_steps)
        times = np.arange(self._step + 1, self._step + n_steps + 1)
        # Adam's corrections for moments that start at 0, in double precision as torch.optim has them.
        scales = torch.tensor(rates / (1 - BETA1**times)[:, None], dtype=torch.float32, device=device)
        roots = np.sqrt(1 - BETA2**times)
        decays = torch.tensor(1 - rates * experiment.weight_decay, dtype=torch.float32, device=device)

        losses = torch.empty(n_steps, experiment.n_instances, device=device)
        with _one_thread(device):
            for k in range(n_steps):
                loss, gradients = _gradients(batches[k], self._parameters, importance)
                updated = {
                    name: _adam(
                        self._parameters[name],
                        gradients[name],
                        self._first[name],
                        self._second[name],
                        experiment,
                        _over(scales[k], gradient),
                        float(roots[k]),
                        _over(decays[k], gradient),
                    )
                    for name, gradient in gradients.items()
                }
                losses[k] = self._keep_finite(loss, updated)
                self._step += 1
        return losses.cpu().numpy()

    def _keep_finite(
        self, loss: Float[Tensor, " instances"], updated: dict[str, tuple[Tensor, Tensor, Tensor]]
    ) -> Float[Tensor, " instances"]:
        """Take over what a step made of each instance, unless it, or an earlier one, was not finite."""
        learns = (self._diverged_at < 0) & torch.isfinite(loss)
        for parameter, _, second in updated.values():
            learns &= _all_finite(parameter) & _all_finite(second)
        for name, (parameter, first, second) in updated.items():
            keep = _over(learns, parameter)
            self._parameters[name] = torch.where(keep, parameter, self._parameters[name])
            self._first[name] = torch.where(keep, first, self._first[name])
            self._second[name] = torch.where(keep, second, self._second[name])
        self._diverged_at[~learns & (self._diverged_at < 0)] = self._step
        return torch.where(learns, loss, torch.nan)


def _gradients(
    x: Float[Tensor, "instances batch features"],
    parameters: Tensors,
    importance: Float[Tensor, "instances features"] | None,
) -> tuple[Float[Tensor, " instances"], Tensors]:
    """Loss of each instance and its gradient; instances do not touch, so their losses may be summed."""
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    with torch.enable_grad():
        reconstruction = forward(x, leaves["W"], leaves.get("b")).reconstruction
        loss = row_losses(x, reconstruction, importance).mean(-1)
        gradients = torch.autograd.grad(loss.sum(), list(leaves.values()))
    return loss.detach(), dict(zip(leaves, gradients, strict=True))


def _adam(
    parameter: Float[Tensor, "instances ..."],
    gradient: Float[Tensor, "instances ..."],
    first: Float[Tensor, "instances ..."],
    second: Float[Tensor, "instances ..."],
    experiment: Experiment,
    scale: Float[Tensor, "instances ..."],
    root: float,
    decay: Float[Tensor, "instances ..."],
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of Adam: (parameter, first moment, second moment) after it.

    `scale` is learning rate / (1 − β₁ᵗ), `root` is √(1 − β₂ᵗ), `decay` 1 − learning rate · weight decay.
    """
    if experiment.weight_decay:
        if experiment.optimizer == "adamw":
            parameter = parameter * decay
        else:
            gradient = gradient + experiment.weight_decay * parameter
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


@contextmanager
def _one_thread(device: torch.device) -> Iterator[None]:
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if device.type == "cpu":
            torch.set_num_threads(threads)
