# SPDX-License-Identifier: MIT
"""The server's HTTP: its paths, its refusals, pipelining, limits, and what it does when the kitchen
is full."""

import re
import shutil
import subprocess

from server import *


# ---- Paths ---------------------------------------------------------------------------------------


def serves_the_page(program):
  with Server(program) as server, Client(server) as client:
    page = client.get("/")
    same("the page", (200, "text/html; charset=utf-8"), (page.status, page.headers["content-type"]))
    check("default-src 'self'" in page.headers["content-security-policy"], "no content security policy")
    for path, kind in (("/style.css", "text/css"), ("/app.js", "text/javascript"), ("/?table=7", "text/html")):
      asset = client.get(path)
      same(path, 200, asset.status)
      check(asset.headers["content-type"].startswith(kind) and asset.body, "not the file: " + path)
    head = client.get("/", "HEAD")
    same("HEAD", (200, page.headers["content-length"]), (head.status, head.headers["content-length"]))
    same("health", (200, b"ok\n"), (lambda a: (a.status, a.body))(client.get("/healthz")))


def refuses_what_is_not_there(program):
  with Server(program) as server, Client(server) as client:
    for path in ("/nothing", "/orders/7", "//", "/../etc/passwd", "/%2e%2e/", "/app.js/", "http://test/x"):
      same(path, 404, client.get(path).status)
    for path, method in (("/orders", "GET"), ("/orders", "DELETE"), ("/", "POST"), ("/stats", "PUT"), ("/events", "OPTIONS")):
      answer = client.get(path, method)
      same(method + " " + path, 405, answer.status)
      same("Allow", "POST" if path == "/orders" else "GET, HEAD", answer.headers["allow"])


def takes_orders_in_both_forms(program):
  with Server(program, "--bake-ms", 0) as server, Client(server) as client:
    told = check_order_answer(client.order("quattro formaggi", 99, "J\u00fcrg \U0001f355"))
    same("the order", ("quattro formaggi", 99, "J\u00fcrg \U0001f355"), (told["pizza"], told["count"], told["customer"]))
    client.send(post_bytes(b"pizza=a+%26%C3%A9&count=2&customer=%22&tip=1", "application/x-www-form-urlencoded; charset=utf-8"))
    told = check_order_answer(client.answer())
    same("the form", ("a &\u00e9", 2, '"'), (told["pizza"], told["count"], told["customer"]))
    told = check_order_answer(client.order("\u4e16" * 40, 1))
    same("forty characters", "\u4e16" * 40, told["pizza"])
    same("no customer", "", told["customer"])


def refuses_wrong_orders(program):
  form = "application/x-www-form-urlencoded"
  wrong_json = [
    b"", b"{", b"[]", b"7", b"null", b"{}", b'{"pizza":"a"}', b'{"count":1}', b'{"pizza":"","count":1}', b'{"pizza":7,"count":1}',
    b'{"pizza":"a","count":0}', b'{"pizza":"a","count":100}', b'{"pizza":"a","count":-1}', b'{"pizza":"a","count":1.5}',
    b'{"pizza":"a","count":"1"}', b'{"pizza":"a","count":99999999999999999999}', b'{"pizza":"a","count":1,"customer":7}',
    b'{"pizza":"a\\u0000","count":1}', b'{"pizza":"a\\n","count":1}', b'{"pizza":"\xff","count":1}', b'{"pizza":"a","count":1} x',
    b'{"pizza":"a","pizza":"b","count":1}', b'{"pizza":"' + b"a" * 41 + b'","count":1}', b"[" * 4000,
    b'{"pizza":"a","count":1,"customer":"' + b"a" * 41 + b'"}',
  ]
  wrong_forms = [
    b"", b"&&", b"pizza", b"pizza=a", b"count=1", b"pizza=&count=1", b"pizza=a&count=", b"pizza=a&count=x", b"pizza=a&count=0",
    b"pizza=a&count=100", b"pizza=a&count=+1", b"pizza=%&count=1", b"pizza=%4&count=1", b"pizza=%zz&count=1", b"pizza=%00&count=1",
    b"pizza=%ff&count=1", b"pizza=a%0a&count=1", b"pizza=" + b"a" * 41 + b"&count=1", b"pizza=a&count=1&customer=%80",
  ]
  with Server(program, "--bake-ms", 0) as server, Client(server) as client:
    for kind, bodies in (("application/json", wrong_json), (form, wrong_forms)):
      for body in bodies:
        client.send(post_bytes(body, kind))
        same("%r" % body, 400, client.answer().status)
    client.send(post_bytes(b"pizza", "text/plain"))
    same("text", 415, client.answer().status)
    client.send(b"POST /orders HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n")
    same("no type", 415, client.answer().status)
    check_order_answer(client.order())
    same("orders that arrived", 1, server.stats()["orders"]["arrived"])


