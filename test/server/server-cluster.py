# SPDX-License-Identifier: MIT
"""Servers whose orders are baked elsewhere, by processes of bakers, over a redis-server of the
test's own: python3 test/server/server-cluster.py SERVER BAKERS REDIS-SERVER.

Whoever dies in the midst, each customer gets one answer, and nothing hangs."""

import collections

from cluster import *

ROUNDS = 3 if is_short() else 10


def baked(told):
  return [one for one in told if "error" not in one]


def errors(told):
  return collections.Counter(one["error"] for one in told if "error" in one)


def is_baking(n):
  return lambda stats: stats["orders"]["baking"] >= n


# ---- Together ------------------------------------------------------------------------------------


def answers_the_orders_of_two_servers(programs, redis):
  with cluster_server(programs, "north", redis, "--loops", 2) as north, cluster_server(programs, "south", redis) as south:
    with Bakers(programs.bakers, redis, "a", "--bake-ms", 1) as a, Bakers(programs.bakers, redis, "b", "--bake-ms", 1) as b:
      with Customers([north, south], 20) as customers:
        for _ in range(ROUNDS):
          customers.order()
          same("errors", collections.Counter(), errors(customers.answers()))
      same("what both have baked", 20 * ROUNDS, a.stop() + b.stop())
    for server in (north, south):
      same("what no customer waited for", 0, server.stop()["customers"]["gone"])
  check(redis.length("orders") <= 2, "more is left in the stream than a call of each server")


def keeps_the_order_of_pipelined_requests(programs, redis):
  with cluster_server(programs, "north", redis) as north, Bakers(programs.bakers, redis, "a", "--bake-ms", 5, "--threads", 4):
    with Client(north) as client:
      client.send(b"".join(order_bytes(customer="table %d" % i) for i in range(12)))
      for i in range(12):
        same("the next answer", "table %d" % i, check_order_answer(client.answer())["customer"])


# ---- Who comes and goes --------------------------------------------------------------------------


def sees_bakers_come_and_go(programs, redis):
  with cluster_server(programs, "north", redis) as north, cluster_server(programs, "south", redis) as south:
    same("before anybody has come", [], bakers_of(north))
    with Bakers(programs.bakers, redis, "a", "--threads", 3) as a:
      for server in (north, south):
        eventually("word of who came", lambda: bakers_of(server) == ["a"])
      same("its threads", 3, north.stats()["elsewhere"]["bakers"][0]["threads"])
      with Bakers(programs.bakers, redis, "b") as b:
        for server in (north, south):
          eventually("word of both", lambda: bakers_of(server) == ["a", "b"])
        b.stop()
        for server in (north, south):
          eventually("word of who has left", lambda: bakers_of(server) == ["a"])
      a.kill()
      for server in (north, south):
        eventually("an end of who was killed", lambda: bakers_of(server) == [])


def bakes_again_what_killed_bakers_had(programs, redis):
  slow = ("--threads", 4, "--bake-ms", 86400000)
  with cluster_server(programs, "north", redis) as north, cluster_server(programs, "south", redis) as south:
    with Customers([north, south], 12) as customers, Bakers(programs.bakers, redis, "killed", *slow) as killed:
      customers.order()
      eventually("four in the oven", lambda: sum(server.stats()["orders"]["baking"] for server in (north, south)) == 4)
      killed.kill()
      with Bakers(programs.bakers, redis, "heir", "--bake-ms", 1, "--claim-ms", 200) as heir:
        same("errors", collections.Counter(), errors(customers.answers()))
        same("what the heir has baked", 12, heir.stop())


def gets_back_what_it_had_under_its_name(programs, redis):
  with cluster_server(programs, "north", redis) as north, Customers([north], 6) as customers:
    with Bakers(programs.bakers, redis, "a", "--threads", 4, "--bake-ms", 86400000) as first:
      customers.order()
      north.when("four in the oven", is_baking(4))
      first.kill()
    with Bakers(programs.bakers, redis, "a", "--bake-ms", 1, "--claim-ms", 86400000) as again:
      same("errors", collections.Counter(), errors(customers.answers()))
      same("what it has baked", 6, again.stop())


