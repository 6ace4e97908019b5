# SPDX-License-Identifier: MIT
"""Rounds of all programs in turn, and their results."""

import statistics
import time
from typing import Dict, List, Tuple

from measure.figures import FIGURES, TOLD
from measure.machine import Others
from measure.run import (Failure, MOST_FAILURES, PAUSE, SECONDS_MORE, Unsupported, execute,
                         programs_of, tell)


class Results:
  """The figures of all rounds: figures[row.id, label][round][figure]."""

  def __init__(self):
    self.figures: Dict[Tuple[str, str], Dict[int, Dict[str, float]]] = {}
    self.failures: List[str] = []
    self.unsupported: Dict[Tuple[str, str], str] = {}

  def note(self, row, label, round, told):
    figures = {name: make(told) for name, (_, make) in FIGURES.items()}
    of_program = self.figures.setdefault((row.id, label), {})
    of_program[round] = {name: figure for name, figure in figures.items() if figure is not None}

  def has(self, row_id, label):
    return bool(self.figures.get((row_id, label)))

  def spread(self, row_id, label, figure):
    """Median, least and most of the rounds, or None."""
    rounds = self.figures.get((row_id, label), {}).values()
    return spread([figures[figure] for figures in rounds if figure in figures])

  def ratio(self, row_id, other_row_id, label, figure):
    """The same of uvchan's figure by that of the program in the other row, in each round that has
    both."""
    ours = self.figures.get((row_id, "uvchan"), {})
    theirs = self.figures.get((other_row_id, label), {})
    pairs = [(ours[n].get(figure), theirs[n].get(figure)) for n in ours if n in theirs]
    return spread([a / b for a, b in pairs if a is not None and b])


def spread(figures):
  return (statistics.median(figures), min(figures), max(figures)) if figures else None


class Measuring:
  def __init__(self, rows, places, ms, log):
    self.rows = [(row, programs_of(row, places, ms)) for row in rows]
    self.seconds = ms / 1000 + SECONDS_MORE
    self.log = log
    self.results = Results()
    self.failed: Dict[Tuple[str, str], int] = {}
    self.crowded = 0
    self.rounds = 0

  def runs(self):
    return sum(len(programs) for _, programs in self.rows)

  def run(self, round, row, program):
    key = (row.id, program.label)
    if key in self.results.unsupported or self.failed.get(key, 0) >= MOST_FAILURES:
      return
    time.sleep(PAUSE)
    told, status = {}, "ok"
    begin = time.monotonic()
    try:
      told = execute(program.command, self.seconds, row.one_processor)
      self.results.note(row, program.label, round, told)
    except Unsupported as why:
      status = "not supported: %s" % why
      self.results.unsupported[key] = str(why)
      if program.label == "uvchan":
        self.fail(key, round, str(why))
    except Failure as why:
      status = "failed: %s" % why
      self.fail(key, round, str(why))
    self.log.writerow([
      round, row.id, program.label, " ".join(program.command[1:]), status,
      "%.3f" % (time.monotonic() - begin)
    ] + ["%.0f" % told[name] if name in told else "" for name in TOLD])

  def fail(self, key, round, why):
    self.failed[key] = self.failed.get(key, 0) + 1
    self.results.failures.append("%s: %s in round %d: %s" % (key + (round, why)))
    tell(self.results.failures[-1])
    if self.failed[key] == MOST_FAILURES:
      tell("%s: %s has failed %d times and is left out from here on" % (key + (MOST_FAILURES,)))

  def round(self, round):
    others = Others()
    for row, programs in self.rows:
      turn = round % len(programs) if programs else 0
      for program in programs[turn:] + programs[:turn]:
        self.run(round, row, program)
    self.rounds = round
    share = others.share()
    if share is not None and share > 0.05:
      self.crowded += 1
    return share

  def all(self, rounds):
    tell("rounds: %d; runs in each: %d" % (rounds, self.runs()))
    begin = time.monotonic()
    try:
      for round in range(1, rounds + 1):
        share = self.round(round)
        passed = time.monotonic() - begin
        others = ("" if share is None else "; others used %.0f %% of the processors" %
                  (100 * share))
        tell("round %d of %d, %.0f seconds to go%s" %
             (round, rounds, passed / round * (rounds - round), others))
    except KeyboardInterrupt:
      tell("stopped: what follows is of the rounds until here")
    return self.results
