# SPDX-License-Identifier: MIT
"""What the pool costs the server: requests a second through the pool and its bakers, with nothing to
bake, against the same server answering at once on its loop. And what the server does at twice the
load that its bakers can do, as it is without options: how long those who are served have waited.
Not a test: it judges nothing.

  python3 test/server/benchmark-server.py PROGRAM

The two take turns in one run, with wrk on the same machine; the figures are medians. "cpu" is the
server's own processor time for a request, of all its threads. At twice the load orders come at
equal intervals, whatever becomes of those before them, each on a connection that is free.
"""

import re
import selectors

from server import *

ROUNDS, SECONDS, CONNECTIONS = 5, 3, 64
ON_LOOP = ("--bakers", 0)
THROUGH_POOL = ("--bakers", 1, "--bake-ms", 0, "--queue", 1024)


def measure(program, options):
  """Requests a second, and microseconds of processor time for one."""
  script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "benchmark-server.lua")
  with Server(program, *options) as server:
    command = ["wrk", "-t1", "-c%d" % CONNECTIONS, "-d%ds" % SECONDS, "-s", script, "http://%s:%d" % (server.host, server.port)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    check("Non-2xx" not in told and "Socket errors" not in told, "not every order was answered: " + told)
    requests = int(re.search(r"^ +(\d+) requests in ", told, re.M).group(1))
    rate = float(re.search(r"^Requests/sec: +([0-9.]+)$", told, re.M).group(1))
    return rate, server.processor_seconds() / requests * 1e6


def median(values):
  return sorted(values)[len(values) // 2]


def compare(program):
  rounds = [(measure(program, ON_LOOP), measure(program, THROUGH_POOL)) for _ in range(ROUNDS)]
  for i, way in enumerate(("on the loop", "through the pool")):
    rate, cpu = (median([one[i][j] for one in rounds]) for j in (0, 1))
    print("%-20s %8.0f requests a second, %5.1f us of cpu for each" % (way, rate, cpu))
  print("ratio                %8.2f" % median([through[0] / at_once[0] for at_once, through in rounds]))


# two bakers of 50 ms each are done with 40 a second
LOAD, LOAD_SECONDS, WARM_UP = 80, 20, 5


class Crowd:
  """Sends orders when they are due, and takes down how long each answer took, by its status."""

  def __init__(self, server):
    self.server, self.free, self.took = server, [], {200: [], 503: []}
    self.selector = selectors.DefaultSelector()

  def send(self, due, counts):
    client = self.free.pop() if self.free else Client(self.server)
    client.send_order()
    client.due, client.counts = due, counts
    self.selector.register(client.socket, selectors.EVENT_READ, client)

  def take_answers(self, until):
    while True:
      ready = self.selector.select(max(0, until - time.monotonic()))
      for key, _ in ready:
        client = key.data
        self.selector.unregister(client.socket)
        status = client.answer().status
        if client.counts:
          self.took[status].append(time.monotonic() - client.due)
        self.free.append(client)
      if time.monotonic() >= until:
        return


def bear_twice_the_load(program, *options):
  with Server(program, *options) as server:
    crowd, begin = Crowd(server), time.monotonic()
    for i in range(LOAD * LOAD_SECONDS):
      due = begin + i / LOAD
      crowd.take_answers(due)
      crowd.send(due, i >= LOAD * WARM_UP)
    crowd.take_answers(time.monotonic() + 5)
    served = sorted(crowd.took[200])
    at = lambda share: served[int(len(served) * share)] * 1000
    rate = len(served) / (LOAD_SECONDS - WARM_UP)
    print("%-30s served %5.1f a second, p50 %5.0f ms, p99 %5.0f ms; refused %d" % (" ".join(options) or "no options", rate, at(0.5), at(0.99), len(crowd.took[503])))


def overload(program):
  bear_twice_the_load(program)
  for policy in ("wait", "backlog"):
    bear_twice_the_load(program, "--when-full", policy)
  bear_twice_the_load(program, "--target-ms", "0")


main([compare, overload])
