"""Measures uvchan against its peers, and judges it by the targets in the table of workloads below.

  python3 test/benchmark.py [option...] PROGRAMS PEERS OUT

PROGRAMS is the directory of the benchmark-* programs, PEERS the one of the peers' programs; the results go to the directory OUT. All of it
is built by test/benchmark.sh, which then calls this. Needs Python 3.8 or later alone; gnuplot draws the plots where it is here.

Each round runs every program of every workload once, and the order of the programs turns from round to round. What is compared was
measured within one round, a moment apart: the ratio of a round is uvchan's figure by the peer's, and the median of the rounds' ratios is
what counts.
"""

import argparse
import csv
import fnmatch
import os
import platform
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time
from typing import Dict, List, NamedTuple, Optional, Tuple

# ---- The workloads -----------------------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
  """One workload. Every program gets `args`; a name in `peers` may be followed by arguments of its own, and `uvchan` has uvchan's own.

  A target says what uvchan's figure must be: "ns <= 12" alone, "ns <= 0.45 of array" as a ratio to a peer's, "ns <= 1 of row many-1" to
  uvchan's own in another workload; " within 5%" lets it pass by so much, for noise.
  """

  id: str
  words: str
  workload: str
  args: str
  peers: Tuple[str, ...] = ()
  targets: Tuple[str, ...] = ()
  uvchan: str = ""
  figure: str = "ns"  # what the ratios compare
  beside: str = ""  # a workload whose figure of uvchan is shown for comparison
  one_processor: bool = False
  curve: str = ""  # the curve that this is a point of,
  x: int = 0  # and where
  quick: bool = True  # is in --quick too


def names(text):
  return tuple(name.strip() for name in text.split(","))


PEERS = names("list, array, moodycamel, ck, glib, asio, crossbeam, flume, tokio, go, limits")

THREAD_TO_LOOP = "from=thread to=loop capacity=1024 "

