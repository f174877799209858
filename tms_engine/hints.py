"""What other tools call our fields and options, in one table: for command lines, config files and keyword
arguments alike.

The names are those of PyTorch, of the paper's notebook, of ARENA's chapter, of the peers on PyPI, and of
usual command lines. A name is looked up without its case, hyphens and underscores, as in
`--num-epochs` and `numEpochs`.
"""

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple


class Hint(NamedTuple):
    """What a name of others is here.

    ours     our field or option; "" if there is none
    note     where the meaning differs, or why there is none
    convert  their value, as text or as Python has it, to ours; None where that cannot be done
    """

    ours: str
    note: str = ""
    convert: Callable[[Any], Any] = lambda value: value


def _sparsity(density: Any) -> Any:
    """1 − p, of a number or of a list of numbers, to the digit: 0.05 is 0.95."""
    try:
        if isinstance(density, str):
            density = density.split(",") if "," in density else density
        if not isinstance(density, str) and isinstance(density, Iterable):
            return [_one_sparsity(p) for p in density]
        return _one_sparsity(density)
    except (InvalidOperation, ValueError):
        return None


def _one_sparsity(density: Any) -> Decimal:
    sparsity = 1 - Decimal(str(density).strip())
    if not 0 <= float(sparsity) < 1:
        raise ValueError
    return sparsity.normalize() if sparsity else Decimal(0)


def _device(value: Any) -> str:
    """Of `--gpu`, `--cuda 1`, use_cuda=True."""
    number = str(value).strip()
    return f"cuda:{int(number)}" if re.fullmatch(r"[0-9]{1,3}", number) else "cuda"


def _model(activation: Any) -> str | None:
    return {"relu": "tied_relu", "linear": "linear", "identity": "linear"}.get(str(activation).lower())


def _tied(value: Any) -> str:
    return "tied_relu" if _flag(value) else "untied"


def _flag(value: Any) -> bool:
    return str(value).lower() not in ("false", "0", "no", "off")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _always(value: str) -> Callable[[Any], str]:
    return lambda _: value


def _nothing(_: Any) -> None:
    """Their value says nothing of ours."""


_STEP = "a step is one update by the optimiser"
_DENSITY = "sparsity is 1 − density"
_ADAM = "Adam has β₁ = 0.9, β₂ = 0.999, ε = 1e-8 here"

