# SPDX-License-Identifier: MIT
"""What uvchan's figures must be, and whether they are."""

import re
from typing import NamedTuple, Optional, Tuple

from measure.figures import FIGURES
from measure.workloads import Row


class Target(NamedTuple):
  figure: str
  sign: str
  limit: float
  peer: str  # what it is compared with, or "": the figure itself is
  row_id: str  # where that was measured
  tolerance: float

  def words(self):
    what = FIGURES[self.figure][0]
    if not self.peer:
      return "%s %s %s" % (what, self.sign, "{:,.0f}".format(self.limit))
    other = "uvchan's in " + self.row_id if self.peer == "uvchan" else self.peer
    allowed = " (%.0f %% tolerated)" % (100 * self.tolerance) if self.tolerance else ""
    return "%s %s %.4g of %s%s" % (what, self.sign, self.limit, other, allowed)

  def is_met_by(self, figure):
    limit = self.limit * (1 + self.tolerance)
    return figure < limit if self.sign == "<" else figure <= limit


def read_target(text, row_id):
  figure, sign, limit, row, peer, tolerance = re.fullmatch(
    r"(\w+) (<=?) ([\d.]+)(?: of (row )?(.+?))?(?: within (\d+)%)?", text).groups()
  if row:
    peer, row_id = "uvchan", peer
  return Target(figure, sign, float(limit), peer or "", row_id, int(tolerance or 0) / 100)


class Verdict(NamedTuple):
  row: Row
  target: Target
  measured: Optional[Tuple[float, float, float]]

  def is_met(self):
    return self.measured is not None and self.target.is_met_by(self.measured[0])

  def words(self):
    if self.measured is None:
      return "not measured"
    return "met" if self.is_met() else "NOT met"


def judge(rows, results):
  verdicts = []
  for row in rows:
    for target in (read_target(text, row.id) for text in row.targets):
      if target.peer:
        measured = results.ratio(row.id, target.row_id, target.peer, target.figure)
      else:
        measured = results.spread(row.id, "uvchan", target.figure)
      verdicts.append(Verdict(row, target, measured))
  return verdicts
