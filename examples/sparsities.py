"""Train the paper's 5 features in 2 dimensions at six sparsities at once, eight models each.

Prints how many features a model represents, and its loss: the sparser the features, the more of them fit
into two dimensions.
"""

from tms_engine import Experiment, evaluate, geometry, train

sparsities = [0.0, 0.5, 0.7, 0.8, 0.9, 0.95]
models = 8
experiment = Experiment(
    n_features=5,
    n_hidden=2,
    n_instances=models * len(sparsities),
    sparsity=[sparsity for sparsity in sparsities for _ in range(models)],
    instances=[*range(models)] * len(sparsities),  # the same first weights at each sparsity
    importance_decay=0.9,
    bias=True,
    steps=5000,
)
run = train(experiment)

represented = geometry.represented(run.weights).sum(axis=1)  # (instances,): features with ‖W_j‖ above ½
losses = evaluate(run).loss  # (instances,): mean over rows and features, on fresh data
print("sparsity  represented  mean loss")
for i, sparsity in enumerate(sparsities):
    here = slice(i * models, (i + 1) * models)
    print(f"{sparsity:8.2f}  {represented[here].mean():6.2f} of 5  {losses[here].mean():.6f}")
