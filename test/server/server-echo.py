# SPDX-License-Identifier: MIT
"""demo/echo.c, what was lifted out of demo/server into a service without pizzas: its answers, their
order, what becomes of a request that finds the pool full, of one whose client has left, and of
those that are under way when the service is closed.

python3 test/server/server-echo.py PROGRAM, as the others. The service takes as many milliseconds
for each byte as the test says: so the work of a large body is under way for as long as the test
takes.
"""

from server import *

ENDLESS = b"x" * 60000  # at 10 ms a byte: ten minutes, which no test waits for
SLOW_MS = 10


class Echo:
  """A service at a port of the system's choice. Leaving the block closes it by SIGTERM, and it has
  to end with exit code 0 and nothing on standard error; or kills it, where `is_killed`."""

  def __init__(self, program, threads=4, waiting=64, ms=0, is_killed=False):
    self.command = [program, "0", str(threads), str(waiting), str(ms)]
    self.is_killed = is_killed
    self.host = "127.0.0.1"

  def __enter__(self):
    self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = self.process.stdout.readline()
    found = re.fullmatch(r"The echo is at http://127\.0\.0\.1:([0-9]+)/echo\n", line)
    if not found:
      self.process.kill()
    check(found, "no address: %r" % line)
    self.port = int(found.group(1))
    return self

  def __exit__(self, kind, *_):
    if kind is not None or self.is_killed:
      self.process.kill()
      self.process.communicate()
    elif self.process.returncode is None:
      self.stop()

  def terminate(self):
    self.process.send_signal(signal.SIGTERM)

  def ended(self):
    try:
      _, errors = self.process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
      raise Failed("the service does not end")
    same("the exit code and standard error", (0, ""), (self.process.returncode, errors))

  def stop(self):
    self.terminate()
    self.ended()

  def when(self, what, **figures):
    """Waits until the pool has such figures."""
    with Client(self) as client:
      eventually(what, lambda: figures.items() <= client.get("/stats").json().items())


def echo_bytes(body):
  return b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def is_echoed(client, body):
  answer = client.answer()
  check(answer is not None, "no answer")
  same("the answer", (200, body.upper()), (answer.status, answer.body))
  return answer


def echoes(program):
  with Echo(program) as service, Client(service) as client:
    for body in (b"hello", b"", b"a\x00\xff\r\n", b"long" * 16384):
      client.send(echo_bytes(body))
      is_echoed(client, body)


def refuses_what_is_not_its_own(program):
  with Echo(program) as service, Client(service) as client:
    for method, path, status, allow in (
      ("GET", "/echo", 405, "POST"), ("HEAD", "/echo", 405, "POST"), ("HEAD", "/stats", 405, "GET"),
      ("GET", "/", 404, None), ("GET", "/echoes", 404, None), ("GET", "/stats", 200, None)):
      answer = client.get(path, method)
      same("%s %s" % (method, path), (status, allow), (answer.status, answer.headers.get("allow")))
    client.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 65537\r\n\r\n")
    same("a body that is too large", 413, client.answer().status)
    client.ends()


def answers_in_the_order_of_requests(program):
  """The first takes longest, and all of them have a thread."""
  with Echo(program, threads=16, ms=2) as service, Client(service) as client:
    bodies = [b"%c" % (97 + i) * (100 - 6 * i) for i in range(16)]
    client.send(b"".join(echo_bytes(body) for body in bodies))
    for body in bodies:
      is_echoed(client, body)


def refuses_while_it_is_full(program):
  with Echo(program, threads=1, waiting=1, ms=SLOW_MS, is_killed=True) as service:
    with Client(service) as first, Client(service) as second, Client(service) as third:
      first.send(echo_bytes(ENDLESS))
      service.when("a work under way", running=1, waiting=0)
      second.send(echo_bytes(ENDLESS))
      service.when("a work that waits", running=1, waiting=1)
      for _ in range(2):
        third.send(echo_bytes(b"one too many"))
        answer = third.answer()
        same("the refusal", (503, {"error": "full"}, "1"), (answer.status, answer.json(), answer.headers.get("retry-after")))


def gives_up_the_work_of_a_client_that_leaves(program):
  """So there is room for another, though the thread is still with the first."""
  with Echo(program, threads=1, waiting=1, ms=SLOW_MS, is_killed=True) as service:
    with Client(service) as first, Client(service) as third:
      first.send(echo_bytes(ENDLESS))
      service.when("a work under way", running=1, waiting=0)
      with Client(service) as second:
        second.send(echo_bytes(b"who leaves"))
        service.when("a work that waits", running=1, waiting=1)
      service.when("a work that was given up", running=1, waiting=0, cancelled=1)
      third.send(echo_bytes(b"who stays"))
      service.when("a work in its place", running=1, waiting=1, cancelled=1)


def answers_all_before_it_ends(program):
  """Two clients leave, one with its work on a thread perhaps, one with its work waiting."""
  with Echo(program, threads=2, ms=SLOW_MS) as service:
    clients = [Client(service) for _ in range(12)]
    bodies = [b"client %02d" % i for i in range(len(clients))]
    for client, body in zip(clients, bodies):
      client.send(echo_bytes(body))
    service.when("all works", submitted=len(bodies))
    for left in (0, -1):
      clients.pop(left).close()
      bodies.pop(left)
    service.terminate()
    for client, body in zip(clients, bodies):
      same("what the answer says", "close", is_echoed(client, body).headers.get("connection"))
      client.ends()
      client.close()
    service.ended()


main([
  echoes,
  refuses_what_is_not_its_own,
  answers_in_the_order_of_requests,
  refuses_while_it_is_full,
  gives_up_the_work_of_a_client_that_leaves,
  answers_all_before_it_ends,
])
