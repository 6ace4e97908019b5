# SPDX-License-Identifier: MIT
"""The machine that is measured on, and what on it may disturb."""

import os
import platform
import re
import resource
import subprocess
import time


def first_line(*command):
  try:
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           timeout=20)
  except (OSError, subprocess.TimeoutExpired):
    return None
  told = ended.stdout.strip() if ended.returncode == 0 else ""
  return told.splitlines()[0].strip() if told else None


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
    ("processors",
     "%d, %s" % (processors(), model.group(1) if model else
                 first_line("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine())),
    ("system", "%s, %s %s %s" % (system.group(1) if system else platform.platform(),
                                 platform.system(), platform.release(), platform.machine())),
    ("libuv", first_line("pkg-config", "--modversion", "libuv")),
    ("C compiler", first_line(os.environ.get("CC") or "cc", "--version")),
    ("C++ compiler", first_line(os.environ.get("CXX") or "c++", "--version")),
    ("Rust",
     first_line("/usr/bin/rustc" if os.path.exists("/usr/bin/cargo") else "rustc", "--version")),
    ("Go", first_line("go", "version")),
  ]
  return [(what, told) for what, told in described if told]


def warnings():
  """What may spoil the figures."""
  others = Others()
  time.sleep(0.5)
  share = others.share()
  if share is not None and share > 0.05:
    yield ("other programs are using %.0f %% of the processors (load average %.2f): "
           "the figures will suffer" % (100 * share, os.getloadavg()[0]))
  elif share is None and os.getloadavg()[0] > 0.5:
    yield ("the load average is %.2f: the figures will suffer where other programs run" %
           os.getloadavg()[0])
  governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip()
  if governor not in ("", "performance"):
    yield ("the processors' governor is %s, and not performance: "
           "their speed changes with what they do" % governor)
  if processors() < 2:
    yield "there is one processor only: every workload is a one-core workload here"


class Others:
  """The part of the processors that others than this and its children used since the last time one
  asked; None where that isn't known."""

  def __init__(self):
    self.last = self.read()

  @staticmethod
  def read():
    try:
      with open("/proc/stat") as stat:
        ticks = [int(n) for n in stat.readline().split()[1:9]]
    except (OSError, ValueError):
      return None
    used = sum(
      sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    second = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / second - used, sum(ticks) / second

  def share(self):
    before, self.last = self.last, self.read()
    if before is None or self.last is None or self.last[1] <= before[1]:
      return None
    return max(0.0, (self.last[0] - before[0]) / (self.last[1] - before[1]))
