# SPDX-License-Identifier: MIT
"""How clients are let in: what happens where descriptors are scarce, how the limit of connections is
shared by the loops, and how clients are spread over them.

That the server costs no processor while it can't accept is looked at for half a second: a loop that
spins would take all of it.
"""

from server import *

CROWD = 120 if is_short() else 500
LONG = ("--idle-ms", 86400000)  # nobody makes room by being idle
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"


def sees_processes():
  return os.path.isdir("/proc/self/fd")


def takes_no_processor(server, what):
  window = 0.5
  before = server.processor_seconds()
  time.sleep(window)
  took = server.processor_seconds() - before
  check(took < window / 4, "%s: %.2f s of processor time in %.1f s" % (what, took, window))


def crowd_of(server, n):
  """So many clients that have asked, whether they are accepted or not."""
  clients = [Client(server) for _ in range(n)]
  for client in clients:
    client.send(HEALTH)
  return clients


def serve_in_turn(clients):
  """Each is answered, and then makes room for the others."""
  for client in clients:
    answer = client.answer()
    check(answer is not None, "a client was sent away without an answer")
    same("a client in its turn", 200, answer.status)
    client.close()


# ---- Descriptors ---------------------------------------------------------------------------------


def clamps_its_connections_to_the_descriptors(program):
  for loops in (1, 2):
    with Server(program, "--loops", loops, *LONG, descriptors=100) as server:
      eventually("a note", lambda: server.errors)
      found = [re.fullmatch(r"note: at most (\d+) connections, of 100 descriptors\n", line) for line in server.errors]
      check(len(found) == 1 and found[0], "it does not say how many: %r" % server.errors)
      most = int(found[0].group(1))
      check(30 <= most < 90, "of 100 descriptors %d are for connections" % most)
      clients = crowd_of(server, CROWD)
      for client in clients[:most]:
        same("one below the limit", 200, client.answer().status)
      clients[0].send(b"GET /stats HTTP/1.1\r\nHost: test\r\n\r\n")
      stats = clients[0].answer().json()
      same("the open ones, and the most", (most, most), (stats["connections"], stats["connections_most"]))
      takes_no_processor(server, "with a crowd outside")
      for client in clients[:most]:
        client.close()
      serve_in_turn(clients[most:])


def says_nothing_where_there_are_enough(program):
  with Server(program, "--connections", 10) as server:
    same("notes", [], server.errors)


def ends_where_no_descriptor_is_left(program):
  most = 12
  limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
  ended = subprocess.run([program, "--port", "0"], capture_output=True, text=True, timeout=PATIENCE, preexec_fn=limit)
  same("the exit code", 1, ended.returncode)
  check(ended.stderr.startswith("error: "), "no message: " + ended.stderr)


def set_limit(server, most):
  _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
  resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (most, hard))


def heals_where_descriptors_run_out(program):
  """The limit is lowered below what is open: as if others in the process had taken them."""
  for loops in (1, 3):
    with Server(program, "--loops", loops, *LONG) as server:
      with Client(server) as witness:
        same("before", 200, witness.get("/healthz").status)
        enough, _ = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        set_limit(server, 4)
        clients = crowd_of(server, 50)
        eventually("a refusal by the system", lambda: refusals(witness) > 0)
        takes_no_processor(server, "without descriptors")
        same("one that was in before", 200, witness.get("/healthz").status)
        set_limit(server, enough)
        serve_in_turn(clients)


def refusals(client):
  text = client.get("/metrics").body.decode()
  return int(re.search(r"^pizzeria_accept_refusals_total (\d+)$", text, re.M).group(1))


def comes_back_when_a_descriptor_is_given_back(program):
  with Server(program, "--loops", 2, *LONG) as server:
    witness = Client(server)
    inside = crowd_of(server, 8)
    for client in inside:
      same("before", 200, client.answer().status)
    lowest_free = max(int(name) for name in os.listdir("/proc/%d/fd" % server.process.pid)) + 1
    set_limit(server, lowest_free)
    outside = crowd_of(server, 8)
    eventually("a refusal by the system", lambda: refusals(witness) > 0)
    for client in inside:
      client.close()
    serve_in_turn(outside)
    witness.close()


