"""Take the weights of a run into torch, and its numbers into pandas (where that is installed).

Everything that a run holds is a numpy array, so any other library is one call away.
"""

from importlib import import_module

import torch

from tms_engine import Experiment, summarize, train

run = train(Experiment(n_instances=3, bias=True, steps=2000))

W = torch.tensor(run.state.parameters["W"])  # (instances, features, hidden), a copy
b = torch.tensor(run.state.parameters["b"])  # (instances, features)
x = torch.eye(8)  # each feature alone: (rows, features), the same for each instance
reconstruction = torch.relu(x @ W @ W.mT + b[:, None, :])  # (instances, rows, features)
print("each feature alone, as instance 0 reconstructs it")
print(reconstruction[0].round(decimals=2))

rows = summarize(run)["instances"]  # a list of dicts, one an instance
try:
    pandas = import_module("pandas")
except ImportError:
    print("pandas is not installed; its DataFrame takes these rows:", *rows, sep="\n")
else:
    print(pandas.DataFrame(rows).set_index("number"))
