# SPDX-License-Identifier: MIT
"""What the tests of several servers with bakers elsewhere share: a redis-server of their own, on a
unix socket and with its data in a temporary folder, and processes of bakers."""

import re
import shutil
import signal
import subprocess
import tempfile
import threading

from server import *


class Redis:
  """A redis-server, each of whose writes is on the disk before it is answered. It can be killed and
  come back with what it has."""

  def __init__(self, program):
    self.program = program
    self.process = None

  def __enter__(self):
    self.folder = tempfile.mkdtemp(prefix="uvchan-cluster.")
    self.socket = self.folder + "/socket"
    self.start()
    return self

  def __exit__(self, *_):
    self.kill()
    shutil.rmtree(self.folder, ignore_errors=True)

  def start(self):
    options = ["--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    self.process = subprocess.Popen([self.program] + options, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    eventually("an answer of the redis-server", lambda: self.command(b"PING") == b"+PONG\r\n")

  def command(self, line):
    """The first bytes of its answer, or None where it does not answer."""
    with socket.socket(socket.AF_UNIX) as client:
      client.settimeout(PATIENCE)
      try:
        client.connect(self.socket)
        client.sendall(line + b"\r\n")
        return client.recv(4096)
      except OSError:
        return None

  def length(self, stream):
    answer = self.command(b"XLEN uvchan:{%s}:stream" % stream.encode())
    return int(answer[1:]) if answer is not None and answer.startswith(b":") else None

  def kill(self):
    if self.process is not None:
      self.process.kill()
      self.process.wait()
      self.process = None


class Bakers:
  """A process of bakers. Leaving the block closes it by SIGTERM, where it was not killed, and checks
  its end: exit code 0, and nothing on standard error."""

  def __init__(self, program, redis, name, *options):
    self.name = name
    self.command = [program, "--redis", redis.socket, "--name", name] + [str(option) for option in options]
    self.baked = None

  def __enter__(self):
    self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    same("the first line", "The bakers %s are here.\n" % self.name, self.process.stdout.readline())
    return self

  def __exit__(self, kind, *_):
    if kind is not None:
      self.kill()
    elif self.process.poll() is None:
      self.stop()

  def kill(self):
    self.process.kill()
    self.process.communicate()

  def signal(self, number):
    self.process.send_signal(number)

  def stop(self):
    self.signal(signal.SIGTERM)
    return self.stopped()

  def stopped(self):
    """How many they have baked."""
    try:
      output, errors = self.process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
      raise Failed("the bakers do not leave")
    same("the exit code (%s)" % errors, 0, self.process.returncode)
    same("standard error", "", errors)
    found = re.fullmatch("The bakers %s are gone: baked ([0-9]+).\n" % re.escape(self.name), output)
    check(found, "no last line: %r" % output)
    self.baked = int(found.group(1))
    return self.baked


def cluster_server(programs, name, redis, *options):
  return Server(programs.server, "--redis", redis.socket, "--name", name, *options)


def bakers_of(server):
  """The names of the bakers that the server has heard of."""
  return [one["name"] for one in server.stats()["elsewhere"]["bakers"]]


class Customers:
  """Customers of some servers, each with a connection and one order at a time. Each answer is that
  to the customer's own order, and the only one."""

  def __init__(self, servers, n):
    self.clients = [(Client(servers[i % len(servers)]), "c%d" % i) for i in range(n)]

  def __enter__(self):
    return self

  def __exit__(self, *_):
    for client, _ in self.clients:
      client.close()

  def order(self):
    for client, name in self.clients:
      client.send_order(customer=name)

  def answers(self):
    """All answers, in the order of the customers; then nothing more has come."""
    told = []
    for client, name in self.clients:
      one = check_order_answer(client.answer())
      if "error" not in one:
        same("whose order it is", name, one["customer"])
      told.append(one)
    for client, _ in self.clients:
      same("what follows an answer", b"ok\n", client.get("/healthz").body)
    return told
