# SPDX-License-Identifier: MIT
"""SIGTERM under full load: every order that was accepted is answered, once, and the server ends
with exit code 0.

The clients never leave first, so an order whose result finds nobody ("gone") would be an accepted
order without an answer.
"""

import selectors

from server import *

CLIENTS = 24 if is_short() else 128


class Customer:
  """Orders again and again over one connection; counts answers."""

  def __init__(self, server, number):
    self.client = Client(server)
    self.name = "c%d" % number
    self.is_waiting = False
    self.told = []
    self.order()

  def order(self):
    try:
      self.client.send_order(customer=self.name)
      self.is_waiting = True
    except ConnectionError:
      self.is_waiting = False

  def read(self):
    """Takes one answer; False at the end of the connection."""
    answer = self.client.answer()
    if answer is None:
      return False
    check(self.is_waiting, "an answer that nobody asked for")
    told = check_order_answer(answer)
    if answer.status == 200:
      same("whose order it is", self.name, told["customer"])
    self.told.append((answer.status, told))
    self.is_waiting = False
    if answer.headers.get("connection") != "close":
      self.order()
    return True


def load_until_closed(server, nanswers):
  """Keeps all customers busy; sends SIGTERM after so many answers. Returns all answers when every
  connection has ended, and when the signal was sent."""
  customers = [Customer(server, i) for i in range(CLIENTS)]
  selector = selectors.DefaultSelector()
  for customer in customers:
    selector.register(customer.client.socket, selectors.EVENT_READ, customer)
  seen = 0
  while selector.get_map():
    ready = selector.select(PATIENCE)
    check(ready, "nothing comes any more")
    for key, _ in ready:
      customer = key.data
      if not customer.read():
        selector.unregister(customer.client.socket)
        customer.client.close()
      seen += 1
      if seen == nanswers:
        server.signal(signal.SIGTERM)
        closed_at = time.monotonic()
  return [told for customer in customers for told in customer.told], closed_at


# which takes a quarter of one: 64 orders, two bakers, at most 7.5 ms each
SECONDS_FOR_THE_QUEUE = 15


def closes_under_load(program, *options):
  with Server(program, "--bakers", 2, "--bake-ms", 5, "--queue", 64, *options) as server:
    told, closed_at = load_until_closed(server, 4 * CLIENTS)
    customers = server.stopped()["customers"]
    took = time.monotonic() - closed_at
    check(took < SECONDS_FOR_THE_QUEUE, "closing took %.1f s" % took)
    baked = [one["number"] for status, one in told if status == 200]
    same("numbers that came twice", len(baked), len(set(baked)))
    same("accepted orders and their answers", customers["ready"] + customers["lost"], len(baked))
    same("accepted orders without an answer", 0, customers["gone"])
    same("orders and answers", customers["arrived"], len(told))
    closing = [one for status, one in told if status == 503 and one["error"] == "closing"]
    print("answered %d, refused for closing %d" % (len(baked), len(closing)))


def answers_what_was_accepted(program):
  closes_under_load(program, "--when-full", "reject")


def answers_what_was_accepted_and_refuses_what_waits(program):
  closes_under_load(program, "--when-full", "wait", "--loops", 2)


def answers_with_the_backlog_held(program):
  closes_under_load(program, "--when-full", "backlog", "--loops", 2, "--max-wait-ms", 100)


def answers_without_a_kitchen(program):
  closes_under_load(program, "--bakers", 0)


def refuses_what_waits_when_its_time_is_over(program):
  """Twenty orders, of which two bakers would have for 40 s; the two that have begun are baked."""
  for policy in ("reject", "wait", "backlog"):
    options = ("--bakers", 2, "--bake-ms", 4000, "--target-ms", 0, "--queue", 64, "--when-full", policy)
    with Server(program, *options, "--drain-ms", 100) as server:
      clients = [Client(server) for _ in range(20)]
      for client in clients:
        client.send_order()
      server.when("two in the oven", lambda stats: stats["orders"]["baking"] == 2 and stats["orders"]["arrived"] == 20)
      server.signal(signal.SIGTERM)
      told = [check_order_answer(client.answer()) for client in clients]
      refused = [one for one in told if "error" in one]
      same("why", [{"error": "closing"}] * len(refused), refused)
      check(14 <= len(refused) <= 18, "%d were refused" % len(refused))
      for client in clients:
        client.ends()
      figures = server.stopped()
      same("refused, and not begun at the end", (len(refused),) * 2, (figures["customers"]["gave up"], figures["kitchen"]["closed"]))


