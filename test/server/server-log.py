# SPDX-License-Identifier: MIT
"""The access log: a line for each request, in the common log format with the seconds that it took,
and never a client that waits for it."""

import tempfile

from server import *

LINE = re.compile(
  r'127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "((?:[^"\\]|\\x[0-9A-F]{2})*)" (\d{3}) (\d+) (\d+\.\d{6})\n'
)


def taken_apart(lines):
  """What was asked, the status, the length and the seconds of each line."""
  found = []
  for line in lines:
    parts = LINE.fullmatch(line)
    check(parts, "a line of the log: %r" % line)
    found.append((parts.group(1), int(parts.group(2)), int(parts.group(3)), float(parts.group(4))))
  return found


def lines_of(path):
  with open(path, encoding="ascii", newline="") as file:
    return taken_apart(file.readlines())


def writes_a_line_for_each_request(program):
  with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "log")
    with Server(program, "--loops", 2, "--bake-ms", 20, "--access-log", path) as server:
      with Client(server) as client:
        page = client.get("/?table=7")
        client.get("/", "HEAD")
        order = client.order()
        client.get('/a"b\\c')
        client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        client.answer()
      with Client(server) as client:
        client.send(b"BREW\r\n\r\n")
        refused = client.answer()
    wanted = [
      ("GET /?table=7 HTTP/1.1", 200, len(page.body)),
      ("HEAD / HTTP/1.1", 200, 0),
      ("POST /orders HTTP/1.1", 200, len(order.body)),
      ("GET /a\\x22b\\x5Cc HTTP/1.1", 404, len(b'{"error":"not found"}\n')),
      ("GET /healthz HTTP/1.0", 200, 3),
      ("-", refused.status, len(refused.body)),
    ]
    found = lines_of(path)
    same("the lines", wanted, [line[:3] for line in found])
    check(found[2][3] >= 0.01, "an order took %f s" % found[2][3])


def adds_to_what_is_there(program):
  with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "log")
    for _ in range(2):
      with Server(program, "--access-log", path) as server, Client(server) as client:
        client.get("/healthz")
    same("the lines of two servers", 2, len(lines_of(path)))


def writes_to_the_standard_output(program):
  with Server(program, "--access-log", "-") as server, Client(server) as client:
    for _ in range(100):
      client.get("/healthz")
    server.stop()
    found = taken_apart(server.output[1:-4])
    same("the lines", [("GET /healthz HTTP/1.1", 200, 3)] * 100, [line[:3] for line in found])


def tells_of_clients_that_left(program):
  with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "log")
    with Server(program, "--bake-ms", 2000, "--access-log", path) as server:
      with Client(server) as client:
        client.send_order()
        server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
      server.when("its result", lambda stats: stats["orders"]["gone"] == 1)
    same("its line", [499], [status for asked, status, _, _ in lines_of(path) if asked.startswith("POST")])


def never_lets_a_client_wait(program):
  """Nobody reads the log: lines are dropped and counted, and at the end the rest is given up."""
  with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "log")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with Server(program, "--access-log", path) as server, Client(server) as client:
      n = 0
      while dropped_of(client) == 0:
        check(n < 100000, "no line was dropped")
        n += 1000
        ask_often(client, 1000)
      server.stop()
    os.close(reader)


def ask_often(client, n):
  """So many requests; their answers are counted, and not taken apart."""
  request, answer = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"\r\n\r\nok\n"
  client.send(request * n)
  left, tail = n, b""
  while left > 0:
    data = client.socket.recv(65536)
    check(data, "the connection ended")
    data = tail + data
    left -= data.count(answer)
    at = data.rfind(answer)
    tail = data[at + len(answer) :] if at >= 0 else data
  same("what follows the last answer", (0, b""), (left, tail))


def dropped_of(client):
  text = client.get("/metrics").body.decode()
  return int(re.search(r"^pizzeria_access_log_dropped_total (\d+)$", text, re.M).group(1))


def counts_lines_that_could_not_be_written(program):
  if not os.path.exists("/dev/full"):
    return
  with Server(program, "--access-log", "/dev/full") as server, Client(server) as client:
    client.get("/healthz")
    eventually("a dropped line", lambda: dropped_of(client) > 0)


def ends_where_there_is_no_file(program):
  ended = subprocess.run([program, "--port", "0", "--access-log", "/nowhere/log"], capture_output=True, text=True, timeout=PATIENCE)
  same("the exit code", (1, ""), (ended.returncode, ended.stdout))
  check("access log" in ended.stderr, "no message: " + ended.stderr)


main(
  [
    writes_a_line_for_each_request,
    adds_to_what_is_there,
    writes_to_the_standard_output,
    tells_of_clients_that_left,
    never_lets_a_client_wait,
    counts_lines_that_could_not_be_written,
    ends_where_there_is_no_file,
  ]
)