ROWS = [
  Row("stream-8", "one thread sends 8 bytes at a time to a loop", "stream", THREAD_TO_LOOP + "size=8 pin=1", peers=PEERS,
      targets=("ns <= 0.45 of array", "ns <= 0.65 of crossbeam", "ns <= 3.5 of limits")),
  Row("stream-8-batch", "64 values of 8 bytes in a call", "stream", THREAD_TO_LOOP + "size=8 batch=64 pin=1",
      peers=names("array, limits batch=1, limits"), targets=("ns <= 2 of limits batch=1",)),
  Row("one-core", "as stream-8, all on one processor", "stream", THREAD_TO_LOOP + "size=8", one_processor=True,
      peers=names("list, array, moodycamel, crossbeam, tokio, go"), targets=("ns <= 1 of array",)),
  Row("stream-64", "one thread sends 64 bytes at a time to a loop", "stream", THREAD_TO_LOOP + "size=64 pin=1",
      peers=names("array, moodycamel, crossbeam, limits"), targets=("ns < 1 of crossbeam", "ns < 1 of moodycamel", "ns <= 1.3 of limits")),
  Row("stream-1k", "one thread sends 1,024 bytes at a time to a loop", "stream", THREAD_TO_LOOP + "size=1024 pin=1",
      peers=names("array, crossbeam, limits"), targets=("ns <= 1.5 of limits",)),
  Row("four-senders", "four threads send to one loop", "stream", THREAD_TO_LOOP + "senders=4 pin=1",
      peers=names("list, array, moodycamel, crossbeam, tokio, go"), targets=("ns <= 0.4 of array", "ns <= 0.65 of crossbeam")),
  Row("loop-thread", "a loop sends to a thread", "stream", "from=loop to=thread capacity=1024 pin=1", peers=names("array"),
      targets=("ns <= 0.45 of array",), beside="stream-8"),
  Row("loop-loop", "a loop sends to a loop", "stream", "from=loop to=loop capacity=1024 pin=1", peers=names("array"),
      targets=("ns <= 0.45 of array",), beside="stream-8"),
  Row("two-two", "two threads send, two threads receive", "stream", "from=thread to=thread senders=2 receivers=2 capacity=1024 pin=0",
      peers=names("moodycamel, asio, crossbeam, flume, go"), targets=("ns <= 0.8 of crossbeam",)),
  Row("unbuffered", "a thread hands over to a thread, capacity 0", "stream", "from=thread to=thread capacity=0 pin=1",
      peers=names("asio, crossbeam, flume, go"), targets=("ns < 1 of crossbeam", "ns < 1 of asio", "ns < 1 of flume")),
  Row("same-loop", "on one loop, one value on its way; limits: a uv_async_t of its own", "same-loop", "run=1",
      peers=names("array, asio, tokio, go, limits"), targets=("ns <= 12",)),
  Row("same-loop-16", "on one loop, runs of 16 values", "same-loop", "run=16", peers=names("array, asio, tokio, go"),
      targets=("ns <= 12",)),
  Row("same-loop-idle", "one turn of the loop a value; limits: a bare turn", "same-loop", "", uvchan="from=idle",
      peers=names("limits run=0")),
  Row("pingpong", "to and fro between two loops; values: round trips; limits: two bare uv_async_t", "pingpong", "capacity=1 pin=1",
      peers=names("array, asio, crossbeam, tokio, go, limits"), targets=("ns <= 1.05 of limits",)),
  Row("pingpong-spin", "as pingpong, uvchan spins for up to 50 us before it sleeps; limits: a bare word", "pingpong",
      "capacity=1 pin=1", uvchan="spin=50", peers=names("crossbeam, limits spin=1"), targets=("ns <= 1.3 of crossbeam",)),
  Row("paced", "a value each 10 us, to a loop that sleeps in between", "paced", "period=10000 pin=1", figure="p50",
      peers=names("array, asio, crossbeam, tokio, go"),
      targets=("p50 <= 1 of array within 5%", "p99 <= 1 of array within 5%", "receiver <= 1 of array within 5%")),
  Row("paced-spin", "as paced, uvchan spins for up to 50 us before it sleeps", "paced", "period=10000 pin=1", uvchan="spin=50",
      figure="p50", peers=names("crossbeam"), targets=("p50 < 1 of crossbeam",)),
  Row("select-2", "select over 2 channels that have values", "select", "channels=2 mode=ready", peers=names("crossbeam, go")),
  Row("select-8", "select over 8", "select", "channels=8 mode=ready", peers=names("crossbeam, go"),
      targets=("ns < 1 of crossbeam", "ns < 1 of go")),
  Row("select-64", "select over 64", "select", "channels=64 mode=ready", peers=names("crossbeam, go")),
  Row("select-waking", "select over 64, woken by one of them, and an answer; values: round trips", "select",
      "channels=64 mode=waking pin=1", peers=names("crossbeam, go")),
  Row("memory-idle", "a channel of 16 values of 8 bytes, used once", "memory", "kind=idle", figure="bytes",
      peers=names("list, array, crossbeam, flume, tokio, go"), targets=("bytes <= 512",)),
  Row("memory-empty", "an unbounded channel, used once", "memory", "kind=empty", figure="bytes",
      peers=names("list, moodycamel, crossbeam, flume, tokio"), targets=("bytes <= 512",)),
  Row("memory-million", "an unbounded channel with 1,000,000 values of 8 bytes", "memory", "kind=million", figure="bytes",
      peers=names("list, moodycamel, crossbeam, flume, tokio"), targets=("bytes <= 10000000", "drained_bytes <= 4096")),
]


def curve(name, points, quick, row):
  return [row(n)._replace(curve=name, x=n, quick=n in quick) for n in points]


SHORT = names("array, crossbeam")
MANY_TARGETS = {
  1000: ("ns <= 1 of row many-1",),
  10000: ("ns <= 0.25 of array", "ns < 1 of tokio", "ns < 1 of go"),
}

ROWS += curve("many", (1, 10, 100, 1000, 10000), (1, 1000, 10000), lambda n: Row(
  "many-%d" % n, "a thread sends at random to channels of one loop: {:,}".format(n), "many",
  "channels=%d capacity=16 pin=1" % n, peers=names("array, tokio, go") + (() if n > 1000 else names("crossbeam")),
  targets=MANY_TARGETS.get(n, ())))