def loses_nothing_when_bakers_leave(programs, redis):
  """One leaves in order in the midst, and none of its orders is baked twice."""
  options = ("--bake-ms", 20, "--threads", 2, "--claim-ms", 86400000)
  with cluster_server(programs, "north", redis) as north, Customers([north], 12) as customers:
    with Bakers(programs.bakers, redis, "a", *options) as a:
      customers.order()
      north.when("two in the oven", is_baking(2))
      n = a.stop()
      check(n >= 2, "what had begun was not baked")
      with Bakers(programs.bakers, redis, "b", *options) as b:
        same("errors", collections.Counter(), errors(customers.answers()))
        same("what both have baked", 12, n + b.stop())


def keeps_an_order_until_its_result_is_there(programs, redis):
  """No result can be written, since a stranger has put something else at the stream's key: so no
  order is done, and bakers that leave without having been heard give all of them to others, who do
  not have to wait."""
  with cluster_server(programs, "north", redis) as north, Customers([north], 4) as customers:
    north.when("a connection", lambda stats: stats["elsewhere"]["results"]["state"] == "running")
    key = b"uvchan:{results-north}:stream"
    same("the key is taken", b"+OK\r\n", redis.command(b"SET %s x" % key))
    with Bakers(programs.bakers, redis, "a", "--bake-ms", 1, "--threads", 4, "--drain-ms", 500, "--claim-ms", 86400000) as a:
      customers.order()
      eventually("orders that it has", lambda: pending(redis) >= 4)
      a.signal(signal.SIGTERM)
      output, errors_said = a.process.communicate(timeout=PATIENCE)
      same("the exit code", 1, a.process.returncode)
      check(re.fullmatch("bakers: [45] orders are left to others\n", errors_said), "it says %r" % errors_said)
      check("baked 4" in output, "they have not baked them: %r" % output)
    check(redis.length("orders") >= 4, "orders are done, and nobody has their results")
    same("the key is free", b":1\r\n", redis.command(b"DEL " + key))
    with Bakers(programs.bakers, redis, "b", "--bake-ms", 1, "--claim-ms", 86400000):
      same("errors", collections.Counter(), errors(customers.answers()))


def pending(redis):
  """How many orders bakers have been given and are not done with."""
  answer = redis.command(b"XPENDING uvchan:{orders}:stream uvchan")
  found = answer and re.match(rb"\*4\r\n:([0-9]+)\r\n", answer)
  return int(found.group(1)) if found else 0


def outlives_the_redis_server(programs, redis):
  """Killed and restarted in the midst, twice. Orders wait meanwhile, and where too many do, they are
  told that it is full."""
  answers = []
  is_over = threading.Event()

  def visit(server, number):
    with Client(server) as client:
      while not is_over.is_set():
        answers.append(check_order_answer(client.order(customer="c%d" % number)))
        same("whose order it is", "c%d" % number, answers[-1].get("customer", "c%d" % number))

  def count():
    return len(baked(list(answers)))

  with cluster_server(programs, "north", redis) as north, cluster_server(programs, "south", redis) as south:
    with Bakers(programs.bakers, redis, "a", "--bake-ms", 2) as a, Bakers(programs.bakers, redis, "b", "--bake-ms", 2) as b:
      threads = [threading.Thread(target=visit, args=((north, south)[i % 2], i)) for i in range(12)]
      for thread in threads:
        thread.start()
      try:
        for _ in range(2):
          before = count()
          eventually("answers", lambda: count() > before + 50)
          redis.kill()
          eventually("word of the interruption", lambda: north.stats()["elsewhere"]["orders"]["state"] == "away")
          redis.start()
          before = count()
          eventually("answers again", lambda: count() > before + 50)
      finally:
        is_over.set()
        for thread in threads:
          thread.join(PATIENCE)
      check(not any(thread.is_alive() for thread in threads), "a customer waits for ever")
      check(set(errors(answers)) <= {"full"}, "other errors: %r" % errors(answers))
      a.stop()
      b.stop()
    arrived = [server.stop()["customers"] for server in (north, south)]
    same("orders and answers", len(answers), sum(one["arrived"] for one in arrived))
    same("orders that were given up", 0, sum(one["gave up"] for one in arrived))


