# SPDX-License-Identifier: MIT
"""Prints each probe that the program comes by, with its second argument, and its third."""

import gdb


class Probe(gdb.Breakpoint):

  def __init__(self, name, arguments):
    super().__init__("-probe-stap uvchan:" + name, internal=True)
    self.name = name
    self.arguments = arguments

  def stop(self):
    told = [str(int(gdb.parse_and_eval("$_probe_arg%d" % i))) for i in self.arguments]
    print(" ".join(["probe", self.name] + told))
    return False


for name, arguments in (("send", [1]), ("receive", [1]), ("wait", [2]), ("wake", [2]),
                        ("close", [1]), ("drop", [1, 2]), ("submit", [2]), ("begin", []),
                        ("done", [2])):
  Probe(name, arguments)