ROWS += curve("senders", (1, 2, 4, 8, 16, 32, 64), (1, 8, 64), lambda n: Row(
  "senders-%d" % n, "threads send to a loop: %d" % n, "stream", THREAD_TO_LOOP + "senders=%d pin=0" % n, peers=SHORT))
ROWS += curve("capacity", (1, 2, 4, 16, 64, 256, 1024, 16384, 1000000), (1, 64, 1024, 1000000), lambda n: Row(
  "capacity-%d" % n, "a thread sends to a loop, capacity {:,}".format(n), "stream", "from=thread to=loop capacity=%d pin=1" % n,
  peers=SHORT))
ROWS += curve("loops", (1, 2, 4, 8), (1, 2, 8), lambda n: Row(
  "loops-%d" % n, "two threads send to loops: %d" % n, "stream", THREAD_TO_LOOP + "senders=2 receivers=%d pin=0" % n,
  peers=SHORT if n == 1 else names("crossbeam")))  # array has one receiving loop

CURVES = {
  "senders": "sending threads",
  "capacity": "capacity of the channel",
  "many": "channels on one loop",
  "loops": "receiving loops",
}

# The workloads that are drawn as bars.
BARS = names("stream-8, four-senders, one-core, two-two, unbuffered, pingpong, same-loop, many-1000, select-8")

# ---- Figures of a run --------------------------------------------------------------------------------------------------------------------


def a_value(name):
  return lambda told: told[name] / told["values"] if told.get("values") and name in told else None


def plainly(name):
  return lambda told: told.get(name)


# name: how it is called, and how it is made of what the program told
FIGURES = {
  "ns": ("ns a value", a_value("ns")),
  "cpu": ("processor ns", a_value("cpu")),
  "receiver": ("receiver's processor ns", a_value("receiver_cpu")),
  "p50": ("p50 ns", plainly("p50")),
  "p90": ("p90 ns", plainly("p90")),
  "p99": ("p99 ns", plainly("p99")),
  "p999": ("p99.9 ns", plainly("p999")),
  "bytes": ("bytes", plainly("bytes")),
  "drained_bytes": ("bytes when drained", plainly("drained_bytes")),
}
TOLD = ("values", "ns", "cpu", "receiver_cpu", "p50", "p90", "p99", "p999", "bytes", "drained_bytes")

# ---- Running one program -----------------------------------------------------------------------------------------------------------------

SECONDS_MORE = 10  # than it was told to run, until a program is ended
PAUSE = 0.02  # seconds before each run
MOST_FAILURES = 2  # of one program in one workload, until it is left out there


class Failure(Exception):
  """A run that gave no figures."""


class Unsupported(Exception):
  """The program says that it does not have the workload."""


class Program(NamedTuple):
  """One program in one workload: "limits batch=1" is another than "limits"."""

  label: str
  command: List[str]


def programs_of(row, places, ms):
  """The programs that are here of those that take part; uvchan is the first."""
  programs = []
  for label, own in [("uvchan", row.uvchan)] + [(peer, peer.partition(" ")[2]) for peer in row.peers]:
    name = label.partition(" ")[0]
    if name not in places:
      continue
    if name == "uvchan":
      command = [os.path.join(places[name], "benchmark-" + row.workload)]
    else:
      command = [places[name], row.workload]
    args = dict(arg.split("=") for arg in (row.args + " " + own).split())
    programs.append(Program(label, command + ["%s=%s" % arg for arg in args.items()] + ["ms=%d" % ms]))
  return programs


def stay_on_one_processor():
  os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def end(process):
  """Ends a program, and what it may have started."""
  try:
    os.killpg(process.pid, signal.SIGKILL)
  except ProcessLookupError:
    pass
  process.communicate()