def closes_when_idle(program):
  for number in (signal.SIGTERM, signal.SIGINT):
    with Server(program, "--loops", 3) as server:
      clients = [Client(server) for _ in range(5)]
      for client in clients[:3]:
        same("a request", 200, client.get("/healthz").status)
      server.signal(number)
      for client in clients:
        client.ends()
      server.stopped()


def tells_those_who_ask_that_it_closes(program):
  with Server(program, "--bakers", 1, "--bake-ms", 500) as server, Client(server) as baked, Client(server) as other:
    same("open", 200, other.get("/healthz").status)
    baked.send_order()
    server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
    server.signal(signal.SIGTERM)
    eventually("a closed door", lambda: is_refused(server))
    other.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = other.answer()
    same("health", (503, b"closing\n", "close"), (answer.status, answer.body, answer.headers["connection"]))
    check_order_answer(baked.answer())
    server.stopped()


def is_refused(server):
  try:
    Client(server).close()
    return False
  except ConnectionError:
    return True


def leaves_at_once_on_a_second_signal(program):
  with Server(program, "--bakers", 1, "--bake-ms", 86400000) as server:
    with Client(server) as client:
      client.send_order()
      server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
      server.signal(signal.SIGTERM)
      eventually("a closed door", lambda: is_refused(server))
      server.signal(signal.SIGTERM)
      same("the exit code", -signal.SIGTERM, server.wait())
    server.figures = {}


def is_ready(client):
  answer = client.get("/readyz")
  same("readiness", (200, b"ready\n") if answer.status == 200 else (503, b"leaving\n"), (answer.status, answer.body))
  return answer.status == 200


def serves_on_while_balancers_leave(program):
  """After the signal it is not ready, and all else goes on, for new clients too, until the time to
  leave is over."""
  with Server(program, "--leave-ms", 1500, "--bake-ms", 1) as server, Client(server) as witness:
    check(is_ready(witness), "it is not ready")
    server.signal(signal.SIGTERM)
    eventually("an end of readiness", lambda: not is_ready(witness))
    same("health", (200, b"ok\n"), (lambda a: (a.status, a.body))(witness.get("/healthz")))
    with Client(server) as late:
      answer = late.order()
      same("an order", 200, answer.status)
      check("connection" not in answer.headers, "the connection of one who came late ends")
    eventually("a closed door", lambda: is_refused(server))
    server.stopped()


def refuses_what_waits_for_room_when_it_closes(program):
  """One order is in the oven, which is waited for, one in the queue, and two outside it."""
  with Server(program, "--drain-ms", 200, "--bakers", 1, "--bake-ms", 86400000, "--queue", 1, "--when-full", "wait") as server:
    clients = [Client(server) for _ in range(4)]
    clients[0].send_order()
    server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
    for client in clients[1:]:
      client.send_order()
    server.when("two outside", lambda stats: stats["kitchen"]["waiting_outside"] == 2)
    server.signal(signal.SIGTERM)
    for client in clients[1:]:
      answer = client.answer()
      same("an order that still waits", (503, {"error": "closing"}), (answer.status, answer.json()))
      client.close()
    server.kill()
    server.figures = {}  # the order would be in the oven for a day


def bakes_what_fits_in_the_time(program):
  with Server(program, "--drain-ms", 86400000, "--bakers", 1, "--bake-ms", 50) as server:
    clients = [Client(server) for _ in range(5)]
    for client in clients:
      client.send_order()
    server.when("orders", lambda stats: stats["orders"]["arrived"] == 5)
    server.signal(signal.SIGTERM)
    for client in clients:
      same("an order that was accepted", 200, client.answer().status)
      client.close()
    server.stopped()


main(
  [
    answers_what_was_accepted,
    answers_what_was_accepted_and_refuses_what_waits,
    answers_with_the_backlog_held,
    answers_without_a_kitchen,
    refuses_what_waits_when_its_time_is_over,
    closes_when_idle,
    tells_those_who_ask_that_it_closes,
    leaves_at_once_on_a_second_signal,
    serves_on_while_balancers_leave,
    refuses_what_waits_for_room_when_it_closes,
    bakes_what_fits_in_the_time,
  ]
)