def closes_without_descriptors(program):
  with Server(program, "--loops", 2, *LONG) as server:
    with Client(server) as witness:
      same("before", 200, witness.get("/healthz").status)
      set_limit(server, 4)
      clients = crowd_of(server, 20)
      eventually("a refusal by the system", lambda: refusals(witness) > 0)
      server.stop()
      for client in clients:
        client.close()


# ---- One limit for all loops ---------------------------------------------------------------------


def lets_nobody_wait_while_a_loop_has_room(program):
  for n in (4, 5, 16):
    with Server(program, "--loops", 4, "--connections", n, *LONG) as server:
      clients = crowd_of(server, n)
      for client in clients:
        same("one of %d at %d loops" % (n, 4), 200, client.answer().status)
      for client in clients:
        client.close()


def spreads_its_connections(program):
  loops, n = 4, 120 if is_short() else 288
  with Server(program, "--loops", loops, *LONG) as server:
    clients = crowd_of(server, n)
    for client in clients:
      same("one of many", 200, client.answer().status)
    clients[0].send(b"GET /stats HTTP/1.1\r\nHost: test\r\n\r\n")
    spread = clients[0].answer().json()["connections_of_loops"]
    same("all of them", (loops, n), (len(spread), sum(spread)))
    check(min(spread) >= 0.8 * max(spread), "the spread: %r" % spread)
    for client in clients[::2]:
      client.close()
    server.when("half of them", lambda stats: stats["connections"] == n // 2 + 1)
    more = crowd_of(server, n // 2)
    for client in more:
      same("one that came later", 200, client.answer().status)
    more[0].send(b"GET /stats HTTP/1.1\r\nHost: test\r\n\r\n")
    spread = more[0].answer().json()["connections_of_loops"]
    check(min(spread) >= 0.8 * max(spread), "the spread after some left: %r" % spread)
    for client in clients + more:
      client.close()


def spreads_connections_that_end_at_once(program):
  """One after the other: each finds all loops without a connection."""
  loops = 3
  with Server(program, "--loops", loops, *LONG) as server:
    peaks = [0] * loops
    for _ in range(8 * loops):
      with Client(server) as client:
        spread = client.get("/stats").json()["connections_of_loops"]
        peaks = [peak + (1 if now else 0) for peak, now in zip(peaks, spread)]
    check(min(peaks) > 0, "a loop got nobody: %r" % peaks)


def gives_back_what_it_took(program):
  with Server(program, "--loops", 2, *LONG) as server:
    with Client(server) as witness:
      same("before", 200, witness.get("/healthz").status)
      for client in crowd_of(server, 10):  # with its first connection a loop keeps a descriptor
        same("one of few", 200, client.answer().status)
        client.close()
      eventually("one connection", lambda: witness.get("/stats").json()["connections"] == 1)
      quiet = server.descriptors()
      for client in crowd_of(server, 100):
        same("one of many", 200, client.answer().status)
        client.close()
      eventually("one connection", lambda: witness.get("/stats").json()["connections"] == 1)
      eventually("the descriptors of before", lambda: server.descriptors() <= quiet)


def closes_while_clients_come(program):
  """Those who are on their way to a loop are served, or see an end; nothing is left behind."""
  for _ in range(3 if is_short() else 10):
    with Server(program, "--loops", 3) as server:
      clients = crowd_of(server, 60)
      server.signal(signal.SIGTERM)
      for client in clients:
        answer = client.answer()
        check(answer is None or answer.status in (200, 503), "an answer while closing: %r" % answer)
        client.close()
      server.stopped()


if not sees_processes() or not hasattr(resource, "prlimit"):
  print("skipped: what a process has open can't be seen here, or its limits can't be set")
  sys.exit(77)
main(
  [
    clamps_its_connections_to_the_descriptors,
    says_nothing_where_there_are_enough,
    ends_where_no_descriptor_is_left,
    heals_where_descriptors_run_out,
    comes_back_when_a_descriptor_is_given_back,
    closes_without_descriptors,
    lets_nobody_wait_while_a_loop_has_room,
    spreads_its_connections,
    spreads_connections_that_end_at_once,
    gives_back_what_it_took,
    closes_while_clients_come,
  ]
)
