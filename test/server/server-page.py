#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The server's page in a real browser: Chromium, headless, driven over WebDriver with nothing but
Python's standard library.

  python3 test/server/server-page.py [--screenshot FILE] [--phone-screenshot FILE] [--dark-screenshot FILE]
                              [--rush-seconds N] [--bakers BAKERS] SERVER

SERVER is the path of the server program; it is started with a port that the system chooses. The
page is reached through a relay of the test's own, so that connections can be cut without a word to
either side.

Each test is a function whose name says what holds. Everything is bounded: each wait by WAIT_S, the
whole by WHOLE_S and the rush of customers. At the end all that was started is ended, by its process
id. Exit code 0: all holds; 77: there is no Chromium or no chromedriver here; 1: the rest.
"""
import argparse
import base64
import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

WAIT_S = 20
WHOLE_S = 110
SKIPPED = 77
STRANGER = "<b onclick=1>Zoë</b> & \"Söhne\""  # a name that must stay text
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorffer"
LINE = "return document.getElementById('line').getAttribute('d')"
KEYS = {"Tab": "\ue004", "Enter": "\ue007"}


class Failed(Exception):
  pass


def expect(holds, what):
  if not holds:
    raise Failed(what)


def wait_until(what, question):
  """Asks until the answer is true, and answers it."""
  end = time.monotonic() + WAIT_S
  while time.monotonic() < end:
    answer = question()
    if answer:
      return answer
    time.sleep(0.05)
  raise Failed(f"not within {WAIT_S} s: {what}")


# ---- Processes -----------------------------------------------------------------------------------


def start(command, pattern, **options):
  """Starts a program and waits for a line on its standard output that matches; answers the process
  and the match."""
  process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **options)
  end = time.monotonic() + WAIT_S
  said = b""
  while time.monotonic() < end:
    if not select.select([process.stdout], [], [], 0.1)[0]:
      continue
    piece = os.read(process.stdout.fileno(), 4096)
    said += piece
    match = re.search(pattern, said.decode(errors="replace"))
    if match:
      return process, match
    if not piece:
      break
  stop(process)
  raise Failed(f"{command[0]} did not say where it listens: {said!r}")


def stop(process):
  if process.poll() is None:
    process.kill()
  process.wait(WAIT_S)
  process.stdout.close()


@contextlib.contextmanager
def running_server(program, *options):
  process, match = start([program, "--port", "0", *options], r"http://127\.0\.0\.1:(\d+)/")
  try:
    yield process, int(match[1])
  finally:
    stop(process)


def ask(port, path, body=None):
  """Asks the server without the browser; answers the status, the headers and the body."""
  request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body)
  try:
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
      return answer.status, answer.headers, answer.read()
  except urllib.error.HTTPError as answer:
    with answer:
      return answer.code, answer.headers, answer.read()


def rush(port, customers, seconds, is_over):
  """Starts customers who come little by little, order again and again and leave little by little,
  and then come again and stay until the event says that it is over; answers the threads."""
  begin = time.monotonic()

  def order_until(end, customer):
    while time.monotonic() < end and not is_over.is_set():
      with contextlib.suppress(OSError):
        if ask(port, "/orders", order_of(customer))[0] == 503:
          is_over.wait(1)

  def order_some(customer):
    is_over.wait(0.25 * seconds * customer / customers)
    order_until(begin + seconds * (0.4 - 0.15 * (customer % 8) / 8), customer)
    is_over.wait(max(0, begin + seconds * (0.5 + 0.25 * customer / customers) - time.monotonic()))
    order_until(begin + seconds + 2 * WAIT_S, customer)

  return start_threads(order_some, customers)


def order_of(customer):
  pizza = ("Margherita", "Funghi", "Diavola", "Napoli", "Ortolana", "Marinara")[customer % 6]
  name = ("Ada", "Bruno", "", "Chiara", "Dario", "Emilia", "Fabio")[customer % 7] if customer != 20 else LONG_NAME
  return urllib.parse.urlencode({"pizza": pizza, "count": 1 + customer % 3, "customer": name}).encode()


def start_threads(target, count):
  threads = [threading.Thread(target=target, args=(i,), daemon=True) for i in range(count)]
  for thread in threads:
    thread.start()
  return threads


class Relay:
  """Passes connections on to a port until it is cut; then it ends those that it has, and each new
  one at once."""

  def __init__(self, port):
    self.port = port
    self.is_cut = False
    self.sockets = set()
    self.lock = threading.Lock()
    self.listener = socket.create_server(("127.0.0.1", 0))
    self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
    threading.Thread(target=self.accept, daemon=True).start()

  def accept(self):
    with contextlib.suppress(OSError):
      while True:
        near, _ = self.listener.accept()
        if self.is_cut:
          near.close()
          continue
        try:
          far = socket.create_connection(("127.0.0.1", self.port), WAIT_S)
        except OSError:
          near.close()
          continue
        far.settimeout(None)
        with self.lock:
          self.sockets |= {near, far}
        for pair in ((near, far), (far, near)):
          threading.Thread(target=self.pump, args=pair, daemon=True).start()

  def pump(self, source, sink):
    with contextlib.suppress(OSError):
      while piece := source.recv(65536):
        sink.sendall(piece)
    for end in (source, sink):
      self.end(end)

  def end(self, end):
    with contextlib.suppress(OSError):
      end.shutdown(socket.SHUT_RDWR)
    with self.lock:
      self.sockets.discard(end)
    end.close()

  def cut(self):
    self.is_cut = True
    for end in list(self.sockets):
      self.end(end)

  def mend(self):
    self.is_cut = False

  def close(self):
    self.cut()
    self.listener.close()


# ---- The browser ---------------------------------------------------------------------------------


class Browser:
  """A WebDriver client, of no more than is needed here."""

  def __init__(self, chromium, driver, profile):
    self.process, match = start([driver, "--port=0"], r"started successfully on port (\d+)", stderr=subprocess.DEVNULL)
    self.base = f"http://127.0.0.1:{match[1]}"
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--lang=en", "--window-size=1280,1000",
                 f"--user-data-dir={profile}"]
    wanted = {"goog:chromeOptions": {"binary": chromium, "args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}
    try:
      answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
    except BaseException:
      stop(self.process)
      raise
    self.base += f"/session/{answer['sessionId']}"
    self.pid = answer["capabilities"].get("goog:processID")

  def call(self, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(self.base + path, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
      with urllib.request.urlopen(request, timeout=2 * WAIT_S) as answer:
        return json.load(answer)["value"]
    except urllib.error.HTTPError as answer:
      with answer:
        raise Failed(f"WebDriver {method} {path}: {answer.read().decode(errors='replace')[:600]}") from None

  def quit(self):
    with contextlib.suppress(Failed, OSError):
      self.call("DELETE", "")
    with contextlib.suppress(OSError, TypeError):
      os.kill(self.pid, signal.SIGKILL)  # it is gone already, unless the driver could not end it
    stop(self.process)

  def open(self, address):
    self.call("POST", "/url", {"url": address})

  def run(self, script, *arguments):
    return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

  def window(self):
    return self.call("GET", "/window")

  def windows(self):
    return self.call("GET", "/window/handles")

  def switch_to(self, handle):
    self.call("POST", "/window", {"handle": handle})

  def open_tab(self):
    self.switch_to(self.call("POST", "/window/new", {"type": "tab"})["handle"])

  def close_tab(self, handle):
    self.switch_to(handle)
    self.call("DELETE", "/window")

  def text(self, selector):
    return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText).join('\\n')", selector)

  def press(self, keys):
    """Presses keys one after the other: the characters of a string, or one key of KEYS by its
    name."""
    actions = []
    for key in [KEYS[keys]] if keys in KEYS else keys:
      actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
    self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

  def emulate(self, command, **parameters):
    self.call("POST", "/goog/cdp/execute", {"cmd": f"Emulation.{command}", "params": parameters})

  def set_media(self, **features):
    self.emulate("setEmulatedMedia", features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

  def set_width(self, width, height):
    self.emulate("setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

  def console(self):
    """Answers what the console was told since the last question, warnings and errors only."""
    return [entry for entry in self.call("POST", "/se/log", {"type": "browser"}) if entry["level"] in ("SEVERE", "WARNING")]

  def screenshot(self, path):
    if path:
      with open(path, "wb") as file:
        file.write(base64.b64decode(self.call("GET", "/screenshot")))

  def is_live(self):
    return self.run("return document.getElementById('connection').dataset.state") == "live"


# ---- What holds of the page ----------------------------------------------------------------------


def page_is_served_with_a_strict_policy(port):
  for path, kind in (("/", "text/html"), ("/style.css", "text/css"), ("/icon.svg", "image/svg+xml"), ("/app.js", "text/javascript")):
    status, headers, body = ask(port, path)
    expect(status == 200 and body, f"{path}: status {status}")
    expect(headers.get_content_type() == kind, f"{path} is served as {headers.get_content_type()}")
  policy = ask(port, "/")[1].get("Content-Security-Policy", "")
  expect("default-src 'self'" in policy and "unsafe" not in policy, f"the policy is '{policy}'")


def each_stop_of_the_keyboard_is_seen_and_has_a_name(browser):
  """Walks through the page with the Tab key alone; answers the ids of the stops."""
  seen = []
  for _ in range(20):
    browser.press("Tab")
    stop_at = browser.run("""
      const at = document.activeElement, style = getComputedStyle(at);
      if (at === document.body) return null;
      const name = at.labels?.length ? at.labels[0].innerText : at.innerText;
      return {id: at.id || at.getAttribute("href"), name, visible: at.matches(":focus-visible") && style.outlineStyle !== "none"};""")
    if stop_at is None or stop_at["id"] in seen:
      break
    expect(stop_at["visible"], f"the focus on {stop_at['id']} is not to be seen")
    expect(stop_at["name"].strip(), f"{stop_at['id']} has no name")
    seen.append(stop_at["id"])
  expect(seen == ["pause", "pizza", "count", "customer", "send", "/stats", "/metrics"], f"the keyboard stops at {seen}")


def go_to(browser, wanted):
  for _ in range(20):
    if browser.run("return document.activeElement.id") == wanted:
      return
    browser.press("Tab")
  raise Failed(f"the Tab key does not lead to {wanted}")


def record_the_moves(browser):
  browser.run("""
    window.moves = [];
    new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes) {
        if (node.dataset?.key) moves.push([node.dataset.key, node.closest("[data-column]").dataset.column]);
      }
    }).observe(document.querySelector(".columns"), {childList: true, subtree: true});""")


def answer_to_the_last_order(browser):
  return browser.run("""
    const last = document.querySelector("#mine li");
    return last && last.dataset.tone !== "pending" ? last.innerText : null;""")


def columns_of(browser, number, last):
  """Answers the columns in which a ticket was to be seen, once it is in its last."""
  columns = browser.run("return moves.filter(([key]) => key === arguments[0]).map(([, at]) => at)", number)
  return columns if last in columns else None


def order_goes_from_the_form_to_ready(browser):
  """Orders with the keyboard alone, again where the kitchen loses the order, and sees it go through
  the columns."""
  record_the_moves(browser)
  go_to(browser, "pizza")
  browser.press("q")
  browser.press("Tab")
  browser.press("2")
  browser.press("Tab")
  browser.press(STRANGER)
  for _ in range(30):
    browser.run("document.getElementById('mine').replaceChildren()")
    browser.press("Enter")
    answer = wait_until("an answer to the order", lambda: answer_to_the_last_order(browser))
    match = re.match(r"Order #(\d+) is (ready: it waited .* and baked .*|lost)", answer)
    expect(match, f"the answer to the order is '{answer}'")
    number, last = match[1], "lost" if match[2] == "lost" else "ready"
    columns = wait_until(f"the ticket among the {last}", lambda: columns_of(browser, number, last))
    expect(columns in (["waiting", "baking", last], ["baking", last]), f"the ticket went through {columns}")
    if last == "ready":
      break
  expect(last == "ready", "all of 30 orders are lost")
  ticket = browser.text(f"[data-column=ready] [data-key='{number}']")
  expect("2 × Quattro formaggi" in ticket and f"for {STRANGER}" in ticket, f"the ticket says '{ticket}'")
  expect(browser.run("return document.querySelector('.ticket b') === null"), "a name became markup")
  expect(browser.run("return document.querySelector('.yours') !== null"), "the own order is not marked")
  wait_until("the answer in the live region", lambda: f"Order #{number} is ready" in browser.text("#spoken"))


def graph_draws(browser):
  """The line changes from beat to beat, and rises where orders wait."""
  first = wait_until("a line", lambda: browser.run(LINE))
  wait_until("another line", lambda: browser.run(LINE) != first)
  wait_until("a line that rises", lambda: browser.run("return document.getElementById('line').getBBox().height > 30"))
  label = browser.run("return document.getElementById('graph').getAttribute('aria-label')")
  expect(re.search(r"now \d+, at most [1-9]\d*, of \d+", label), f"the graph is called '{label}'")


def graph_can_be_paused(browser):
  go_to(browser, "pause")
  browser.press("Enter")
  held = browser.run(LINE)
  time.sleep(0.6)  # time enough for two ticks
  expect(browser.run(LINE) == held, "the graph goes on while it is paused")
  browser.press("Enter")
  wait_until("a graph that goes on", lambda: browser.run(LINE) != held)


def columns_are_bounded(browser):
  most = browser.run("return Math.max(...[...document.querySelectorAll('.tickets')].map((list) => list.children.length))")
  expect(1 <= most <= 6, f"a column has {most} tickets")


def text_has_contrast(browser):
  """Each text stands out from what is behind it by 4.5 to 1."""
  weak = browser.run("""
    const context = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
    const blend = (colours) => {
      context.clearRect(0, 0, 1, 1);
      for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb) => rgb.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const weak = [];
    for (const node of document.querySelectorAll("body *")) {
      const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim() !== "");
      const style = getComputedStyle(node);
      if (!own || !node.checkVisibility() || node.closest(".unseen, noscript, option")) continue;
      const behind = [];
      for (let at = node; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
      const colour = node instanceof SVGElement ? style.fill : style.color;
      const [a, b] = [luminance(blend(behind)), luminance(blend([...behind, colour]))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < 4.5) weak.push(`${node.tagName} '${node.textContent.trim()}' ${ratio.toFixed(2)}`);
    }
    return weak;""")
  expect(not weak, f"too little contrast: {weak}")


def nothing_moves_where_motion_is_not_wanted(browser):
  animation = """
    const ticket = document.querySelector(".ticket");
    ticket.classList.add("new");
    return getComputedStyle(ticket).animationName;"""
  expect(browser.run(animation) != "none", "new tickets do not move")
  browser.set_media(prefers_reduced_motion="reduce")
  expect(browser.run(animation) == "none", "tickets move where motion is not wanted")
  browser.set_media()


def nothing_is_wider_than_the_window(browser, width):
  wide = browser.run("""
    const all = [...document.querySelectorAll("body *")].filter((e) => !e.closest(".unseen, svg *"));
    const out = all.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.tagName + "." + e.className.toString());
    return {scroll: document.documentElement.scrollWidth, inner: innerWidth, out};""")
  expect(wide["inner"] == width and wide["scroll"] <= width and not wide["out"], f"at {width}: {wide}")


def fit_window(browser, width):
  """Makes the window as high as the page is at this width."""
  browser.set_width(width, 700)
  browser.set_width(width, browser.run("return document.documentElement.scrollHeight"))


def looks_right_everywhere(browser, shots):
  """While orders pass: on a desk, in the dark and on a phone."""
  browser.run("document.getElementById('order').reset(); document.activeElement.blur(); scrollTo(0, 0)")
  fit_window(browser, 1280)
  wait_until("a ticket in each of three columns", lambda: browser.run(
    "return ['waiting', 'baking', 'ready'].every((name) => document.querySelector(`[data-column=${name}] .ticket`))"))
  for scheme, path in (("light", shots.screenshot), ("dark", shots.dark_screenshot)):
    browser.set_media(prefers_color_scheme=scheme)
    text_has_contrast(browser)
    browser.screenshot(path)
  browser.set_media()
  browser.set_width(360, 740)
  nothing_is_wider_than_the_window(browser, 360)
  fit_window(browser, 360)
  browser.screenshot(shots.phone_screenshot)
  browser.set_width(320, 640)
  nothing_is_wider_than_the_window(browser, 320)
  browser.emulate("clearDeviceMetricsOverride")
  nothing_moves_where_motion_is_not_wanted(browser)


def is_in_sight(browser, selector):
  return browser.run("""
    const at = document.querySelector(arguments[0]), box = at.getBoundingClientRect();
    return at.checkVisibility() && box.height > 0 && box.top >= 0 && box.bottom <= innerHeight + 0.5;""", selector)


def page_connects_again_and_says_so(browser, relay):
  expect(not is_in_sight(browser, "#lost"), "a connection is called lost that is not")
  relay.cut()
  wait_until("word of the lost connection", lambda: "Connection lost" in browser.text("#connection"))
  for place in ("0", "document.documentElement.scrollHeight"):
    browser.run(f"scrollTo(0, {place})")
    expect(is_in_sight(browser, "#lost"), f"the lost connection is out of sight, scrolled to {place}")
  expect(re.match(r"Connection lost: this is the board of \d\d:\d\d:\d\d", browser.text("#lost")), f"it says '{browser.text('#lost')}'")
  text_has_contrast(browser)
  relay.mend()
  wait_until("a new connection", lambda: browser.is_live())
  expect(not is_in_sight(browser, "#lost"), "the connection is still called lost")
  first = browser.run(LINE)
  wait_until("a graph that goes on", lambda: browser.run(LINE) != first)


def page_tells_that_the_pizzeria_closes(browser, process):
  process.send_signal(signal.SIGTERM)
  wait_until("word of the closing", lambda: "Pizzeria closed" in browser.text("#connection"))
  expect(process.wait(WAIT_S) == 0, f"the server ends with {process.returncode}")


def viewers_of(port):
  return json.loads(ask(port, "/stats")[2])["viewers"]


def hidden_pages_leave_their_place_to_others(browser, port, address):
  """A browser opens six connections to one host: the eighth page, and its orders, need theirs."""
  first = browser.window()
  for _ in range(7):
    browser.open_tab()
    browser.open(address)
    wait_until("a live page", browser.is_live)
  wait_until("one viewer, of eight pages", lambda: viewers_of(port) == 1)
  go_to(browser, "send")
  browser.press("Enter")
  wait_until("an answer to the order", lambda: answer_to_the_last_order(browser))
  for handle in browser.windows():
    if handle != first:
      browser.close_tab(handle)
  browser.switch_to(first)
  wait_until("the first page, live again", browser.is_live)
  wait_until("its viewer", lambda: viewers_of(port) == 1)


CONTRADICTIONS = """
  return [...document.querySelectorAll("[data-column]")].filter((column) => {
    const empty = column.querySelector(".empty");
    return Number(column.querySelector(".count").textContent) > 0 && !empty.hidden && empty.textContent === empty.dataset.none;
  }).map((column) => column.dataset.column);"""


def page_begins_with_the_whole_board(browser, program):
  """Orders that came before the page are on it from its first beat."""
  with running_server(program, "--queue", "20", "--bakers", "1", "--bake-ms", "60000", "--loops", "2") as (_, port):
    def order_once(customer):
      with contextlib.suppress(OSError):
        ask(port, "/orders", order_of(customer))

    start_threads(order_once, 9)
    wait_until("eight that wait", lambda: json.loads(ask(port, "/stats")[2])["orders"]["waiting"] == 8)
    browser.open(f"http://127.0.0.1:{port}/")
    wait_until("a live page", browser.is_live)
    counts = browser.run("return ['waiting', 'baking'].map((name) => document.getElementById(`${name}-count`).textContent)")
    tickets = browser.run("return ['waiting', 'baking'].map((name) => document.querySelectorAll(`[data-column=${name}] .ticket`).length)")
    expect((counts, tickets) == (["8", "1"], [6, 1]), f"it begins with {counts} and the tickets {tickets}")
    expect(browser.run(CONTRADICTIONS) == [], f"columns contradict themselves: {browser.run(CONTRADICTIONS)}")


def full_channel_is_told(browser, program):
  """A baker at work for long, one order in the channel: there is no room for the order of the
  form."""
  with running_server(program, "--queue", "1", "--bakers", "1", "--bake-ms", "30000") as (_, port):
    def order_once(customer):
      with contextlib.suppress(OSError):
        ask(port, "/orders", order_of(customer))

    start_threads(order_once, 1)
    wait_until("an order in the oven", lambda: json.loads(ask(port, "/stats")[2])["orders"]["baking"] == 1)
    start_threads(order_once, 1)
    wait_until("an order in the queue", lambda: json.loads(ask(port, "/stats")[2])["kitchen"]["waiting"] == 1)
    browser.open(f"http://127.0.0.1:{port}/")
    wait_until("a live page", browser.is_live)
    go_to(browser, "send")
    browser.press("Enter")
    answer = wait_until("an answer to the order", lambda: answer_to_the_last_order(browser))
    expect(re.match(r"Turned away: the channel is full\. Please try again in \d+ s\.", answer), f"the answer is '{answer}'")
    wait_until("a ticket among the lost", lambda: "turned away" in browser.text("[data-column=lost] .ticket"))
    wait_until("a mark in the graph", lambda: browser.run("return document.getElementById('marks').getAttribute('d')"))


@contextlib.contextmanager
def running_redis(program):
  """A redis-server on a unix socket in a folder of its own; answers the process and the path."""
  with tempfile.TemporaryDirectory(prefix="uvchan-page-redis.") as folder:
    path = f"{folder}/socket"
    process = subprocess.Popen([program, "--port", "0", "--unixsocket", path, "--dir", folder, "--save", ""], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE)
    try:
      wait_until("a redis-server", lambda: os.path.exists(path))
      threading.Thread(target=process.stdout.read, daemon=True).start()
      yield process, path
    finally:
      process.kill()
      process.wait(WAIT_S)


def bakers_come_and_go(browser, options, redis_program):
  """Bakers elsewhere are on the page while they are there: who leaves is gone, and who is killed is
  shown as silent first. What is between is told as well."""
  with running_redis(redis_program) as (redis, path), running_server(options.server, "--redis", path, "--name", "north") as (_, port):
    crews = []

    def begin(name):
      process, _ = start([options.bakers, "--redis", path, "--name", name, "--threads", "3", "--bake-ms", "1"], "are here")
      crews.append(process)
      wait_until(f"{name} on the page", lambda: name in browser.text(".baker .name").split("\n"))
      return process

    try:
      browser.open(f"http://127.0.0.1:{port}/")
      wait_until("a live page", browser.is_live)
      wait_until("that nobody bakes", lambda: is_visible(browser, "#nobody") and browser.text(".baker") == "")
      anna = begin("anna")
      expect(not is_visible(browser, "#nobody"), "nobody is said to bake while anna does")
      bruno = begin("bruno")
      wait_until("six bakers", lambda: browser.text("#kitchen").startswith("north · 6 bakers"))
      go_to(browser, "send")
      browser.press("Enter")
      wait_until("an answer to the order", lambda: (answer_to_the_last_order(browser) or "").startswith("Order #1 is "))
      wait_until("who has baked it", lambda: "1 baked" in browser.text(".baker .baked").split("\n"))
      text_has_contrast(browser)
      bruno.kill()
      wait_until("that bruno is silent", lambda: "silent for" in browser.text(".baker.silent .heard"))
      text_has_contrast(browser)
      wait_until("anna alone", lambda: browser.text(".baker .name") == "anna")
      anna.send_signal(signal.SIGTERM)
      wait_until("nobody", lambda: browser.text(".baker") == "" and is_visible(browser, "#nobody"))
      expect(anna.wait(WAIT_S) == 0, f"the bakers end with {anna.returncode}")
      redis.kill()
      wait_until("word of the interruption", lambda: "interrupted" in browser.text("#streams"))
      text_has_contrast(browser)
      console_is_silent(browser)
    finally:
      for process in crews:
        stop(process)


def is_visible(browser, selector):
  return browser.run("return document.querySelector(arguments[0]).checkVisibility()", selector)


def console_is_silent(browser, allowed=()):
  entries = [entry for entry in browser.console() if entry["source"] not in allowed]
  expect(not entries, f"the console says {entries}")


def test_page(browser, options):
  with running_server(options.server, "--queue", "48", "--bakers", "3") as (process, port):
    page_is_served_with_a_strict_policy(port)
    relay = Relay(port)
    try:
      browser.open(relay.address)
      wait_until("a live page", browser.is_live)
      each_stop_of_the_keyboard_is_seen_and_has_a_name(browser)
      order_goes_from_the_form_to_ready(browser)
      is_over = threading.Event()
      customers = rush(port, 64, options.rush_seconds, is_over)
      time.sleep(0.75 * options.rush_seconds)  # the pictures are taken in the midst of it
      graph_draws(browser)
      graph_can_be_paused(browser)
      columns_are_bounded(browser)
      looks_right_everywhere(browser, options)
      expect(browser.run(CONTRADICTIONS) == [], "columns contradict themselves in a rush")
      is_over.set()
      for customer in customers:
        customer.join(WAIT_S)
      console_is_silent(browser)
      hidden_pages_leave_their_place_to_others(browser, port, relay.address)
      page_connects_again_and_says_so(browser, relay)
      page_tells_that_the_pizzeria_closes(browser, process)
    finally:
      relay.close()
  expect(not is_visible(browser, "#elsewhere"), "a server whose own threads bake shows bakers elsewhere")
  redis_program = shutil.which("redis-server") or shutil.which("valkey-server")
  if options.bakers and redis_program:
    bakers_come_and_go(browser, options, redis_program)
  else:
    print("left out: bakers elsewhere on the page: they need bakers and redis-server (Debian: libhiredis-dev, redis-server)")
  page_begins_with_the_whole_board(browser, options.server)
  full_channel_is_told(browser, options.server)
  console_is_silent(browser, allowed=("network",))  # refused connections and the 503 are told there


def find_browser():
  chromium = shutil.which("chromium") or shutil.which("chromium-browser")
  driver = shutil.which("chromedriver")
  if chromium and driver:
    return chromium, driver
  print("skipped: the page in a browser: there is no chromium with its chromedriver here (Debian: chromium, chromium-driver)")
  sys.exit(SKIPPED)


def too_late(_signal, _frame):
  raise Failed(f"not done within {WHOLE_S} s")


def main():
  parser = argparse.ArgumentParser(description="Tests the server's page in Chromium.")
  parser.add_argument("server", help="path of the server program")
  parser.add_argument("--bakers", metavar="BAKERS", help="path of the program that bakes elsewhere")
  parser.add_argument("--rush-seconds", metavar="N", type=int, default=5, help="how long other customers order meanwhile (5)")
  for name in ("--screenshot", "--dark-screenshot", "--phone-screenshot"):
    parser.add_argument(name, metavar="FILE", help="write a PNG there")
  options = parser.parse_args()
  options.server = os.path.abspath(options.server)
  options.bakers = options.bakers and os.path.abspath(options.bakers)
  chromium, driver = find_browser()
  signal.signal(signal.SIGALRM, too_late)
  signal.signal(signal.SIGTERM, too_late)
  signal.alarm(WHOLE_S + options.rush_seconds)
  try:
    with tempfile.TemporaryDirectory(prefix="uvchan-page.", ignore_cleanup_errors=True) as profile:
      browser = Browser(chromium, driver, profile)
      try:
        test_page(browser, options)
      finally:
        browser.quit()
  except (Failed, OSError) as failure:
    print(f"failed: {failure}", file=sys.stderr)
    return 1
  print("server-page.py: all holds")
  return 0


if __name__ == "__main__":
  sys.exit(main())
