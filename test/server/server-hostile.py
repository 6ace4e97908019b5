# SPDX-License-Identifier: MIT
"""Clients that mean no good, beside clients that do: the others are served throughout, and their
median latency stays within twice its quiet value, which baking dominates.

The hostile clients are a process of their own (this file with "hostile" as third argument), so that
they take no time from the others'.
"""

import random
import resource

from server import *

DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
# negative: no limit
SILENT = 200 if is_short() else min(1000, DESCRIPTORS // 2) if DESCRIPTORS > 0 else 1000
ORDERS = 60
GARBAGE = [
  b"\x00" * 4096, b"\xff" * 4096, b"GET /" + b"a" * 70000, b"\r\n" * 5000,
  b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
]


# ---- The hostile process -------------------------------------------------------------------------


class Target:
  def __init__(self, port):
    self.host, self.port = "127.0.0.1", port


def quietly(action):
  try:
    return action()
  except OSError:
    return None


def open_silent(target):
  return [quietly(lambda: Client(target)) for _ in range(SILENT)]


class Slow:
  """One byte a second, of a request that is right."""

  def __init__(self, target):
    self.target, self.at, self.client = target, 0, None

  def step(self, now):
    if self.client is None:
      self.client, self.at, self.next = Client(self.target), 0, now
    if now < self.next:
      return
    self.next = now + 1
    request = order_bytes(customer="slow")
    self.client.send(request[self.at : self.at + 1])
    self.at += 1

  def again(self):
    self.client = None


class Deaf:
  """Asks and asks, and never reads an answer."""

  def __init__(self, target):
    self.target, self.client = target, None

  def step(self, _):
    if self.client is None:
      self.client = Client(self.target)
      self.client.socket.setblocking(False)
    try:
      self.client.socket.send((b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + order_bytes(customer="deaf")) * 20)
    except BlockingIOError:
      pass

  def again(self):
    self.client = None


def open_deaf_viewer(target):
  """Asks for the news, and never reads them."""
  client = Client(target)
  client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
  client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
  return client


def send_garbage(target, chance):
  with Client(target) as client:
    client.send(chance.choice(GARBAGE) if chance.random() < 0.5 else bytes(chance.getrandbits(8) for _ in range(200)))


def leave_within_an_order(target, chance):
  request = order_bytes(customer="gone")
  with Client(target) as client:
    client.send(request[: chance.randrange(1, len(request) + 1)])


def be_hostile(port):
  resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
  target = Target(port)
  chance = random.Random(7)
  silent = open_silent(target)
  viewers = [open_deaf_viewer(target) for _ in range(5)]
  lasting = [Slow(target), Slow(target), Deaf(target), Deaf(target)]
  print("hostile %d" % sum(1 for one in silent if one is not None), flush=True)
  end = time.monotonic() + PATIENCE
  while viewers and time.monotonic() < end and os.getppid() != 1:
    for one in lasting:
      try:
        one.step(time.monotonic())
      except OSError:
        one.again()
    quietly(lambda: send_garbage(target, chance))
    quietly(lambda: leave_within_an_order(target, chance))
    time.sleep(0.02)


# ---- Requests that are nearly right --------------------------------------------------------------

SEEDS = [
  order_bytes() * 3,
  post_bytes(b"pizza=a+%26%C3%A9&count=2&customer=%22", "application/x-www-form-urlencoded") + order_bytes(extra="Connection: close\r\n"),
  b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n" + order_bytes(),
  b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
  b'17\r\n{"pizza":"a","count":1}\r\n0\r\n\r\n',
  b"GET /stats HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2,
]
TOKENS = [
  b"\r\n", b"\n", b"\x00", b"%", b"HTTP/1.0", b"HEAD ", b"CONNECT ", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"Host: b\r\n",
  b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Upgrade: x\r\nConnection: upgrade\r\n",
]


def mutate(chance, request):
  data = bytearray(request)
  for _ in range(chance.randrange(6)):
    at, length = chance.randrange(len(data) + 1), chance.randrange(60)
    kind = chance.randrange(4)
    if kind == 0:
      data[at : at + 1] = bytes([chance.randrange(256)])
    elif kind == 1:
      data[at:at] = chance.choice(TOKENS)
    elif kind == 2:
      del data[at : at + length // 3]
    else:
      data[at:at] = data[at : at + length]
  return bytes(data)


def send_in_pieces(chance, client, data):
  while data:
    size = chance.choice((1, 7, 50, len(data)))
    client.send(data[:size])
    data = data[size:]


def survives_requests_that_are_nearly_right(program):
  chance = random.Random(11)
  options = ("--bake-ms", 1, "--queue", 4, "--max-wait-ms", 5, "--idle-ms", 200, "--header-bytes", 600, "--body-bytes", 300)
  for policy in ("reject", "wait", "backlog"):
    with Server(program, "--loops", 2, "--when-full", policy, *options) as server:
      lasting = []
      for _ in range(1000):
        client = Client(server)
        quietly(lambda: send_in_pieces(chance, client, mutate(chance, chance.choice(SEEDS))))
        if chance.random() < 0.5:
          client.close()
        else:
          lasting.append(client)
        if len(lasting) > 30:
          lasting.pop(0).close()
      for client in lasting:
        client.close()


# ---- The test ------------------------------------------------------------------------------------


def order_well(server, n):
  """So many orders one after the other, each of which has to be answered. Returns the median
  latency in seconds."""
  took = []
  with Client(server) as client:
    for i in range(n):
      begin = time.monotonic()
      same("an order", 200, client.order(customer="good %d" % i).status)
      took.append(time.monotonic() - begin)
  return sorted(took)[n // 2]


def serves_the_others_throughout(program):
  with Server(program, "--bakers", 16, "--bake-ms", 40, "--queue", 1024, "--idle-ms", 4000, "--loops", 2) as server:
    quiet = order_well(server, ORDERS)
    hostile = subprocess.Popen([sys.executable, __file__, program, "hostile", str(server.port)], stdout=subprocess.PIPE, text=True)
    try:
      line = hostile.stdout.readline()
      same("silent connections", "hostile %d\n" % SILENT, line)
      attacked = order_well(server, ORDERS)
      check(hostile.poll() is None, "the hostile clients have left")
      stats = server.stats()
    finally:
      hostile.kill()
      hostile.wait()
      hostile.stdout.close()
    print("median %.1f ms, and %.1f ms under attack with %d connections" % (quiet * 1000, attacked * 1000, stats["connections"]))
    check(attacked <= 2 * quiet, "the median rose from %.1f ms to %.1f ms" % (quiet * 1000, attacked * 1000))
    eventually("the end of all hostile connections", lambda: server.stats()["connections"] == 1)
    order_well(server, 3)
    figures = server.stop()
    check(figures["customers"]["gone"] > 0, "nobody left within an order")


def cuts_off_those_who_never_read(program):
  with Server(program, "--idle-ms", 300, "--bake-ms", 0) as server, Client(server) as deaf:
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.socket.setblocking(False)
    asked = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000

    def is_cut_off():
      try:
        deaf.socket.send(asked)
        return False
      except BlockingIOError:
        return False
      except ConnectionError:
        return True

    eventually("the end of a connection that is never read", is_cut_off)
    order_well(server, 3)


if len(sys.argv) == 4:
  be_hostile(int(sys.argv[3]))
else:
  main([serves_the_others_throughout, cuts_off_those_who_never_read, survives_requests_that_are_nearly_right])
