"""Draw figures of a run into panels of your own, as in a notebook, and save them as one PNG.

Every figure function returns a matplotlib Figure; with `ax=` it draws into an Axes that you have.
"""

# matplotlib's own types are incomplete:
# pyright: reportUnknownMemberType=false

import matplotlib.pyplot as plt

from tms_engine import Camera, Experiment, gram_figure, loss_figure, train, weights_figure

run = train(Experiment(steps=3000))

figure = plt.figure(figsize=(15, 4.5), layout="constrained")
loss_figure(run, ax=figure.add_subplot(1, 3, 1))
gram_figure(run, ax=figure.add_subplot(1, 3, 2))
space = figure.add_subplot(1, 3, 3, projection="3d")
weights_figure(run, step=500, camera=Camera(yaw=30, pitch=20), ax=space)  # the kept step nearest to 500
figure.savefig("run.png", dpi=80)
print("saved run.png")
