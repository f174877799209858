"""Sweep the paper's 2 features in 1 dimension over densities and importances, eight models a point.

Prints the phase of the best model at each point: one feature has the dimension (1 or 2), or both share it as
an antipodal pair (+).
"""

from tms_engine import Experiment, Sweep, phases

base = Experiment(n_features=2, n_hidden=1, bias=True, init="xavier", schedule="cosine", steps=3000)
sweep = Sweep(base, {"density": "log:1:0.03:8", "importance_decay": "log:10:0.1:5"}, seeds=8, weights=True)
table = sweep.train()  # a polars DataFrame; sweep.train("phases") keeps it in a directory, and goes on there

best = table.sort("loss").group_by("density", "importance_decay", maintain_order=True).first()
weights = sweep.weights(best["row"].to_list())  # (models, features, hidden)
marks = {"dedicate first": "1", "dedicate second": "2", "antipodal": "+"}
found = [marks.get(phase, "?") for phase in phases.phase_of(weights[..., 0])]
cells = dict(zip(best.select("importance_decay", "density").rows(), found, strict=True))
print("importance of the second feature, against densities from 1 to .03")
for importance in sweep.values("importance_decay"):
    row = " ".join(cells[importance, density] for density in sweep.values("density"))
    print(f"{importance:6.2f}  {row}")
print(f"{len(table)} models, of which {len(best)} are the best of their points")
