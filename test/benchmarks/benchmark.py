# SPDX-License-Identifier: MIT
"""Measures uvchan against its peers, and judges it by the targets in the table of
measure/workloads.py.

  python3 test/benchmarks/benchmark.py [option...] PROGRAMS PEERS OUT

PROGRAMS is the directory of the benchmark-* programs, PEERS the one of the peers' programs; the
results go to the directory OUT. All of it is built by test/benchmark.sh, which then calls this.
Needs Python 3.8 or later alone; gnuplot draws the plots where it is here.

Each round runs every program of every workload once, and the order of the programs turns from round
to round. What is compared was measured within one round, a moment apart: the ratio of a round is
uvchan's figure by the peer's, and the median of the rounds' ratios is what counts.
"""

import argparse
import csv
import fnmatch
import os
import sys

from measure.figures import TOLD
from measure.machine import describe_machine, warnings
from measure.plots import draw
from measure.rounds import Measuring
from measure.run import tell
from measure.tables import markdown, print_rows, print_verdicts
from measure.targets import judge
from measure.workloads import PEERS, ROWS


def words_of(text):
  return [word for word in text.split(",") if word]


def at_least_one(text):
  n = int(text)
  if n < 1:
    raise argparse.ArgumentTypeError("must be 1 or more")
  return n


def choose(patterns):
  """The rows by their ids, patterns of ids or names of curves."""
  for pattern in patterns:
    if not any(fnmatch.fnmatchcase(row.id, pattern) or row.curve == pattern for row in ROWS):
      sys.exit("benchmark.py: there is no workload '%s'; there are: %s" %
               (pattern, " ".join(row.id for row in ROWS)))
  return [
    row for row in ROWS
    if any(fnmatch.fnmatchcase(row.id, pattern) or row.curve == pattern for pattern in patterns)
  ]


def those_here(rows, directory):
  """A program that is not built here is told once, and its rows left out."""
  missing = sorted(set(row.workload for row in rows if not os.access(
    os.path.join(directory, "benchmark-" + row.workload), os.X_OK)))
  for workload in missing:
    tell("benchmark-%s is not here, and is left out" % workload)
  return [row for row in rows if row.workload not in missing]


def find_programs(directory, peers_directory, wanted):
  """Where the programs are, by their names."""
  places = {"uvchan": directory}
  for peer in PEERS if wanted is None else wanted:
    if peer not in PEERS:
      sys.exit("benchmark.py: there is no peer '%s'; there are: %s" % (peer, " ".join(PEERS)))
    path = os.path.join(peers_directory, peer)
    if os.access(path, os.X_OK) and os.path.isfile(path):
      places[peer] = path
    else:
      tell("%s is not here, and is left out" % peer)
  return places


def parse():
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter,
                                   epilog="The workloads: " + " ".join(row.id for row in ROWS))
  parser.add_argument("programs", metavar="PROGRAMS")
  parser.add_argument("peer_programs", metavar="PEERS")
  parser.add_argument("out", metavar="OUT")
  parser.add_argument("--quick", action="store_true",
                      help="3 rounds of 40 ms a run, and fewer points of the curves")
  parser.add_argument("--rounds", type=at_least_one, metavar="N", help="7, where nothing is said")
  parser.add_argument("--ms", type=at_least_one, metavar="N",
                      help="how long a run is to take: 300, where nothing is said")
  parser.add_argument("--only", type=words_of, metavar="ID[,..]",
                      help="these workloads: ids, patterns as many-*, or names of curves")
  parser.add_argument("--peers", type=words_of, metavar="NAME[,..]",
                      help="these peers, of " + " ".join(PEERS))
  return parser.parse_args()


def main():
  options = parse()
  rounds = options.rounds or (3 if options.quick else 7)
  ms = options.ms or (40 if options.quick else 300)
  if options.only:
    rows = choose(options.only)
  else:
    rows = [row for row in ROWS if row.quick or not options.quick]
  if not hasattr(os, "sched_setaffinity"):
    rows = [row for row in rows if not row.one_processor]
    tell("this system does not keep a program on one processor: no one-core")
  rows = those_here(rows, options.programs)
  places = find_programs(options.programs, options.peer_programs, options.peers)
  os.makedirs(options.out, exist_ok=True)

  machine = describe_machine()
  for one in machine:
    print("%-14s %s" % one)
  worries = list(warnings())
  for worry in worries:
    tell("warning: " + worry)

  with open(os.path.join(options.out, "results.csv"), "w", newline="", buffering=1) as file:
    log = csv.writer(file, lineterminator="\n")
    log.writerow(["round", "workload", "program", "arguments", "status", "seconds"] + list(TOLD))
    measuring = Measuring(rows, places, ms, log)
    results = measuring.all(rounds)

  verdicts = judge(rows, results)
  print_rows(rows, results, verdicts)
  if verdicts:
    print_verdicts(verdicts)
  with open(os.path.join(options.out, "tables.md"), "w") as file:
    file.write(markdown(machine, rows, results, verdicts, measuring.rounds, ms))
  drawn = draw(options.out, rows, results)

  for (row_id, label), why in sorted(results.unsupported.items()):
    print("not supported: %s by %s: %s" % (row_id, label, why))
  for failure in results.failures:
    print("failed: " + failure)
  for worry in worries:
    print("warning: " + worry)
  if measuring.crowded:
    print("warning: other programs used more than 5 %% of the processors in %d of %d rounds" %
          (measuring.crowded, measuring.rounds))
  print("\n%s: results.csv, tables.md%s" % (options.out, "".join(", " + name for name in drawn)))
  sys.exit(1 if any(label == "uvchan" for _, label in measuring.failed) else 0)


if __name__ == "__main__":
  main()