def execute(command, seconds, one_processor=False):
  """What it told, as numbers by name."""
  before = stay_on_one_processor if one_processor else None
  try:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               errors="replace", start_new_session=True, preexec_fn=before)
  except OSError as error:
    raise Failure("%s: %s" % (command[0], error.strerror))
  try:
    out, err = process.communicate(timeout=seconds)
  except subprocess.TimeoutExpired:
    end(process)
    raise Failure("was not over after %.0f seconds" % seconds)
  except BaseException:
    end(process)
    raise
  said = (err.strip().splitlines() or ["nothing is said"])[-1][:160]
  if process.returncode == 2:
    raise Unsupported(said[len("not supported: "):] if said.startswith("not supported: ") else said)
  if process.returncode < 0:
    raise Failure("ended by signal %d: %s" % (-process.returncode, said))
  if process.returncode > 0:
    raise Failure("exit code %d: %s" % (process.returncode, said))
  told = {name: float(number) for name, number in re.findall(r"\b(\w+)=(\d+(?:\.\d+)?)(?!\S)", out)}
  if not told.get("values") and "bytes" not in told:
    raise Failure("no values were received: %r" % out[:160])
  return told


# ---- Rounds ------------------------------------------------------------------------------------------------------------------------------


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
    """The same of uvchan's figure by that of the program in the other row, in each round that has both."""
    ours = self.figures.get((row_id, "uvchan"), {})
    theirs = self.figures.get((other_row_id, label), {})
    pairs = [(ours[n].get(figure), theirs[n].get(figure)) for n in ours if n in theirs]
    return spread([a / b for a, b in pairs if a is not None and b])


def spread(figures):
  return (statistics.median(figures), min(figures), max(figures)) if figures else None


class Others:
  """The part of the processors that others than this and its children used since the last time one asked; None where that isn't known."""

  def __init__(self):
    self.last = self.read()

  @staticmethod
  def read():
    try:
      with open("/proc/stat") as stat:
        ticks = [int(n) for n in stat.readline().split()[1:9]]
    except (OSError, ValueError):
      return None
    used = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    second = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / second - used, sum(ticks) / second

  def share(self):
    before, self.last = self.last, self.read()
    if before is None or self.last is None or self.last[1] <= before[1]:
      return None
    return max(0.0, (self.last[0] - before[0]) / (self.last[1] - before[1]))


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
    self.log.writerow([round, row.id, program.label, " ".join(program.command[1:]), status, "%.3f" % (time.monotonic() - begin)] +
                      ["%.0f" % told[name] if name in told else "" for name in TOLD])

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
        tell("round %d of %d, %.0f seconds to go%s" % (round, rounds, passed / round * (rounds - round),
                                                       "" if share is None else "; others used %.0f %% of the processors" % (100 * share)))
    except KeyboardInterrupt:
      tell("stopped: what follows is of the rounds until here")
    return self.results


def tell(text):
  print("benchmark.py: " + text, file=sys.stderr, flush=True)


# ---- Targets -----------------------------------------------------------------------------------------------------------------------------


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


# ---- Tables ------------------------------------------------------------------------------------------------------------------------------


def number(n):
  for limit, form in ((10, "{:.2f}"), (100, "{:.1f}")):
    if n < limit:
      return form.format(n)
  return "{:,.0f}".format(n)


def cells(three, form=number):
  return [form(n) for n in three] if three else ["", "", ""]


def as_text(table):
  widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
  return ["  ".join([line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]).rstrip()
          for line in table]


def as_markdown(table, words=1):
  """The first columns are words, and the rest numbers."""
  rule = ["---"] * words + ["---:"] * (len(table[0]) - words)
  return ["| " + " | ".join(line) + " |" for line in [table[0], rule] + table[1:]]