# ---- Limits --------------------------------------------------------------------------------------


def turns_away_what_finds_no_room(programs, redis):
  """Without bakers six orders find room beside the server's call: of seven places three are in the
  stream, two with the sink and two in its channel. Each comes when those before it have settled."""

  def is_settled(n):
    def look(stats):
      sink = stats["elsewhere"]["orders"]
      return (sink["held"] + sink["length"], stats["elsewhere"]["depth"]) == (min(n, 5), min(n, 7))

    return look

  with cluster_server(programs, "north", redis, "--queue", 4, "--stream", 3) as north, Customers([north], 12) as customers:
    for i, (client, name) in enumerate(customers.clients):
      north.when("room taken", is_settled(1 + i))
      client.send_order(customer=name)
      north.when("an order", lambda stats: stats["orders"]["arrived"] == 1 + i)
    same("the room that there is", 7, north.stats()["elsewhere"]["capacity"])
    with Bakers(programs.bakers, redis, "a", "--bake-ms", 1):
      told = customers.answers()
    same("baked, and why not", (6, {"full": 6}), (len(baked(told)), dict(errors(told))))


def lets_wait_what_finds_no_room(programs, redis):
  """Three orders at most are inside, beside the server's call and one that the run before has left
  behind."""
  for policy in ("wait", "backlog"):
    with cluster_server(programs, "north", redis, "--queue", 2, "--stream", 2, "--when-full", policy) as north:
      with Client(north) as witness, Customers([north], 9) as customers:
        customers.order()
        eventually("six outside", lambda: witness.get("/stats").json()["elsewhere"]["outside"] >= 6)
        with Bakers(programs.bakers, redis, "a", "--bake-ms", 1):
          same("errors", collections.Counter(), errors(customers.answers()))


def gives_up_what_nobody_bakes(programs, redis):
  with cluster_server(programs, "north", redis, "--max-wait-ms", 100) as north, Customers([north], 3) as customers:
    customers.order()
    same("why", {"waited too long": 3}, dict(errors(customers.answers())))
    with Bakers(programs.bakers, redis, "a", "--bake-ms", 1):
      north.when("results that come too late", lambda stats: stats["orders"]["gone"] == 3)
      customers.order()
      same("errors", collections.Counter(), errors(customers.answers()))


def forgets_who_has_left(programs, redis):
  for policy in ("reject", "wait"):
    with cluster_server(programs, "north", redis, "--queue", 2, "--stream", 2, "--when-full", policy) as north:
      with Customers([north], 6) as customers:
        customers.order()
        north.when("orders", lambda stats: stats["orders"]["arrived"] == 6)
      north.when("nobody who waits", lambda stats: stats["orders"]["waiting"] == 0 and stats["elsewhere"]["outside"] == 0)
      with Bakers(programs.bakers, redis, "a", "--bake-ms", 1), Client(north) as client:
        same("an order after them", 200, eventually("room", lambda: (lambda answer: answer.status == 200 and answer)(client.order())).status)


# ---- Servers -------------------------------------------------------------------------------------


def answers_what_was_accepted_when_it_closes(programs, redis):
  with Bakers(programs.bakers, redis, "a", "--bake-ms", 50):
    with cluster_server(programs, "north", redis) as north, Customers([north], 10) as customers:
      customers.order()
      north.when("orders", lambda stats: stats["orders"]["arrived"] == 10)
      north.signal(signal.SIGTERM)
      told = [check_order_answer(client.answer()) for client, _ in customers.clients]
      same("errors", collections.Counter(), errors(told))
      same("orders without an answer", 0, north.stopped()["customers"]["gone"])


def refuses_what_nobody_bakes_when_it_closes(programs, redis):
  for options in ((), ("--queue", 2, "--stream", 2, "--when-full", "wait")):
    with cluster_server(programs, "north", redis, "--drain-ms", 100, *options) as north, Customers([north], 8) as customers:
      customers.order()
      north.when("orders", lambda stats: stats["orders"]["arrived"] == 8)
      north.signal(signal.SIGTERM)
      told = [check_order_answer(client.answer()) for client, _ in customers.clients]
      same("why", {"closing": 8}, dict(errors(told)))
      north.stopped()


