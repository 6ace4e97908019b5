# SPDX-License-Identifier: MIT
"""The server under load: wrk with 256 keep-alive connections for ten seconds at each policy, or
with 32 for three seconds where UVCHAN_SHORT is set, as it is for builds with a sanitizer.

Every answer is well-formed and no order is answered twice; 200s and 503s add up to the requests;
the figures add up at the end; and what the connections took is given back.
"""

import re
import shutil

from server import *

CONNECTIONS, SECONDS = (32, 3) if is_short() else (256, 10)
MEBIBYTE = 1024  # in KiB


def run_wrk(server):
  script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server-load.lua")
  command = ["wrk", "-t1", "-c%d" % CONNECTIONS, "-d%ds" % SECONDS, "--timeout", "%ds" % PATIENCE, "-s", script]
  ended = subprocess.run(command + ["http://%s:%d" % (server.host, server.port)], capture_output=True, text=True, timeout=PATIENCE)
  same("the exit code of wrk (%s)" % ended.stderr, 0, ended.returncode)
  answers = re.search(r"^answers (\d+) (\d+) (\d+) (\d+)$", ended.stdout, re.M)
  requests = re.search(r"^requests (\d+) errors (.*)$", ended.stdout, re.M)
  check(answers and requests, "wrk did not count: " + ended.stdout)
  return [int(n) for n in answers.groups()], int(requests.group(1)), requests.group(2)


def resident_kib(server):
  with open("/proc/%d/status" % server.process.pid) as status:
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", status.read(), re.M).group(1))


def bear(program, policy, *options):
  with Server(program, "--when-full", policy, *options) as server:
    for _ in range(4):  # with its first connection a loop keeps a descriptor
      server.stats()
    quiet = server.descriptors()
    (good, refused, wrong, twice), requests, errors = run_wrk(server)
    same("answers that are wrong, and that came twice", (0, 0), (wrong, twice))
    same("errors", "connect 0 read 0 write 0 timeout 0", errors)
    check(good > CONNECTIONS, "only %d orders were answered" % good)
    check((refused > 0) == (policy == "reject"), "%d refused" % refused)
    eventually("the end of all connections", lambda: server.stats()["connections"] == 1)
    stats = server.when("a quiet kitchen", lambda stats: stats["orders"]["waiting"] + stats["orders"]["baking"] == 0)
    if quiet is not None:
      eventually("the descriptors of before", lambda: server.descriptors() <= quiet)
      if not is_short():
        check(resident_kib(server) < 64 * MEBIBYTE, "%d KiB are in use" % resident_kib(server))
    customers = server.stop()["customers"]
    in_flight = customers["arrived"] - good - refused
    check(0 <= in_flight <= CONNECTIONS, "%d answers for %d orders" % (good + refused, customers["arrived"]))
    check(good <= customers["ready"] + customers["lost"] <= good + in_flight, "%d 200s: %r" % (good, customers))
    check(refused <= customers["rejected"] + customers["gave up"] <= refused + in_flight, "%d 503s: %r" % (refused, customers))
    check(abs(requests - good - refused) <= CONNECTIONS, "%d answers for %d requests" % (good + refused, requests))
    check(stats["kitchen"]["peak"] <= 64, "more works than the capacity: %r" % stats["kitchen"])
    print("%s: %d answered, %d refused, %.0f a second" % (policy, good, refused, (good + refused) / SECONDS))


def rejects_under_load(program):
  bear(program, "reject", "--bake-ms", 1, "--queue", 16)


def lets_orders_wait_under_load(program):
  bear(program, "wait", "--bake-ms", 0, "--loops", 2)


def holds_the_backlog_under_load(program):
  bear(program, "backlog", "--bake-ms", 0)


if shutil.which("wrk") is None:
  print("skipped: wrk is not here")
  sys.exit(77)
main([rejects_under_load, lets_orders_wait_under_load, holds_the_backlog_under_load])
