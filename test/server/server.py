# SPDX-License-Identifier: MIT
"""What the tests of demo/server share: a server process on a port of the system's choice, and a
client that takes answers apart strictly.

Each test runs as

python3 test/server/server-NAME.py PROGRAM

and needs the standard library alone. All waiting is bounded; nothing is judged by time but where a
test says so.
"""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

PATIENCE = 60  # seconds, for anything that has to happen

# A server that is begun with SIGINT ignored leaves it so, and this may have been.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Failed(Exception):
  pass


def check(holds, what):
  if not holds:
    raise Failed(what)


def same(what, expected, actual):
  check(expected == actual, "%s: %r is wanted, %r is there" % (what, expected, actual))


def eventually(what, probe):
  """Asks again and again until the answer is true, and returns it."""
  end = time.monotonic() + PATIENCE
  while time.monotonic() < end:
    answer = probe()
    if answer:
      return answer
    time.sleep(0.005)
  raise Failed("this never came: " + what)


# ---- The client ----------------------------------------------------------------------------------


class Answer:
  def __init__(self, version, status, headers, body):
    self.version = version
    self.status = status
    self.headers = headers
    self.body = body

  def json(self):
    return json.loads(self.body.decode("utf-8"))


class Client:
  """One connection. An answer that is not well-formed fails the test; the end of the connection is
  None. With a small buffer to receive into, the server's writes soon come to a halt."""

  def __init__(self, server, timeout=PATIENCE, receive_buffer=None):
    self.socket = socket.socket(socket.AF_INET)
    self.socket.settimeout(timeout)
    if receive_buffer is not None:
      self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    self.socket.connect((server.host, server.port))
    self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    self.buffer = b""

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self.close()

  def close(self):
    self.socket.close()

  def send(self, data):
    self.socket.sendall(data)

  def _more(self):
    try:
      data = self.socket.recv(65536)
    except ConnectionError:
      data = b""
    self.buffer += data
    return data != b""

  def answer(self, is_head=False):
    while b"\r\n\r\n" not in self.buffer:
      if not self._more():
        check(self.buffer == b"", "the connection ended within an answer: %r" % self.buffer)
        return None
    head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
    lines = head.decode("ascii").split("\r\n")
    first = re.fullmatch(r"(HTTP/1\.1) ([1-5][0-9]{2}) [A-Za-z ]+", lines[0])
    check(first, "no status line: %r" % lines[0])
    headers = {}
    for line in lines[1:]:
      parts = re.fullmatch(r"([A-Za-z-]+): (.+)", line)
      check(parts and parts.group(1).lower() not in headers, "no header, or twice: %r" % line)
      headers[parts.group(1).lower()] = parts.group(2)
    status = int(first.group(2))
    if status == 100:
      return Answer(first.group(1), status, headers, b"")
    check("date" in headers and "content-type" in headers, "a header is missing: %r" % headers)
    length = 0 if is_head else int(headers["content-length"])
    while len(self.buffer) < length:
      check(self._more(), "the connection ended within a body")
    body, self.buffer = self.buffer[:length], self.buffer[length:]
    if headers["content-type"] == "application/json" and not is_head:
      json.loads(body.decode("utf-8"))
    return Answer(first.group(1), status, headers, body)

  def ends(self):
    """The server has closed its side, and sent nothing more."""
    same("what follows the last answer", None, self.answer())

  def get(self, path, method="GET"):
    self.send(("%s %s HTTP/1.1\r\nHost: test\r\n\r\n" % (method, path)).encode())
    return self.answer(method == "HEAD")

  def send_order(self, pizza="margherita", count=1, customer=None, extra=""):
    self.send(order_bytes(pizza, count, customer, extra))

  def order(self, *args, **options):
    self.send_order(*args, **options)
    return self.answer()


def order_bytes(pizza="margherita", count=1, customer=None, extra=""):
  wish = {"pizza": pizza, "count": count}
  if customer is not None:
    wish["customer"] = customer
  return post_bytes(json.dumps(wish).encode(), "application/json", extra)


def post_bytes(body, content_type, extra=""):
  head = "POST /orders HTTP/1.1\r\nHost: test\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (content_type, len(body), extra)
  return head.encode() + body


def check_order_answer(answer):
  """A 200 tells of an order; a 503 why not, and when to come again. Returns the JSON."""
  check(answer is not None, "no answer to an order")
  check(answer.status in (200, 503), "status %d to an order" % answer.status)
  told = answer.json()
  if answer.status == 503:
    check(told["error"] in ("full", "waited too long", "closing"), "an unknown error: %r" % told)
    check("retry-after" in answer.headers, "503 without Retry-After")
    return told
  fields = ["number", "pizza", "count", "customer", "outcome", "reason", "waited_ms", "baked_ms"]
  same("the fields of an order", fields, list(told))
  check(told["number"] > 0 and told["waited_ms"] >= 0 and told["baked_ms"] >= 0, "a wrong number: %r" % told)
  reasons = {"ready": [""], "lost": ["out of ingredients", "the cook quit"]}
  check(told["reason"] in reasons[told["outcome"]], "a wrong outcome: %r" % told)
  return told