def row_table(row, results, labels):
  """Every figure of one row: a line for each program."""
  there = [name for name in FIGURES if any(results.spread(row.id, label, name) for label in labels)]
  if row.figure == "bytes":  # the time is of no interest
    there = [name for name in there if name.endswith("bytes")]
  main = [name for name in there if name in ("ns", "bytes")]
  more = [name for name in there if name not in main]
  table = [["program"]]
  for name in main:
    table[0] += [FIGURES[name][0], "least", "most"]
  table[0] += [FIGURES[name][0] for name in more]
  table[0] += ["uvchan by it" + ("" if row.figure in main else ", " + FIGURES[row.figure][0]), "least", "most"]
  for label in labels:
    line = [label]
    for name in main:
      line += cells(results.spread(row.id, label, name))
    line += [cells(results.spread(row.id, label, name))[0] for name in more]
    line += ["", "", ""] if label == "uvchan" else cells(results.ratio(row.id, row.id, label, row.figure), "{:.2f}".format)
    table.append(line)
  return table


def labels_of(row, results):
  return [label for label in ("uvchan",) + row.peers if results.has(row.id, label)]


def print_rows(rows, results, verdicts):
  for row in rows:
    labels = labels_of(row, results)
    print("\n%s: %s (%s)" % (row.id, row.words, " ".join([row.workload] + row.args.split())))
    if not labels:
      print("  nothing was measured")
      continue
    for line in as_text(row_table(row, results, labels)):
      print("  " + line)
    beside = results.spread(row.beside, "uvchan", row.figure)
    if beside:
      print("  beside it, uvchan in %s: %s" % (row.beside, number(beside[0])))
    for verdict in verdicts:
      if verdict.row is row:
        measured = number(verdict.measured[0]) + ", " if verdict.measured else ""
        print("  target %s: %s%s" % (verdict.target.words(), measured, verdict.words()))


def print_verdicts(verdicts):
  print("\nTargets")
  table = [["workload", "target", "measured", "least", "most", ""]]
  table += [[v.row.id, v.target.words()] + cells(v.measured) + [v.words()] for v in verdicts]
  width = max(len(line[1]) for line in table)
  for line in as_text([[line[0], line[1].ljust(width)] + line[2:5] + [line[5].ljust(12)] for line in table]):
    print("  " + line)
  judged = [v for v in verdicts if v.measured is not None]
  print("  %d of %d targets are met%s" % (sum(v.is_met() for v in judged), len(judged), "" if len(judged) == len(verdicts) else
                                          "; %d could not be measured" % (len(verdicts) - len(judged))))


def markdown_matrix(rows, results, figure, line_head):
  """Medians: a line for each row, a column for each program, with arguments of its own where the row has it with such only."""
  shown = [row for row in rows if results.spread(row.id, "uvchan", figure)]

  def find(row, name):
    labels = [name] + [label for label in row.peers if label.startswith(name + " ")]
    return next(filter(None, (results.spread(row.id, label, figure) for label in labels)), None)

  programs = [name for name in ("uvchan",) + PEERS if any(find(row, name) for row in shown)]
  table = [line_head[0] + programs]
  for row in shown:
    medians = [cells(find(row, name))[0] for name in programs]
    medians[0] = "**%s**" % medians[0]
    table.append(line_head[1](row) + medians)
  return as_markdown(table, len(line_head[0])) if shown else []


def markdown(machine, rows, results, verdicts, rounds, ms):
  by_words = (["workload", ""], lambda row: ["`%s`" % row.id, row.words])
  plain = [row for row in rows if not row.curve or row.curve == "many"]
  text = ["<!-- tables: written by test/benchmark.py -->", "", "Medians of %d rounds of %d ms a run, on this machine:" % (rounds, ms), ""]
  text += ["- %s: %s" % one for one in machine]
  text += ["", "### Targets", ""]
  table = [["workload", "target", "", "measured", "least", "most"]]
  table += [["`%s`" % v.row.id, v.target.words(), v.words()] + cells(v.measured) for v in verdicts]
  text += as_markdown(table, 3)
  for figure, title in (("ns", "Nanoseconds a value"), ("cpu", "Processor time a value, in nanoseconds, of all threads together")):
    matrix = markdown_matrix([row for row in plain if row.workload != "paced"], results, figure, by_words)
    if matrix:
      text += ["", "### " + title, ""] + matrix
  text += markdown_figures("Latency of a value each 10 us, in nanoseconds", [row for row in plain if row.workload == "paced"], results,
                           ("p50", "p90", "p99", "p999", "receiver", "cpu"))
  text += markdown_figures("Memory", [row for row in plain if row.workload == "memory"], results, ("bytes", "drained_bytes"))
  for name, axis in CURVES.items():
    points = [row for row in rows if row.curve == name]
    matrix = markdown_matrix(points, results, "ns", ([axis], lambda row: ["{:,}".format(row.x)]))
    if matrix:
      text += ["", "### Nanoseconds a value, by %s" % axis, ""] + matrix
  text += ["", "<details>", "<summary>Every figure, with the least and the most of the rounds</summary>"]
  for row in plain:
    labels = labels_of(row, results)
    if labels:
      text += ["", "`%s`: %s (`%s`)" % (row.id, row.words, " ".join([row.workload] + row.args.split())), ""]
      text += as_markdown(row_table(row, results, labels))
  text += ["", "</details>", "", "<!-- end of tables -->"]
  return "\n".join(text) + "\n"