def takes_no_result_of_the_run_before(programs, redis):
  """The orders that a killed server leaves behind have the numbers that its next run begins with."""
  with cluster_server(programs, "north", redis) as first, Customers([first], 5) as customers:
    customers.order()
    eventually("orders in the stream", lambda: redis.length("orders") >= 5)
    first.kill()
    first.figures = {}
  with cluster_server(programs, "north", redis) as second, Customers([second], 5) as customers:
    customers.order()
    second.when("orders", lambda stats: stats["orders"]["arrived"] == 5)
    with Bakers(programs.bakers, redis, "a", "--bake-ms", 1) as a:
      same("errors", collections.Counter(), errors(customers.answers()))
      same("what was baked", 10, a.stop())
    same("results that found no order", 0, second.stop()["customers"]["gone"])


def closes_where_another_has_its_name(programs, redis):
  with cluster_server(programs, "north", redis) as first:
    first.when("a connection", lambda stats: stats["elsewhere"]["orders"]["connects"] == 1)
    with cluster_server(programs, "north", redis) as second, Bakers(programs.bakers, redis, "a"):
      second.when("a connection", lambda stats: stats["elsewhere"]["orders"]["connects"] == 1)
      same("the exit code", 1, first.wait())
      same("why", "error: the stream of orders: another server has begun under this name\n", "".join(first.errors))
      first.figures = {}
      with Client(second) as client:
        check_order_answer(client.order())


def bakers_end_where_others_have_their_name(programs, redis):
  with cluster_server(programs, "north", redis) as north, Bakers(programs.bakers, redis, "a", "--bake-ms", 1) as first:
    eventually("word of who came", lambda: bakers_of(north) == ["a"])
    with Bakers(programs.bakers, redis, "a", "--bake-ms", 1), Client(north) as client:
      eventually("an end", lambda: client.order().status == 200 and first.process.poll() is not None)
      _, errors = first.process.communicate()
      same("how", (1, "error: the results of north: other bakers have begun under this name\n"), (first.process.returncode, errors))


def refuses_wrong_options(programs, redis):
  for command in (
    [programs.server, "--redis", ""],
    [programs.server, "--redis", redis.socket, "--name", "no spaces"],
    [programs.server, "--redis", redis.socket, "--name", "x" * 32],
    [programs.server, "--stream", "0"],
    [programs.bakers, "--name", ""],
    [programs.bakers, "--threads", "0"],
    [programs.bakers, "--claim-ms", "1"],
    [programs.bakers, "now"],
  ):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    same("%r" % command, (2, "", True), (done.returncode, done.stdout, "--help" in done.stderr))
  for program in (programs.server, programs.bakers):
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    same("--help", (0, True, ""), (done.returncode, "--redis" in done.stdout, done.stderr))


Programs = collections.namedtuple("Programs", "server bakers redis")


def with_redis(test):
  def run(_):
    programs = Programs(*sys.argv[1:4])
    with Redis(programs.redis) as redis:
      test(programs, redis)

  run.__name__ = test.__name__
  return run


main(
  [
    with_redis(test)
    for test in (
      refuses_wrong_options,
      answers_the_orders_of_two_servers,
      keeps_the_order_of_pipelined_requests,
      sees_bakers_come_and_go,
      bakes_again_what_killed_bakers_had,
      gets_back_what_it_had_under_its_name,
      loses_nothing_when_bakers_leave,
      keeps_an_order_until_its_result_is_there,
      outlives_the_redis_server,
      turns_away_what_finds_no_room,
      lets_wait_what_finds_no_room,
      gives_up_what_nobody_bakes,
      forgets_who_has_left,
      answers_what_was_accepted_when_it_closes,
      refuses_what_nobody_bakes_when_it_closes,
      takes_no_result_of_the_run_before,
      closes_where_another_has_its_name,
      bakers_end_where_others_have_their_name,
    )
  ]
)