# Names with blanks between -> what they are here.
_TABLE: dict[str, Hint] = {
    "input_dim input_size in_dim dim_in d_in d_input in_features n_inputs n_feats n_feat num_features "
    "num_feats feature_dim feature_count n": Hint("n_features"),
    "latent_dim latent_size n_latent d_latent hidden hidden_dim hidden_size num_hidden d_hidden d_hid h_dim "
    "bottleneck bottleneck_dim bottleneck_size embedding_dim n_dims m": Hint("n_hidden"),
    "n_inst num_inst num_instances n_models num_models n_replicates n_copies n_seeds num_seeds n_runs "
    "ensemble_size": Hint("n_instances"),
    "density densities feature_density": Hint("sparsity", _DENSITY, _sparsity),
    "p prob probability feature_probability feature_probabilities feature_prob feature_probs feat_prob "
    "p_active p_feature active_prob activation_prob activation_probability": Hint(
        "sparsity", "sparsity is 1 − the probability that a feature is active", _sparsity
    ),
    "sparsities feature_sparsity s": Hint("sparsity"),
    "importances feature_importance feature_importances importance_weights": Hint("importance"),
    "importance_factor importance_base importance_gamma gamma": Hint("importance_decay"),
    "decay": Hint("importance_decay", "that of the weights is weight_decay"),
    "batch bs n_batch minibatch minibatch_size train_batch_size": Hint("batch_size"),
    "epochs epoch num_epochs n_epochs max_epochs iterations n_iterations num_iterations iters n_iters "
    "num_iters max_iters": Hint("steps", _STEP),
    "n_steps num_steps max_steps total_steps train_steps training_steps": Hint("steps"),
    "lr base_lr init_lr step_size eta": Hint("learning_rate"),
    "wd l2 weight_decay_rate": Hint("weight_decay"),
    "optim opt optimiser": Hint("optimizer", "", _lower),
    "lr_schedule lr_scheduler scheduler lr_decay annealing": Hint("schedule"),
    "random_seed rng rng_seed manual_seed torch_seed random_state": Hint("seed"),
    "gpu gpus gpu_id cuda use_cuda use_gpu": Hint("device", "", _device),
    "accelerator": Hint("device", "", lambda value: "cuda" if value in ("gpu", "GPU") else value),
    "cpu no_cuda": Hint("device", "", _always("cpu")),
    "mps": Hint("device", "", _always("mps")),
    "tied tie_weights tied_weights": Hint("model", "", _tied),
    "untied": Hint("model", "", _always("untied")),
    "linear": Hint("model", "", _always("linear")),
    "act act_fn activation activation_fn activation_function nonlinearity": Hint(
        "model", "the activation is the model's", _model
    ),
    "arch architecture model_type model_name": Hint("model", "", _nothing),
    "data data_law law distribution dataset": Hint("features", "the data law", _nothing),
    "correlated n_correlated_pairs": Hint("features", "the data law", _always("correlated")),
    "anticorrelated n_anticorrelated_pairs": Hint("features", "the data law", _always("anticorrelated")),
    "k k_active l0 num_active active_features n_active_features": Hint("n_active"),
    "group_size pair_size cluster_size set_sizes": Hint("set_size"),
    "relative_densities density_per_feature": Hint("relative_density"),
    "magnitude value_distribution": Hint("magnitudes"),
    "n_data n_train train_size dataset_size n_datapoints": Hint("dataset_rows"),
    "normalize normalise unit_norm": Hint("unit_rows", "", _flag),
    "initialization initialisation init_method weight_init": Hint("init"),
    "xavier glorot": Hint("init", "", _always("xavier")),
    "use_bias with_bias": Hint("bias", "", _flag),
    "checkpoints n_checkpoints snapshots n_snapshots checkpoint_every save_every": Hint(
        "keep", "how many weights over time are kept", _nothing
    ),
    "backend compile": Hint("kernel", "", _nothing),
    "beta betas beta1 beta2 eps epsilon adam_eps": Hint("", _ADAM),
    "momentum": Hint("", "the optimisers are adam and adamw"),
    "warmup warmup_steps n_warmup": Hint("", "schedule is constant, linear or cosine, each without warm-up"),
    # of command lines alone
    "o output output_dir out_dir save_dir save_path log_dir": Hint("out"),
    "c cfg conf config_file": Hint("config"),
    "plugins import": Hint("plugin"),
    "silent": Hint("quiet", "", _flag),
    "resolution": Hint("dpi"),
    "frame_rate": Hint("fps"),
    "speed": Hint("pace"),
    "headless": Hint("once", "", _flag),
}

# Presets by other names.
PRESET_NAMES = {
    "seed": "gist",
    "default": "gist",
    "heimersheim": "gist",
    "demo": "gist",
    "pentagon": "paper-5-2",
    "geometry": "paper-400-30",
    "phase": "phase-2-1",
    "phases": "phase-2-1",
    "phase-diagram": "phase-2-1",
    "correlation": "correlated",
    "anticorrelation": "anticorrelated",
}


def squeezed(name: str) -> str:
    """A name without its case and what stands between its words."""
    return re.sub(r"[-_. ]", "", name).lower()


HINTS: dict[str, Hint] = {name: hint for names, hint in _TABLE.items() for name in names.split()}
_BY_SQUEEZED = {squeezed(name): hint for name, hint in HINTS.items()}


def hint_for(name: str) -> Hint | None:
    """What a name of other tools is here, if the table has it."""
    return _BY_SQUEEZED.get(squeezed(name))


def as_option(hint: Hint, value: Any = None) -> str:
    """What should be given on a command line, with the value if there is one to convert: "--steps 100"."""
    name, ours = hint.ours.replace("_", "-"), _converted(hint, value)
    if isinstance(ours, bool):
        return f"--{name}" if ours else f"--no-{name}"
    return f"--{name}" if ours is None else f"--{name} {_text(ours)}"


def as_field(hint: Hint, value: Any = None) -> str:
    """The same for a config file or a keyword argument: "steps = 100"."""
    ours = _converted(hint, value)
    return hint.ours if ours is None else f"{hint.ours} = {_literal(ours)}"


def question(suggestion: str, hint: Hint) -> str:
    """The hint as it stands at the end of a sentence."""
    if not hint.ours:
        return hint.note
    return f"did you mean {suggestion}?" + (f" ({hint.note})" if hint.note else "")


def _converted(hint: Hint, value: Any) -> Any:
    """Our value, None if there is none or it would be long."""
    ours = hint.convert(value)
    return None if ours is None or len(_text(ours)) > 60 else ours


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _literal(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, default=str, ensure_ascii=False)