# ---- The server ----------------------------------------------------------------------------------


class Server:
  """A server process. Leaving the block closes it by SIGTERM and checks its end: exit code 0,
  nothing on standard error, and figures that add up for the kitchen and the news."""

  def __init__(self, program, *options, descriptors=None):
    self.command = [program, "--port", "0"] + [str(option) for option in options]
    self.most_descriptors = descriptors

  def __enter__(self):
    most = self.most_descriptors
    limit = most and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
    self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
    self.output = []
    self.errors = []
    self._readers = [
      threading.Thread(target=self._read, args=(self.process.stdout, self.output), daemon=True),
      threading.Thread(target=self._read, args=(self.process.stderr, self.errors), daemon=True),
    ]
    for reader in self._readers:
      reader.start()
    try:
      line = eventually("the address of the server", lambda: self.output and self.output[0] or self.process.poll() is not None)
      check(isinstance(line, str), "the server did not start: %s" % "".join(self.errors))
      found = re.fullmatch(r"The pizzeria is open at http://(127\.0\.0\.1):([0-9]+)/\n", line)
      check(found, "no address: %r" % line)
    except BaseException:
      self.kill()
      raise
    self.host, self.port = found.group(1), int(found.group(2))
    self.figures = None
    return self

  def __exit__(self, kind, *_):
    if kind is not None:
      self.kill()
      sys.stderr.write("".join(self.output + self.errors))
      return
    if self.figures is None:
      self.stop()

  @staticmethod
  def _read(stream, lines):
    for line in stream:
      lines.append(line)

  def kill(self):
    if self.process.poll() is None:
      self.process.kill()
    self.process.wait()

  def signal(self, number):
    self.process.send_signal(number)

  def wait(self):
    try:
      code = self.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
      raise Failed("the server does not end")
    for reader in self._readers:
      reader.join(PATIENCE)
    return code

  def stop(self):
    """Closes the server and returns its last figures."""
    self.signal(signal.SIGTERM)
    return self.stopped()

  def stopped(self):
    same("the exit code (%s)" % "".join(self.errors), 0, self.wait())
    same("standard error", "", "".join(line for line in self.errors if not line.startswith("note: ")))
    same("the last line", "The pizzeria is closed.\n", self.output[-1])
    self.figures = {}
    for line in self.output[-5:-1]:
      if not re.match("(courier|kitchen|news|customers): ", line):
        continue
      name, rest = line.strip().split(": ")
      pairs = [pair.rsplit(" ", 1) for pair in rest.split(", ")]
      self.figures[name] = {key: int(value) for key, value in pairs}
    check_figures(self.figures)
    return self.figures

  def processor_seconds(self):
    """What all its threads have taken."""
    with open("/proc/%d/stat" % self.process.pid) as stat:
      user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

  def descriptors(self):
    """How many the server has open; None where that can't be seen."""
    try:
      return len(os.listdir("/proc/%d/fd" % self.process.pid))
    except OSError:
      return None

  def stats(self):
    with Client(self) as client:
      return client.get("/stats").json()

  def when(self, what, probe):
    """Waits until the statistics are such; asks over one connection."""
    with Client(self) as client:
      return eventually(what, lambda: (lambda stats: stats if probe(stats) else None)(client.get("/stats").json()))


def check_figures(figures):
  news = figures["news"]
  same("sent as news", news["sent"], news["received"] + news["dropped"])
  same("left of the news", 0, news["left"])
  customers = figures["customers"]
  kitchen = figures["kitchen"]
  unbaked = kitchen["cancelled"] + kitchen["expired"] + kitchen["shed"] + kitchen["closed"]
  same("submitted to the kitchen", kitchen["submitted"], kitchen["done"] + unbaked)
  same("left in the kitchen, and threads that failed", (0, 0), (kitchen["left"], kitchen["failed threads"]))
  if kitchen["submitted"] > 0:
    same("what the bakers did", kitchen["done"], customers["ready"] + customers["lost"])
  if "courier" not in figures:  # who has been given up may be baked elsewhere
    check(customers["gave up"] <= unbaked, "more gave up than were not baked: %r" % figures)
  answered = customers["ready"] + customers["lost"] + customers["rejected"] + customers["gave up"]
  same("orders that arrived", customers["arrived"], answered)
  same("orders still waiting or baking", (0, 0), (customers["waiting"], customers["baking"]))


def is_short():
  return os.environ.get("UVCHAN_SHORT", "") != ""


def main(tests):
  """Runs the functions with the program's path; the exit code is 1 where one fails."""
  if len(sys.argv) < 2:
    sys.exit("usage: %s PROGRAM" % sys.argv[0])
  for test in tests:
    try:
      test(sys.argv[1])
    except Failed as failed:
      sys.exit("failed: %s: %s" % (test.__name__, failed))
    print("ok: " + test.__name__, flush=True)