def markdown_figures(title, rows, results, figures):
  """Figures across, a line for each program of each row."""
  figures = [name for name in figures if any(results.spread(row.id, label, name) for row in rows for label in labels_of(row, results))]
  table = [["workload", "program"] + [FIGURES[name][0] for name in figures]]
  for row in rows:
    for label in labels_of(row, results):
      table.append(["`%s`" % row.id, label] + [cells(results.spread(row.id, label, name))[0] for name in figures])
  return ["", "### " + title, ""] + as_markdown(table, 2) if figures else []


# ---- Plots -------------------------------------------------------------------------------------------------------------------------------

COLOURS = {"uvchan": "#0b5cad", "array": "#d9822b", "crossbeam": "#5b8c5a", "tokio": "#9a6fb0", "go": "#7a7a7a"}
POINTS = {"uvchan": 7, "array": 5, "crossbeam": 9, "tokio": 13, "go": 11}
OTHER = "#b9bec4"
NO_CHANNEL = "#dde1e5"
INK = "#333333"

HEAD = """set encoding utf8
set border 3 linecolor rgb '#999999'
set tics nomirror textcolor rgb '%(ink)s'
set grid ytics linecolor rgb '#e4e4e4' linetype 1
""" % {"ink": INK}


def terminal(path, width, height, size):
  return "set terminal svg size %d,%d font 'Helvetica,Arial,sans-serif,%d' noenhanced background rgb 'white'\nset output '%s'\n" % (
    width, height, size, path.replace("'", "''"))


def plot_curve(path, name, points, results):
  labels = [label for label in COLOURS if sum(1 for row in points if results.has(row.id, label)) > 1]
  if "uvchan" not in labels:
    return None
  script = [terminal(path, 720, 430, 17), HEAD]
  figures = []
  for label in labels:
    script.append("$%s << END" % label)
    for row in points:
      three = results.spread(row.id, label, "ns")
      if three:
        script.append("%d %f %f %f" % ((row.x,) + three))
        figures.append(three[0])
    script.append("END")
  spans = max(figures) > 8 * min(figures)
  ticks = ", ".join("'%s' %d" % ("{:,}".format(row.x), row.x) for row in points if results.has(row.id, "uvchan"))
  script += [
    "set logscale x %d" % (10 if points[-1].x > 100 else 2),
    "set xtics (%s)" % ticks,
    "set logscale y 10\nset ytics (%s)" % ", ".join("'{:,}' {}".format(10**n, 10**n) for n in range(10)) if spans else "set yrange [0:*]",
    "set xlabel '%s' textcolor rgb '%s'" % (CURVES[name], INK),
    "set ylabel 'ns a value%s' textcolor rgb '%s'" % (", logarithmic" if spans else "", INK),
    "set key outside top center horizontal samplen 2 textcolor rgb '%s'" % INK,
    "set rmargin 6",
    "set offsets graph 0.03, graph 0.03, 0, 0",
  ]
  styles = {label: "linecolor rgb '%s' linewidth %d pointtype %d pointsize 0.8" % (COLOURS[label], 3 if label == "uvchan" else 2,
                                                                                  POINTS[label]) for label in labels}
  # uvchan comes last, above the others.
  lines = ["$%s using 1:2:3:4 with yerrorlines notitle %s" % (label, styles[label]) for label in reversed(labels)]
  lines += ["NaN with linespoints title '%s' %s" % (label, styles[label]) for label in labels]
  return script + ["plot " + ", \\\n  ".join(lines)]