# ---- The protocol --------------------------------------------------------------------------------

MALFORMED = [
  b"\r\n\r\n\r\n x", b"GET\r\n\r\n", b"GET / FTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
  b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
  b"GET / HTTP/1.1\r\nHost: a\r\nba d: 1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nx: \x00\r\n\r\n",
  b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 100, b"\xff" * 100, b"SSH-2.0-OpenSSH_9.2\r\n",
]


def answers_malformed_requests(program):
  with Server(program) as server:
    for request in MALFORMED:
      with Client(server) as client:
        client.send(request)
        answer = client.answer()
        check(answer is not None, "no answer to %r" % request)
        same("%r" % request, (400, "close"), (answer.status, answer.headers.get("connection")))
        client.ends()
    with Client(server) as client:
      same("a good one after them", 200, client.get("/healthz").status)


def answers_wherever_a_request_is_split(program):
  with Server(program, "--bake-ms", 0) as server, Client(server) as client:
    for request, status in ((order_bytes("capricciosa", 3), 200), (b"GET /healthz HTTP/1.1\r\nhost:test\r\n\r\n", 200)):
      for i in range(1, len(request)):
        client.send(request[:i])
        client.send(request[i:])
        same("split at %d" % i, status, client.answer().status)
    for byte in order_bytes("napoli", 1):
      client.send(bytes([byte]))
    check_order_answer(client.answer())


def keeps_the_order_of_pipelined_requests(program):
  with Server(program, "--bakers", 8, "--bake-ms", 10, "--queue", 256, "--loops", 2) as server:
    for _ in range(3):
      with Client(server) as client:
        expected = []
        requests = b""
        for i in range(60):
          if i % 5 == 4:
            requests += b"GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n"
            expected.append(404)
          else:
            requests += order_bytes("calzone", 1 + i % 9, "table %d" % i)
            expected.append("table %d" % i)
        client.send(requests)
        for want in expected:
          answer = client.answer()
          got = answer.status if want == 404 else check_order_answer(answer)["customer"]
          same("the next answer", want, got)


