"""`tms show`: a run in numbers."""

import argparse
import json

from tms_engine.commands import options as common
from tms_engine.commands.text import instance_rows, summary_text, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_run(parser)
    parser.add_argument("--instance", metavar="I", help="features of this instance (default: a table of all)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    common.add_plugins(parser)


def run(options: argparse.Namespace) -> int:
    from tms_engine.analysis.evaluation import features_of, summarize
    from tms_engine.runs import load_run, load_summary

    run = load_run(options.run)
    instance = 0 if options.instance is None else common.whole_number(options.instance, "instance")
    rows = features_of(run, instance)
    summary = load_summary(options.run) or summarize(run)
    if options.json:
        experiment = run.experiment.model_dump(mode="json")
        print(json.dumps({"experiment": experiment, **summary, "features": rows}, indent=2))
        return 0
    print(summary_text(summary, run))
    several = run.experiment.n_instances > 1 and options.instance is None
    print("\n" + table(instance_rows(summary, run.current) if several else rows))
    return 0