def plot_bars(path, rows, results):
  """A small panel for each row, bars that grow to the right, the figures beside them."""
  panels = []
  for row in (row for name in BARS for row in rows if row.id == name):
    bars = [(label, results.spread(row.id, label, "ns")) for label in labels_of(row, results)]
    if len(bars) > 1 and bars[0][0] == "uvchan":
      panels.append((row, sorted(bars, key=lambda bar: bar[1][0])))
  if not panels:
    return None
  columns = min(3, len(panels))
  lines = [panels[i:i + columns] for i in range(0, len(panels), columns)]
  heights = [62 + 25 * max(len(bars) for _, bars in line) for line in lines]
  width, height = 340 * columns, sum(heights) + 8
  script = [terminal(path, width, height, 14), "set encoding utf8", "set multiplot", "unset border", "unset key", "unset xtics",
            "set style fill solid noborder", "set ytics scale 0 textcolor rgb '%s'" % INK]
  top = 0
  for line, tall in zip(lines, heights):
    for i, (row, bars) in enumerate(line):
      script += panel(i, row, bars, (i * 340 / width, 1 - (top + tall) / height, 340 / width, tall / height),
                      max(len(others) for _, others in line), tall)
    top += tall
  return script + ["unset multiplot"]


def panel(nth, row, bars, place, slots, tall):
  most = max(three[0] for _, three in bars)
  x, y, width, height = place
  script = ["$bars%d << END" % nth]
  for i, (label, (median, _, _)) in enumerate(bars):
    colour = {"uvchan": COLOURS["uvchan"], "limits": NO_CHANNEL}.get(label, OTHER).replace("#", "0x")
    script.append("%f %d %s \"%s\" \"%s\"" % (median, -i, colour, label, number(median)))
  script += [
    "END",
    "set origin %f,%f" % (x, y),
    "set size %f,%f" % (width, height),
    "set lmargin at screen %f" % (x + width * 0.33),
    "set rmargin at screen %f" % (x + width * 0.83),
    "set tmargin at screen %f" % (y + height * (1 - 34 / tall)),
    "set bmargin at screen %f" % (y + height * 16 / tall),
    "set label 1 '%s, ns a value' at screen %f,%f left textcolor rgb '%s'" % (row.id, x + width * 0.33, y + height * (1 - 20 / tall), INK),
    "set xrange [0:%f]" % most,
    "set yrange [%f:0.6]" % (0.4 - slots),
    "plot $bars%d using (0):2:(0):1:($2-0.36):($2+0.36):(column(3)):ytic(4) with boxxyerror linecolor rgb variable, \\" % nth,
    "  $bars%d using 1:2:5 with labels left offset 0.6,0 textcolor rgb '%s'" % (nth, INK),
  ]
  return script


def draw(out, rows, results):
  """Answers the names of the plots that were drawn."""
  if shutil.which("gnuplot") is None:
    tell("there is no gnuplot here: no plots")
    return []
  wanted = {"bars": lambda path: plot_bars(path, rows, results)}
  for name in CURVES:
    wanted[name] = lambda path, name=name: plot_curve(path, name, [row for row in rows if row.curve == name], results)
  drawn = []
  for name, plot in wanted.items():
    path = os.path.join(out, name + ".svg")
    script = plot(path)
    if script is None:
      continue
    ended = subprocess.run(["gnuplot"], input="\n".join(script) + "\n", capture_output=True, text=True, timeout=60)
    if ended.returncode != 0 or not os.path.exists(path):
      tell("gnuplot did not draw %s: %s" % (path, ended.stderr.strip()[-300:]))
    else:
      drawn.append(name + ".svg")
  return drawn


# ---- The machine -------------------------------------------------------------------------------------------------------------------------


