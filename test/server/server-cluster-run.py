# SPDX-License-Identifier: MIT
"""demo/cluster.sh, which demo/run.sh runs: what it starts works together, and ends with it, however
that is asked to: python3 test/server/server-cluster-run.py CLUSTER.SH DIRECTORY-OF-THE-PROGRAMS."""

import os
import re
import subprocess
import sys
import tempfile

from cluster import *


class Address:
  """Where a client of a server that is not the test's own connects to."""

  def __init__(self, host, port):
    self.host, self.port = host, int(port)

  def is_refused(self):
    try:
      socket.create_connection((self.host, self.port), PATIENCE).close()
      return False
    except ConnectionError:
      return True

  def stats(self):
    with Client(self) as client:
      return client.get("/stats").json()


class Cluster:
  """A cluster in a session of its own, as a terminal has it, with its data in a folder of the
  test's. Leaving the block sees to it that nothing of it is left."""

  def __init__(self, script, programs, *options):
    self.command = ["sh", script, programs] + [str(option) for option in options]

  def __enter__(self):
    self.folder = tempfile.mkdtemp(prefix="uvchan-cluster-run.")
    environment = dict(os.environ, TMPDIR=self.folder)
    self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env=environment)
    self.lines = []
    for line in self.process.stdout:
      self.lines.append(line)
      if line == "Ctrl-C closes all of it.\n":
        break
    text = "".join(self.lines)
    self.redis = [Address(*found) for found in re.findall(r"redis-server listens at (127\.0\.0\.1):([0-9]+)\n", text)]
    found = re.findall(r"pizzeria-[0-9]+ is process ([0-9]+), at http://(127\.0\.0\.1):([0-9]+)/\n", text)
    self.servers = [int(pid) for pid, _, _ in found]
    self.pizzerias = [Address(host, port) for _, host, port in found]
    self.bakers = [int(number) for number in re.findall(r"bakers-[0-9]+ is process ([0-9]+)\n", text)]
    return self

  def __exit__(self, kind, *_):
    if self.process.poll() is None:
      os.killpg(self.process.pid, signal.SIGKILL)
      self.process.wait()
    if kind is not None:
      sys.stderr.write("".join(self.lines))

  def ended(self):
    """Its exit code, once all that it has started is gone."""
    rest, _ = self.process.communicate(timeout=PATIENCE)
    self.lines += rest.splitlines(keepends=True)
    for address in self.pizzerias + self.redis:
      check(address.is_refused(), "it still listens: %d" % address.port)
    for pid in self.bakers:
      check(not is_alive(pid), "bakers are left")
    same("what is left in the folder", [], os.listdir(self.folder))
    os.rmdir(self.folder)
    return self.process.returncode

  def has_said(self, text):
    return text in "".join(self.lines)


def is_alive(pid):
  """A process that nobody has waited for is none."""
  told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
  return told != "" and not told.startswith("Z")


def answers_orders_and_closes_in_order(script, programs):
  """By Ctrl-C, which a terminal sends to the whole group, and by a signal to the script alone."""
  for tell in (lambda cluster: os.killpg(cluster.process.pid, signal.SIGINT), lambda cluster: cluster.process.terminate()):
    with Cluster(script, programs, "--servers", 3, "--bakers", 2, "--bake-ms=20") as cluster:
      same("what there is", (1, 3, 2), (len(cluster.redis), len(cluster.pizzerias), len(cluster.bakers)))
      with Customers(cluster.pizzerias, 12) as customers:
        customers.order()
        eventually("orders", lambda: sum(one.stats()["orders"]["arrived"] for one in cluster.pizzerias) == 12)
        tell(cluster)
        for client, name in customers.clients:
          same("whose order it is", name, check_order_answer(client.answer())["customer"])
      same("the exit code", 0, cluster.ended())
      baked = re.findall(r"are gone: baked ([0-9]+)\.", "".join(cluster.lines))
      same("what bakers have baked", (2, 12), (len(baked), sum(map(int, baked))))


def goes_on_without_bakers_that_were_killed(script, programs):
  with Cluster(script, programs, "--bakers", 2, "--bake-ms", 1) as cluster:
    server = cluster.pizzerias[0]
    eventually("word of both", lambda: len(server.stats()["elsewhere"]["bakers"]) == 2)
    os.kill(cluster.bakers[0], signal.SIGKILL)
    eventually("an end of who was killed", lambda: len(server.stats()["elsewhere"]["bakers"]) == 1)
    with Client(server) as client:
      check_order_answer(client.order())
    cluster.process.terminate()
    same("the exit code", 0, cluster.ended())


def ends_at_once_when_asked_twice(script, programs):
  with Cluster(script, programs, "--servers", 1, "--bakers", 1, "--bake-ms", 86400000) as cluster:
    with Client(cluster.pizzerias[0]) as client:
      client.send_order()
      eventually("an order in the oven", lambda: cluster.pizzerias[0].stats()["orders"]["baking"] == 1)
      os.killpg(cluster.process.pid, signal.SIGINT)
      eventually("a closed door", cluster.pizzerias[0].is_refused)
      os.killpg(cluster.process.pid, signal.SIGINT)
      same("the exit code", 1, cluster.ended())


def says_what_keeps_it_from_going_on(script, programs):
  with socket.create_server(("127.0.0.1", 0)) as taken:
    with Cluster(script, programs, "--servers", 1, "--port", taken.getsockname()[1]) as cluster:
      same("the exit code", 1, cluster.ended())
      check(cluster.has_said("demo/run.sh: pizzeria-1 does not open\n"), "it does not say why: %r" % cluster.lines)
      check(cluster.has_said("address already in use"), "the server's words are missing: %r" % cluster.lines)


def ends_where_a_pizzeria_ends(script, programs):
  with Cluster(script, programs, "--servers", 1) as cluster:
    os.kill(cluster.servers[0], signal.SIGKILL)
    same("the exit code", 1, cluster.ended())
    check(cluster.has_said("a pizzeria has closed, with status 137"), "it does not say why: %r" % cluster.lines)


def refuses_wrong_options(script, _):
  for options in (["--servers", "0"], ["--servers"], ["--bakers=x"], ["--port", "65001"], ["--threads", "-1"], ["now"], ["--threads", "123456789"]):
    done = subprocess.run(["sh", script, "--check"] + options, capture_output=True, text=True, timeout=PATIENCE)
    same("%r" % options, (2, "", True), (done.returncode, done.stdout, "--help" in done.stderr))
  done = subprocess.run(["sh", script, "--check", "--help"], capture_output=True, text=True, timeout=PATIENCE)
  same("--help", (0, True, ""), (done.returncode, "--bakers" in done.stdout, done.stderr))


def with_script(test):
  def run(script):
    test(script, sys.argv[2])

  run.__name__ = test.__name__
  return run


main(
  [
    with_script(test)
    for test in (
      refuses_wrong_options,
      answers_orders_and_closes_in_order,
      goes_on_without_bakers_that_were_killed,
      ends_at_once_when_asked_twice,
      says_what_keeps_it_from_going_on,
      ends_where_a_pizzeria_ends,
    )
  ]
)
