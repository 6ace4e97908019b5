# SPDX-License-Identifier: MIT
"""What others load and read servers with, against the pizzeria: wrk, ab, h2load (HTTP/1.1), siege
and a browser, each where it is installed; what is left out is said.

Every tool counts as the server does: no answer is missing, wrong or failed, and orders are refused,
503, only by the one queue that is short.
"""

import collections
import shutil
import tempfile

from server import *

CLIENTS = 16
REQUESTS = 800 if is_short() else 3200
SECONDS = 1  # for the tools that load for a time
ORDER = '{"pizza":"funghi","count":1}'
JSON = "application/json"

left_out = []


def run(*command, **options):
  ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, **options)
  said = ended.stdout + ended.stderr
  same("the exit code of %s (%s)" % (command[0], said), 0, ended.returncode)
  return said


def number(said, pattern, absent=None):
  """What the pattern's group says; `absent` where that is nowhere."""
  found = re.search(pattern, said, re.M)
  check(found or absent is not None, "%r is not in: %s" % (pattern, said))
  return int(found.group(1)) if found else absent


def address(server, path):
  return "http://%s:%d%s" % (server.host, server.port, path)


def answers(server):
  """How many the server has given, by their status."""
  with Client(server) as client:
    lines = client.get("/metrics").body.decode()
  return collections.Counter({
    int(status): int(n) for status, n in re.findall(r'^pizzeria_http_answers_total\{code="(\d+)"\} (\d+)$', lines, re.M)
  })


def given(server, act):
  """What an act has returned, and which answers the server has given to it."""
  before = answers(server)
  before[200] += 1  # to the question
  result = act()
  return result, answers(server) - before


# ---- The tools: each loads with GETs, and with orders to a short queue ---------------------------


def loads_of_gets(server, load):
  """load() returns how many requests it counts as answered; a few more may be under way as its time
  ends."""
  counted, seen = given(server, load)
  check(counted > 0 and set(seen) == {200}, "%d were counted, and %r given" % (counted, seen))
  check(counted <= seen[200] <= counted + 2 * CLIENTS, "%d were counted, and %r given" % (counted, seen))
  return "%d GETs" % counted


def loads_of_orders(server, load):
  """load() returns how many were answered 200, and how many 503."""
  counted, seen = given(server, load)
  same("what the tool has counted", counted, (seen[200], seen[503]))
  same("all orders", (REQUESTS, {200, 503}), (sum(counted), set(seen)))
  return "%d orders baked, %d refused" % counted


def wrk(server, _work):
  def gets():
    said = run("wrk", "-t1", "-c%d" % CLIENTS, "-d%ds" % SECONDS, "--timeout", "%ds" % PATIENCE, address(server, "/healthz"))
    check("Non-2xx" not in said and "Socket errors" not in said, said)
    return number(said, r"^ *(\d+) requests in ")

  return loads_of_gets(server, gets)  # server-load.py has it send orders


def ab(server, work):
  def load(*arguments):
    said = run("ab", "-q", "-l", "-c", str(CLIENTS), "-n", str(REQUESTS), "-s", str(PATIENCE), *arguments)
    same("what failed: " + said, 0, number(said, r"^Failed requests: +(\d+)$"))
    return number(said, r"^Complete requests: +(\d+)$"), number(said, r"^Non-2xx responses: +(\d+)$", 0)

  def gets():
    complete, refused = load("-k", address(server, "/healthz"))
    same("what was not answered 200", 0, refused)
    return complete

  def orders():
    complete, refused = load("-T", JSON, "-p", os.path.join(work, "order"), address(server, "/orders"))
    return complete - refused, refused

  return loads_of_gets(server, gets) + ", " + loads_of_orders(server, orders)


def h2load(server, work):
  def load(*arguments):
    said = run("h2load", "--h1", "-c", str(CLIENTS), "-n", str(REQUESTS), *arguments)
    found = re.search(r"^status codes: (\d+) 2xx, 0 3xx, 0 4xx, (\d+) 5xx$", said, re.M)
    check(found and " 0 errored, 0 timeout" in said, said)
    return int(found.group(1)), int(found.group(2))

  def gets():
    good, refused = load(address(server, "/healthz"))
    same("what was not answered 200", 0, refused)
    return good

  def orders():
    return load("-H", "content-type: " + JSON, "-d", os.path.join(work, "order"), address(server, "/orders"))

  return loads_of_gets(server, gets) + ", " + loads_of_orders(server, orders)


def siege(server, work):
  """It ends early after some failures, as which it takes a 503; and it has a file of its own."""
  settings = os.path.join(work, "siegerc")
  with open(settings, "w") as file:
    file.write("failures = %d\nconnection = keep-alive\nlogging = false\ntimeout = %d\n" % (REQUESTS + 1, PATIENCE))

  def load(*arguments):
    said = run("siege", "-R", settings, "-b", "-c", str(CLIENTS), "-r", str(REQUESTS // CLIENTS), *arguments, env=dict(os.environ, HOME=work))
    return tuple(number(said, r'%s.transactions"?:\s+(\d+)' % outcome) for outcome in ("(?i)successful", "(?i)failed"))

  def gets():
    good, failed = load(address(server, "/healthz"))
    same("what failed", 0, failed)
    return good

  def orders():
    return load("--content-type", JSON, "%s POST %s" % (address(server, "/orders"), ORDER))

  return loads_of_gets(server, gets) + ", " + loads_of_orders(server, orders)


def tools_agree_with_the_server(program):
  with tempfile.TemporaryDirectory(prefix="uvchan-tools.") as work:
    with open(os.path.join(work, "order"), "w") as file:
      file.write(ORDER)
    for tool in (wrk, ab, h2load, siege):
      if shutil.which(tool.__name__) is None:
        left_out.append(tool.__name__)
        continue
      with Server(program, "--bakers", 1, "--bake-ms", 1, "--queue", 4) as server:
        print(tool.__name__ + ": " + tool(server, work))


# ---- The browser ---------------------------------------------------------------------------------


def browser_loads_the_page(program):
  """Without a driver; what the page then does, server-page.py tests with one."""
  browser = shutil.which("chromium") or shutil.which("chromium-browser")
  if browser is None:
    left_out.append("chromium")
    return
  with tempfile.TemporaryDirectory(prefix="uvchan-tools.", ignore_cleanup_errors=True) as work:
    log = os.path.join(work, "log")
    with Server(program, "--access-log", log) as server:
      dom = run(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--user-data-dir=" + work, "--dump-dom", address(server, "/"))
    check("<title>Pizzeria uvchan: the order board</title>" in dom, "another page: " + dom)
    with open(log) as file:
      seen = dict(re.findall(r'"GET (\S+) HTTP/1\.1" (\d+) ', file.read()))
    check({"/", "/style.css", "/app.js"} <= set(seen) and set(seen.values()) == {"200"}, "it was given %r" % seen)
    print("%s: %s" % (os.path.basename(browser), " ".join(sorted(seen))))


main([tools_agree_with_the_server, browser_loads_the_page])
if left_out:
  print("left out, since they are not here: " + ", ".join(left_out))
if len(left_out) == 5:
  sys.exit(77)
