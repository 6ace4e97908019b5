# SPDX-License-Identifier: MIT
"""Runs one program once, and reads the line that it tells."""

import os
import re
import signal
import subprocess
import sys
from typing import List, NamedTuple


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
  for label, own in [("uvchan", row.uvchan)] + [(peer, peer.partition(" ")[2])
                                                for peer in row.peers]:
    name = label.partition(" ")[0]
    if name not in places:
      continue
    if name == "uvchan":
      command = [os.path.join(places[name], "benchmark-" + row.workload)]
    else:
      command = [places[name], row.workload]
    args = dict(arg.split("=") for arg in (row.args + " " + own).split())
    programs.append(
      Program(label, command + ["%s=%s" % arg for arg in args.items()] + ["ms=%d" % ms]))
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
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, errors="replace",
                               start_new_session=True, preexec_fn=before)
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


def tell(text):
  print("benchmark.py: " + text, file=sys.stderr, flush=True)
