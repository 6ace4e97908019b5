"""What the channel costs the server: requests a second through the channel and the bakers, with
nothing to bake, against the same server answering at once on its loop. Not a test: it judges
nothing.

  python3 test/server/benchmark-server.py PROGRAM

The two take turns in one run, with wrk on the same machine; the figures are medians. "cpu" is the
server's own processor time for a request, of all its threads.
"""

import re

from server import *

ROUNDS, SECONDS, CONNECTIONS = 5, 3, 64
ON_LOOP = ("--bakers", 0)
THROUGH_CHANNEL = ("--bakers", 1, "--bake-ms", 0, "--queue", 1024)


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
  rounds = [(measure(program, ON_LOOP), measure(program, THROUGH_CHANNEL)) for _ in range(ROUNDS)]
  for i, way in enumerate(("on the loop", "through the channel")):
    rate, cpu = (median([one[i][j] for one in rounds]) for j in (0, 1))
    print("%-20s %8.0f requests a second, %5.1f us of cpu for each" % (way, rate, cpu))
  print("ratio                %8.2f" % median([through[0] / at_once[0] for at_once, through in rounds]))


main([compare])