def first_line(*command):
  try:
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
  except (OSError, subprocess.TimeoutExpired):
    return None
  return ended.stdout.splitlines()[0].strip() if ended.returncode == 0 and ended.stdout.strip() else None


def read(path):
  try:
    with open(path) as file:
      return file.read()
  except OSError:
    return ""


def processors():
  return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def describe_machine():
  model = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", read("/proc/cpuinfo"), re.M)
  system = re.search(r'^PRETTY_NAME="?([^"\n]+)', read("/etc/os-release"), re.M)
  described = [
    ("processors", "%d, %s" % (processors(), model.group(1) if model else first_line("sysctl", "-n", "machdep.cpu.brand_string") or
                               platform.machine())),
    ("system", "%s, %s %s %s" % (system.group(1) if system else platform.platform(), platform.system(), platform.release(),
                                 platform.machine())),
    ("libuv", first_line("pkg-config", "--modversion", "libuv")),
    ("C compiler", first_line(os.environ.get("CC") or "cc", "--version")),
    ("C++ compiler", first_line(os.environ.get("CXX") or "c++", "--version")),
    ("Rust", first_line("/usr/bin/rustc" if os.path.exists("/usr/bin/cargo") else "rustc", "--version")),
    ("Go", first_line("go", "version")),
  ]
  return [(what, told) for what, told in described if told]


def warnings():
  """What may spoil the figures."""
  others = Others()
  time.sleep(0.5)
  share = others.share()
  if share is not None and share > 0.05:
    yield "other programs are using %.0f %% of the processors (load average %.2f): the figures will suffer" % (
      100 * share, os.getloadavg()[0])
  elif share is None and os.getloadavg()[0] > 0.5:
    yield "the load average is %.2f: the figures will suffer where other programs run" % os.getloadavg()[0]
  governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip()
  if governor not in ("", "performance"):
    yield "the processors' governor is %s, and not performance: their speed changes with what they do" % governor
  if processors() < 2:
    yield "there is one processor only: every workload is a one-core workload here"


# ---- The program -------------------------------------------------------------------------------------------------------------------------


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
      sys.exit("benchmark.py: there is no workload '%s'; there are: %s" % (pattern, " ".join(row.id for row in ROWS)))
  return [row for row in ROWS if any(fnmatch.fnmatchcase(row.id, pattern) or row.curve == pattern for pattern in patterns)]


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
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                   epilog="The workloads: " + " ".join(row.id for row in ROWS))
  parser.add_argument("programs", metavar="PROGRAMS")
  parser.add_argument("peer_programs", metavar="PEERS")
  parser.add_argument("out", metavar="OUT")
  parser.add_argument("--quick", action="store_true", help="3 rounds of 40 ms a run, and fewer points of the curves")
  parser.add_argument("--rounds", type=at_least_one, metavar="N", help="7, where nothing is said")
  parser.add_argument("--ms", type=at_least_one, metavar="N", help="how long a run is to take: 300, where nothing is said")
  parser.add_argument("--only", type=words_of, metavar="ID[,..]", help="these workloads: ids, patterns as many-*, or names of curves")
  parser.add_argument("--peers", type=words_of, metavar="NAME[,..]", help="these peers, of " + " ".join(PEERS))
  return parser.parse_args()


def main():
  options = parse()
  rounds = options.rounds or (3 if options.quick else 7)
  ms = options.ms or (40 if options.quick else 300)
  rows = choose(options.only) if options.only else [row for row in ROWS if row.quick or not options.quick]
  if not hasattr(os, "sched_setaffinity"):
    rows = [row for row in rows if not row.one_processor]
    tell("this system does not keep a program on one processor: no one-core")
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
    print("warning: other programs used more than 5 %% of the processors in %d of %d rounds" % (measuring.crowded, measuring.rounds))
  print("\n%s: results.csv, tables.md%s" % (options.out, "".join(", " + name for name in drawn)))
  sys.exit(1 if any(label == "uvchan" for _, label in measuring.failed) else 0)


if __name__ == "__main__":
  main()
