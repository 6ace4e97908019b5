"""HTTP/1.1 over raw sockets, sentence by sentence: each test's name ends with the section that it
holds the server to, of RFC 9110 (semantics) or RFC 9112 (the protocol), or says what the server
chose where they leave it a choice."""

from server import *


def request(target="/healthz", method="GET", headers="Host: a\r\n", version="1.1"):
  return ("%s %s HTTP/%s\r\n%s\r\n" % (method, target, version, headers)).encode()


def body_of(client, path):
  answer = client.get(path)
  same(path, 200, answer.status)
  return answer.body


# ---- Order: pipelining ---------------------------------------------------------------------------


def answers_a_slow_reader_in_order_rfc9112_9_3_2(program):
  """What is sent later is in the socket when the first answers have been taken: it is not read
  ahead of requests that wait to be parsed."""
  with Server(program) as server:
    with Client(server) as quick:
      app = body_of(quick, "/app.js")
    with Client(server, receive_buffer=4096) as client:
      client.send(request("/app.js") * 300)
      check(client.answer().body == app, "the first answer is another")
      client.send(request("/healthz"))
      for i in range(1, 300):
        check(client.answer().body == app, "answer %d is another" % i)
      same("the last answer", b"ok\n", client.answer().body)


def answers_many_short_requests_rfc9112_9_3_2(program):
  """More than are read at once, and more answers than the socket takes."""
  n = 20000 if is_short() else 100000
  with Server(program) as server, Client(server, receive_buffer=4096) as client:
    sender = threading.Thread(target=client.send, args=(request("/healthz") * n + request("/nothing"),))
    sender.start()
    for i in range(n):
      same("answer %d" % i, b"ok\n", client.answer().body)
    same("the last answer", 404, client.answer().status)
    sender.join()


def begins_no_request_while_answers_are_kept_rfc9112_9_3_2(program):
  """Answers that wait for the turn of an earlier one count towards what a connection holds."""
  with Server(program, "--bakers", 1, "--bake-ms", 400) as server, Client(server) as client:
    client.send(order_bytes(customer="first") + request("/app.js") * 8 + order_bytes(customer="last"))
    stats = server.when("the first order", lambda stats: stats["orders"]["arrived"] > 0)["orders"]
    if stats["ready"] + stats["lost"] == 0:
      same("orders taken while their answers would wait", 1, stats["arrived"])
    same("the first answer", "first", check_order_answer(client.answer())["customer"])
    for i in range(8):
      same("file %d" % i, "text/javascript; charset=utf-8", client.answer().headers["content-type"])
    same("the last answer", "last", check_order_answer(client.answer())["customer"])


# ---- Time ----------------------------------------------------------------------------------------


def answers_what_came_while_it_stood_still_rfc9112_9_5(program):
  """A process that is stopped for longer than a connection may be idle finds the request in the
  socket when it goes on."""
  with Server(program, "--idle-ms", 700) as server, Client(server) as client:
    same("before", 200, client.get("/healthz").status)
    server.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, server.process.pid, os.WSTOPPED)
    client.send(request())
    time.sleep(0.9)
    server.signal(signal.SIGCONT)
    answer = client.answer()
    same("after", 200, answer and answer.status)


main(
  [
    answers_a_slow_reader_in_order_rfc9112_9_3_2,
    answers_many_short_requests_rfc9112_9_3_2,
    begins_no_request_while_answers_are_kept_rfc9112_9_3_2,
    answers_what_came_while_it_stood_still_rfc9112_9_5,
  ]
)