def keeps_connections_alive_as_asked(program):
  with Server(program, "--bake-ms", 0) as server:
    for request, is_kept in (
      (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", True),
      (b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", False),
      (b"GET /healthz HTTP/1.0\r\n\r\n", False),
      (b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
      (b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", True),
    ):
      with Client(server) as client:
        client.send(request)
        answer = client.answer()
        same("%r" % request, 200, answer.status)
        if is_kept:
          same("a second request", 200, client.get("/healthz").status)
        else:
          same("Connection", "close", answer.headers["connection"])
          client.ends()
    with Client(server) as client:
      client.send(order_bytes(extra="Connection: close\r\n") + order_bytes())
      check_order_answer(client.answer())
      client.ends()


def takes_chunks_and_expectations(program):
  with Server(program, "--bake-ms", 0) as server, Client(server) as client:
    body = b'{"pizza":"a","count":1}'
    head = b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    chunks = b"".join(b"1\r\n" + body[i : i + 1] + b"\r\n" for i in range(len(body)))
    client.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nHost: trailer\r\n\r\n")
    check_order_answer(client.answer())
    client.send(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    same("to go on", 100, client.answer().status)
    client.send(body)
    check_order_answer(client.answer())


def holds_its_limits(program):
  with Server(program, "--header-bytes", 1024, "--body-bytes", 512, "--idle-ms", 300) as server:
    head = b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    for request, status in (
      (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
      (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 400 + b"\r\n", 431),
      (b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * 100000, 431),
      (head + b"Content-Length: 513\r\n\r\n", 413),
      (head + b"Transfer-Encoding: chunked\r\n\r\n201\r\n" + b"a" * 513, 413),
      (head + b"Content-Length: 1000000\r\n\r\n" + b"a" * 200000, 413),
      (b"GET / HTTP/1.1\r\nHost: a\r\n", 408),
      (head + b"Content-Length: 10\r\n\r\n123", 408),
    ):
      with Client(server) as client:
        client.send(request)
        same("%r" % request[:60], status, client.answer().status)
        client.ends()
    with Client(server) as client:
      client.ends()  # silence is cut off without a word


def holds_connections_beyond_the_limit(program):
  with Server(program, "--connections", 3) as server:
    clients = [Client(server) for _ in range(3)]
    for client in clients:
      same("one within the limit", 200, client.get("/healthz").status)
    with Client(server) as fourth:
      fourth.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
      for client in clients:
        same("connections", 3, client.get("/stats").json()["connections"])
      clients[0].close()
      same("one beyond it, once there is room", 200, fourth.answer().status)
      for client in clients:
        client.close()


# ---- When the kitchen is full --------------------------------------------------------------------

SLOW = ("--bakers", 1, "--queue", 1, "--bake-ms", 800, "--target-ms", 0)
POLICIES = ("reject", "wait", "backlog")


def fill(server, clients):
  """One order in the oven, one in the queue."""
  clients[0].send_order(customer="first")
  server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
  clients[1].send_order(customer="second")
  server.when("an order in the queue", lambda stats: stats["kitchen"]["waiting"] == 1)


def rejects_when_full(program):
  with Server(program, *SLOW) as server:
    clients = [Client(server) for _ in range(3)]
    fill(server, clients)
    refused = clients[2].order()
    same("the third", (503, {"error": "full"}), (refused.status, refused.json()))
    same("a rejected connection goes on", 200, clients[2].get("/healthz").status)
    for client in clients[:2]:
      same("one that was accepted", 200, client.answer().status)
    figures = server.stop()
    same("rejected", 1, figures["customers"]["rejected"])


def waits_when_full(program):
  with Server(program, *SLOW, "--when-full", "wait") as server:
    clients = [Client(server) for _ in range(4)]
    fill(server, clients)
    health = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    clients[2].send(order_bytes(customer="third") + health + order_bytes(customer="fifth"))
    clients[3].send_order(customer="fourth")
    server.when("two that wait for room", lambda stats: stats["kitchen"]["waiting_outside"] == 2)
    same("orders that were read", 4, server.stats()["orders"]["arrived"])
    for client, name in zip(clients, ("first", "second", "third", "fourth")):
      same("its order", name, check_order_answer(client.answer())["customer"])
    same("what came behind it", b"ok\n", clients[2].answer().body)
    same("and behind that", "fifth", check_order_answer(clients[2].answer())["customer"])
    same("rejected", 0, server.stop()["customers"]["rejected"])


def holds_the_backlog_when_full(program):
  """No connection goes idle meanwhile, and none but that of an order makes room for another."""
  with Server(program, *SLOW, "--when-full", "backlog", "--idle-ms", 1000 * PATIENCE * 2) as server:
    clients = [Client(server) for _ in range(3)]
    with Client(server) as witness:
      fill(server, clients)
      clients[2].send_order(customer="third")
      stats = lambda: witness.get("/stats").json()
      full = lambda now: now["kitchen"]["waiting_outside"] == 1 and now
      before = eventually("one that waits for room", lambda: full(stats()))
      with Client(server) as late:
        late.send_order(customer="late")
        seen = [stats() for _ in range(20)]
        still = [one for one in seen if one["kitchen"]["done"] == before["kitchen"]["done"]]
        check(all(one["connections"] <= before["connections"] for one in still), "a connection was accepted while it was full")
        same("the late one", "late", check_order_answer(late.answer())["customer"])
      for client in clients:
        check_order_answer(client.answer())
      for client in [Client(server) for _ in range(3)]:
        same("one that comes when there is room", 200, client.get("/healthz").status)
    same("rejected", 0, server.stop()["customers"]["rejected"])


def gives_up_on_orders_that_wait_too_long(program):
  for policy in POLICIES:
    with Server(program, *SLOW, "--bake-ms", 2000, "--when-full", policy, "--max-wait-ms", 200) as server:
      clients = [Client(server) for _ in range(2 if policy == "reject" else 3)]
      fill(server, clients)
      if policy != "reject":
        clients[2].send_order()
      same("the first", 200, clients[0].answer().status)
      for client in clients[1:]:
        told = client.answer()
        same("one that waited", (503, {"error": "waited too long"}), (told.status, told.json()))
      figures = server.stop()["customers"]
      same("baked", 1, figures["ready"] + figures["lost"])
      same("gave up", len(clients) - 1, figures["gave up"])


def bakes_nothing_for_clients_that_left(program):
  """One order is in the oven and 400 wait, whose clients all leave: the next one is served after
  what was begun."""
  for policy in POLICIES:
    with Server(program, *SLOW, "--queue", 500 if policy == "reject" else 4, "--when-full", "wait" if policy == "backlog" else policy, "--loops", 2) as server:
      clients = [Client(server) for _ in range(401)]
      for client in clients:
        client.send_order()
      server.when("orders that wait", lambda stats: stats["orders"]["arrived"] == 401)
      for client in clients:
        client.close()
      with Client(server) as client:
        check_order_answer(client.order())
      figures = server.stop()
      check(figures["customers"]["gave up"] > 350, "orders that nobody waits for were baked: %r" % figures)
      same("orders that were cancelled", figures["customers"]["gave up"], figures["kitchen"]["cancelled"])


def drops_the_answer_for_a_client_that_left(program):
  """What is in the oven is baked, and finds nobody."""
  for policy in POLICIES:
    with Server(program, *SLOW, "--bake-ms", 2400, "--when-full", policy) as server:
      clients = [Client(server) for _ in range(2)]
      fill(server, clients)
      for client in clients:
        client.close()
      server.when("an order that found nobody", lambda stats: stats["orders"]["gone"] == 1)
      customers = server.stop()["customers"]
      same("baked, and given up", (1, 1), (customers["ready"] + customers["lost"], customers["gave up"]))


def takes_apart_what_a_client_that_left_had_asked(program):
  """Three orders of one client: in the oven, in the queue, and refused, which is answered in its
  turn and not before."""
  with Server(program, *SLOW, "--bake-ms", 2400) as server:
    with Client(server) as client:
      client.send_order()
      server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
      client.send(order_bytes() * 2)
      server.when("an order that is refused", lambda stats: stats["orders"]["rejected"] == 1)
    server.when("an order that found nobody", lambda stats: stats["orders"]["gone"] == 1)
    same("given up", 1, server.stop()["customers"]["gave up"])


def cuts_a_queue_that_stands(program):
  """All orders come at once, and each takes longer than an order is to wait."""
  for policy in POLICIES:
    options = ("--bakers", 1, "--bake-ms", 20, "--queue", 8 if policy == "wait" else 40, "--when-full", policy)
    for target, cuts in ((1, True), (0, False)):
      with Server(program, *options, "--target-ms", target, "--interval-ms", 1) as server:
        clients = [Client(server) for _ in range(30)]
        for client in clients:
          client.send_order()
        refused = [told for told in (check_order_answer(client.answer()) for client in clients) if "error" in told]
        same("why", [{"error": "waited too long"}] * len(refused), refused)
        figures = server.stop()
        same("refused, and cut", (len(refused),) * 2, (figures["customers"]["gave up"], figures["kitchen"]["shed"]))
        same("whether the queue was cut", cuts, len(refused) > 0)


def says_when_to_come_again(program):
  """One baker that takes 400 ms at least, for each of four that wait."""
  with Server(program, *SLOW, "--queue", 4) as server:
    clients = [Client(server) for _ in range(6)]
    check_order_answer(clients[0].order())
    refused = []
    clients[0].send_order()
    server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
    for client in clients[1:]:
      client.send_order()
    for client in clients:
      answer = client.answer()
      check_order_answer(answer)
      if answer.status == 503:
        refused.append(int(answer.headers["retry-after"]))
    check(len(refused) == 1 and 2 <= refused[0] <= 10, "to come again after %r s" % refused)


def has_no_kitchen_where_nobody_bakes(program):
  with Server(program, "--bakers", 0) as server, Client(server) as client:
    same("answered on the loop", 200, client.order().status)
    same("submitted", 0, client.get("/stats").json()["kitchen"]["submitted"])


# ---- Figures and news ----------------------------------------------------------------------------


def read_metrics(text):
  """The samples by their names; each name has its help and its type once, ahead of them."""
  values, described = {}, []
  for line in text.splitlines():
    if line.startswith("#"):
      parts = re.fullmatch(r"# (HELP|TYPE) ((?:pizzeria|process)_[a-z0-9_]+) .+", line)
      check(parts, "a comment: " + line)
      described.append(parts.groups())
      continue
    parts = re.fullmatch(r'((?:pizzeria|process)_[a-z0-9_]+(?:\{[a-z]+="[^"]*"\})?) ([0-9.]+)', line)
    check(parts and parts.group(1) not in values, "a sample: " + line)
    check(parts.group(1).startswith(described[-1][1]), "a sample of something else: " + line)
    values[parts.group(1)] = float(parts.group(2))
  same("names described", len(described), len(set(described)))
  return values


def check_with_promtool(text):
  if shutil.which("promtool") is None:
    return
  checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=PATIENCE)
  same("promtool (%s)" % checked.stderr.decode(), 0, checked.returncode)


def writes_metrics(program):
  with Server(program, "--bake-ms", 1, "--loops", 3) as server, Client(server) as client:
    for _ in range(10):
      check_order_answer(client.order())
    for _ in range(2):
      same("not there", 404, client.get("/nothing").status)
    same("there", 200, client.get("/healthz").status)
    answer = client.get("/metrics")
    check(answer.headers["content-type"].startswith("text/plain; version=0.0.4"), "the type of metrics")
    values = read_metrics(answer.body.decode())
    same("arrived", 10, values["pizzeria_orders_arrived_total"])
    same("done", 10, values["pizzeria_pool_done_total"])
    same("what else became of them", 0, sum(values["pizzeria_pool_%s_total" % what] for what in ("cancelled", "expired", "shed", "closed")))
    same("latencies", 10, values["pizzeria_latency_seconds_count"])
    buckets = [value for name, value in values.items() if "_bucket" in name]
    same("the histogram", sorted(buckets), buckets)
    same("its last bucket", 10, buckets[-1])
    stats = client.get("/stats").json()
    same("the loops", 3, stats["loops"])
    latency = stats["latency_ms"]
    check(0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"], "latencies: %r" % latency)
    for code, n in (("200", 11), ("404", 2), ("503", 0)):
      same("answers with " + code, n, values['pizzeria_http_answers_total{code="%s"}' % code])
    check(values["process_cpu_seconds_total"] >= 0 and values["process_resident_memory_bytes"] > 100000, "the process: %r" % values)
    check(abs(values["process_start_time_seconds"] - time.time()) < PATIENCE, "the start: %r" % values)
    if server.descriptors() is not None:
      same("open descriptors", server.descriptors(), values["process_open_fds"])
    check_with_promtool(answer.body)


def one_order_alone_is_the_median_and_the_maximum(program):
  for _ in range(3):
    with Server(program, "--bake-ms", 20) as server, Client(server) as client:
      check_order_answer(client.order())
      latency = client.get("/stats").json()["latency_ms"]
      same("the quantiles of one", 1, len(set(latency.values())))


def read_event(stream):
  kind = data = None
  for line in stream:
    line = line.rstrip("\n")
    if line == "" and kind is not None:
      return kind, json.loads(data)
    if line.startswith("event: "):
      kind = line[7:]
    elif line.startswith("data: "):
      data = line[6:]
  return None, None


class Viewer:
  """Reads the events of the live page over one connection."""

  def __init__(self, server):
    self.client = Client(server)
    self.client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    stream = self.client.socket.makefile("r", encoding="utf-8", newline="\n")
    self.lines = iter(stream.readline, "")
    for line in self.lines:
      if line == "\r\n":
        break

  def event(self):
    return read_event(self.lines)

  def close(self):
    self.client.close()


FACTS = ("capacity", "bakers", "loops", "policy")


def begins_with_the_whole_board(program):
  """The counts of the first event and its orders belong together, however many loops have them."""
  with Server(program, "--bakers", 1, "--bake-ms", 86400000, "--loops", 3) as server:
    clients = [Client(server) for _ in range(7)]
    for i, client in enumerate(clients):
      client.send_order("funghi", 1 + i, "table %d" % i)
      server.when("order %d" % i, lambda stats: stats["orders"]["waiting"] + stats["orders"]["baking"] == i + 1)
    server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
    clients.pop(3).close()
    server.when("one that left", lambda stats: stats["connections"] == len(clients) + 1)
    viewers = [Viewer(server) for _ in range(4)]
    for viewer in viewers:
      kind, hello = viewer.event()
      same("the first event", "hello", kind)
      orders = sorted((order["number"], order["state"], order["count"], order["customer"]) for order in hello["orders"])
      wanted = [(i + 1, "baking" if i == 0 else "waiting", i + 1, "table %d" % i) for i in range(7) if i != 3]
      same("the orders", wanted, orders)
      same("what waits and bakes", (5, 1), (hello["tick"]["waiting"], hello["tick"]["baking"]))
      same("the next event", "tick", viewer.event()[0])
      viewer.close()
    for client in clients:
      client.close()
    server.kill()
    server.figures = {}  # the order would be in the oven for a day


def keeps_the_eldest_where_there_are_many(program):
  with Server(program, "--bakers", 1, "--bake-ms", 86400000, "--queue", 200, "--loops", 2) as server:
    clients = [Client(server) for _ in range(150)]
    for client in clients:
      client.send_order()
    server.when("all", lambda stats: stats["orders"]["waiting"] == 149)
    viewer = Viewer(server)
    _, hello = viewer.event()
    same("the orders", list(range(1, 65)), sorted(order["number"] for order in hello["orders"]))
    same("what waits", 149, hello["tick"]["waiting"])
    viewer.close()
    for client in clients:
      client.close()
    server.kill()
    server.figures = {}


def tells_viewers_what_happens(program):
  with Server(program, "--bakers", 1, "--bake-ms", 5, "--loops", 2) as server:
    viewer = Viewer(server)
    kind, hello = viewer.event()
    facts = {name: hello[name] for name in FACTS}
    same("the first event", ("hello", {"capacity": 64, "bakers": 1, "loops": 2, "policy": "reject"}), (kind, facts))
    check(abs(hello["opened"] - time.time()) < PATIENCE, "when it opened: %r" % hello)
    with Client(server) as client:
      number = check_order_answer(client.order("funghi", 2, "Ada"))["number"]
    states = set()
    ticks = 0
    for _ in range(1000):
      kind, data = viewer.event()
      if kind == "tick":
        ticks += 1
      elif kind == "order" and data["number"] == number:
        same("the order", ("funghi", 2, "Ada"), (data["pizza"], data["count"], data["customer"]))
        states.add(data["state"])
      if ticks >= 2 and len(states) >= 3:
        break
    check(states in ({"waiting", "baking", "ready"}, {"waiting", "baking", "lost"}), "the states: %r" % states)
    server.signal(signal.SIGTERM)
    kind = "tick"
    while kind in ("tick", "order"):
      kind, _ = viewer.event()
    same("the last event", "bye", kind)
    viewer.close()
    server.stopped()


def limits_its_viewers(program):
  with Server(program) as server:
    viewers = []
    for _ in range(64):
      viewer = Client(server)
      viewer.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
      viewers.append(viewer)
    server.when("64 viewers", lambda stats: stats["viewers"] == 64)
    with Client(server) as client:
      same("one viewer more", 503, client.get("/events").status)
      check_order_answer(client.order())
    for viewer in viewers:
      viewer.close()
    server.when("no viewer", lambda stats: stats["viewers"] == 0)


# ---- The command line ----------------------------------------------------------------------------


def run(program, *arguments):
  return subprocess.run([program] + list(arguments), capture_output=True, text=True, timeout=PATIENCE)


def refuses_wrong_arguments(program):
  for arguments in (
    ["--port", "65536"], ["--port", "x"], ["--port"], ["--queue", "0"], ["--drain-ms", "x"],
    ["--target-ms", "-1"], ["--interval-ms", "0"], ["--bakers", "1025"], ["--loops", "0"], ["--when-full", "sleep"],
    ["--bake-ms", "1.5"], ["--idle-ms", "9"], ["--max-wait-ms", "1e3"], ["--connections", "0"], ["--no-such-option"], ["margherita"],
  ):
    ended = run(program, *arguments)
    same("%r" % arguments, (2, ""), (ended.returncode, ended.stdout))
    check(ended.stderr, "no message")
  helped = run(program, "--help")
  same("--help", (0, ""), (helped.returncode, helped.stderr))
  for option in (
    "host", "port", "queue", "bakers", "bake-ms", "loops", "when-full", "max-wait-ms", "idle-ms",
    "connections", "target-ms", "interval-ms", "leave-ms", "drain-ms", "access-log",
  ):
    check("  --%s " % option in helped.stdout, "--help does not tell of --" + option)


def says_that_the_port_is_taken(program):
  with Server(program) as server:
    ended = run(program, "--port", str(server.port))
    same("the same port twice", 1, ended.returncode)
    check("address already in use" in ended.stderr, "no message: " + ended.stderr)


main(
  [
    serves_the_page,
    refuses_what_is_not_there,
    takes_orders_in_both_forms,
    refuses_wrong_orders,
    answers_malformed_requests,
    answers_wherever_a_request_is_split,
    keeps_the_order_of_pipelined_requests,
    keeps_connections_alive_as_asked,
    takes_chunks_and_expectations,
    holds_its_limits,
    holds_connections_beyond_the_limit,
    rejects_when_full,
    waits_when_full,
    holds_the_backlog_when_full,
    gives_up_on_orders_that_wait_too_long,
    bakes_nothing_for_clients_that_left,
    drops_the_answer_for_a_client_that_left,
    takes_apart_what_a_client_that_left_had_asked,
    cuts_a_queue_that_stands,
    says_when_to_come_again,
    has_no_kitchen_where_nobody_bakes,
    writes_metrics,
    one_order_alone_is_the_median_and_the_maximum,
    begins_with_the_whole_board,
    keeps_the_eldest_where_there_are_many,
    tells_viewers_what_happens,
    limits_its_viewers,
    refuses_wrong_arguments,
    says_that_the_port_is_taken,
  ]
)
