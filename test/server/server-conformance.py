# SPDX-License-Identifier: MIT
"""HTTP/1.1 over raw sockets, sentence by sentence: each test's name ends with the section that it
holds the server to, of RFC 9110 (semantics) or RFC 9112 (the protocol). Where a section leaves a
choice, the name says what the server chose: it is the strict one."""

import struct

from server import *


BODY = b'{"pizza":"a","count":1,"customer":"%s"}'


def request(target="/healthz", method="GET", headers="Host: a\r\n", version="1.1"):
  return ("%s %s HTTP/%s\r\n%s\r\n" % (method, target, version, headers)).encode()


def post(framing, body=b"", version="1.1"):
  head = "POST /orders HTTP/%s\r\nHost: a\r\nContent-Type: application/json\r\n%s\r\n" % (version,
  framing)
  return head.encode() + body


def chunked(*chunks, end=b"0\r\n\r\n"):
  body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
  return post("Transfer-Encoding: chunked\r\n", body + end)


def refuses(program, status, *requests):
  """Each is answered so, alone, and the connection ends: what follows it is no request."""
  with Server(program) as server:
    for data in requests:
      with Client(server) as client:
        client.send(data + request())
        answer = client.answer()
        same("the answer to %r" % data, (status, "close"), answer
          and (answer.status, answer.headers.get("connection")))
        client.ends()


def takes(program, status, *requests):
  """Each is answered so, and after it the same connection another one."""
  with Server(program, "--bakers", 0) as server, Client(server) as client:
    for data in requests:
      client.send(data + request())
      same("the answer to %r" % data, status, client.answer(data.startswith(b"HEAD")).status)
      same("what follows %r" % data, b"ok\n", client.answer().body)


def orders(program, *requests):
  """Each has a body that orders for Ada, and after it another request is answered."""
  with Server(program, "--bakers", 0) as server, Client(server) as client:
    for data in requests:
      client.send(data + request())
      same("whose order %r is" % data, "Ada", check_order_answer(client.answer())["customer"])
      same("what follows %r" % data, b"ok\n", client.answer().body)


def body_of(client, path):
  answer = client.get(path)
  same(path, 200, answer.status)
  return answer.body


ADA = BODY % b"Ada"


# ---- Lines ---------------------------------------------------------------------------------------


def passes_over_an_empty_line_before_a_request_rfc9112_2_2(program):
  takes(program, 200, b"\r\n" + request(), b"\r\n\r\n" + request())


def refuses_lf_alone_as_the_end_of_a_line_rfc9112_2_2(program):
  refuses(
    program, 400, b"GET /healthz HTTP/1.1\nHost: a\n\n", b"GET /healthz HTTP/1.1\nHost: a\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nx: y\nz: w\r\n\r\n",
    b"\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
  )


def refuses_cr_alone_rfc9112_2_2(program):
  refuses(
    program, 400, b"GET /healthz HTTP/1.1\rHost: a\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\rx: y\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\rx",
  )


def refuses_space_ahead_of_the_first_field_rfc9112_2_2(program):
  refuses(program, 400, b"GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n")


def refuses_what_is_no_request_line_rfc9112_3(program):
  refuses(
    program, 400, b"GET /healthz\r\n", b"GET\r\n", b"/healthz\r\n", b" GET /healthz HTTP/1.1\r\n",
    b"GET  /healthz HTTP/1.1\r\n",
    b"GET /healthz  HTTP/1.1\r\n", b"GET /healthz HTTP/1.1 \r\n", b"GET\t/healthz\tHTTP/1.1\r\n",
    b"GET /healthz HTTP/1.1x\r\n",
    b"GET /a b HTTP/1.1\r\n", b"GET /healthz HTTP/11\r\n", b"GET /healthz HTTP/1\r\n",
    b"GET /healthz http/1.1\r\n",
    b"GET /healthz HTTP/-1.1\r\n", b"G(T /healthz HTTP/1.1\r\n", b"GET /\xc3\xa9 HTTP/1.1\r\n",
    b"GET /\x00 HTTP/1.1\r\n",
    b"GET HTTP/1.1\r\n", b"GET  HTTP/1.1\r\n",
  )


def refuses_a_long_request_line_rfc9112_3(program):
  with Server(program, "--header-bytes", 1000) as server:
    with Client(server) as client:
      fits = b"GET /" + b"a" * (1000 - 27) + b" HTTP/1.1\r\nHost: a\r\n\r\n"
      client.send(fits + fits.replace(b"Host: ", b"Host:  "))
      same("%d bytes of a head" % len(fits), 404, client.answer().status)
      same("one byte more", 431, client.answer().status)
    for data in (b"GET /" + b"a" * 1000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"G" * 1001):
      with Client(server) as client:
        client.send(data)
        same("the answer", 414, client.answer().status)
        client.ends()


def refuses_long_fields_rfc9110_5_4(program):
  with Server(program, "--header-bytes", 1000) as server:
    for data in (
      request(headers="Host: a\r\n" + "x: y\r\n" * 200),
      request(headers="Host: a\r\nx: " + "y" * 1000 + "\r\n"),
      request(headers="Host: a\r\n" + "x" * 1000 + ": y\r\n"),
      chunked(ADA, end=b"0\r\n" + b"x: y\r\n" * 200 + b"\r\n"),
    ):
      with Client(server) as client:
        client.send(data)
        same("the answer", 431, client.answer().status)
        client.ends()


# ---- Versions ------------------------------------------------------------------------------------


def refuses_other_major_versions_rfc9110_15_6_6(program):
  refuses(
    program, 505, request(version="2.0"), request(version="3.0"), request(version="0.9"),
    request(version="9.9"),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  )


def takes_a_later_minor_version_for_the_latest_known_rfc9110_2_5(program):
  takes(program, 200, request(version="1.2"), request(version="1.9"))
  refuses(program, 400, request(version="1.2", headers=""))


# ---- Methods -------------------------------------------------------------------------------------


def refuses_unknown_methods_rfc9110_9_1(program):
  refuses(
    program, 501, request(method="BREW"), request(method="get"), request(method="PROPFIND"),
    request(method="PRI"),
    request(method="X" * 100), request(method="M-SEARCH"), request(method="GETS"),
  )


def refuses_known_methods_where_they_are_not_for_a_resource_rfc9110_15_5_6(program):
  with Server(program) as server, Client(server) as client:
    for method, target, allowed in (
      ("GET", "/orders", "POST"), ("DELETE", "/orders", "POST"), ("POST", "/", "GET, HEAD"),
      ("PUT", "/stats", "GET, HEAD"),
      ("TRACE", "/healthz", "GET, HEAD"), ("PATCH", "/healthz", "GET, HEAD"),
      ("OPTIONS", "/events", "GET, HEAD"),
    ):
      answer = client.get(target, method)
      same(method + " " + target, (405, allowed), (answer.status, answer.headers.get("allow")))


def refuses_to_connect_rfc9110_9_3_6(program):
  refuses(program, 501, request("a:1", "CONNECT"), request("/", "CONNECT"))


def answers_head_like_get_without_a_body_rfc9110_9_3_2(program):
  with Server(program) as server, Client(server) as client:
    for target in ("/", "/app.js", "/nothing", "/orders"):
      got = client.get(target)
      head = client.get(target, "HEAD")
      same("HEAD " + target, (got.status, str(len(got.body))),
        (head.status, head.headers["content-length"]))
    client.send(request(method="HEAD", headers="Host: a\r\nExpect: x\r\n"))
    same("a refusal", 417, client.answer(True).status)
    client.ends()


# ---- Targets -------------------------------------------------------------------------------------


def takes_a_query_rfc9112_3_2_1(program):
  takes(program, 200, request("/healthz?"), request("/healthz?a=b&c=d/e?f"),
    request("/healthz?http://a/"))


def takes_targets_in_absolute_form_rfc9112_3_2_2(program):
  takes(
    program, 200, request("http://a/healthz"), request("HTTP://a:80/healthz?x"),
    request("http://[::1]:8080/healthz"),
    request("http://a"), request("http://a?x=y"), request("http://a/healthz",
    headers="Host: other\r\n"),
    request("http://%41.example/healthz"),
  )
  takes(program, 404, request("http://a/nothing"), request("http://a//"))


def refuses_absolute_form_without_a_place_rfc9110_4_2(program):
  refuses(
    program, 400, request("http://"), request("http:///healthz"), request("http://:80/healthz"),
    request("http://u:p@a/healthz"),
    request("http://u@a/healthz"), request("http://a:b/healthz"), request("http://a b/"),
    request("http://[::1/healthz"),
    request("http:healthz"), request("http://a/healthz#x"),
  )


def sends_targets_elsewhere_away_rfc9110_7_4(program):
  refuses(program, 421, request("https://a/healthz"), request("ftp://a/healthz"),
    request("coap+tcp://a/"))


def refuses_authority_form_but_for_connect_rfc9112_3_2_3(program):
  refuses(program, 400, request("a:80"), request("a"), request("a:80", "OPTIONS"))


def takes_an_asterisk_with_options_alone_rfc9112_3_2_4(program):
  with Server(program) as server, Client(server) as client:
    for target in ("*", "http://a"):
      answer = client.get(target, "OPTIONS")
      same("OPTIONS " + target, (200, b"", "GET, HEAD, POST, OPTIONS"),
        (answer.status, answer.body, answer.headers.get("allow")))
  refuses(program, 400, request("*"), request("*", "HEAD"), request("*", "POST"),
    request("**", "OPTIONS"), request("*/", "OPTIONS"))


def refuses_a_fragment_rfc9112_3_2(program):
  refuses(program, 400, request("/healthz#x"), request("/#"), request("*#", "OPTIONS"))


# ---- Host ----------------------------------------------------------------------------------------


def wants_one_host_rfc9112_3_2(program):
  refuses(
    program, 400, request(headers=""), request(headers="Host: a\r\nHost: a\r\n"),
    request(headers="Host: a\r\nx: y\r\nhost: b\r\n"),
    request("http://a/healthz", headers=""), request(version="1.0",
    headers="Host: a\r\nHost: b\r\n"),
  )
  takes(program, 200, request(version="1.0", headers="Connection: keep-alive\r\n"))


def refuses_what_is_no_host_rfc9112_3_2(program):
  values = ("a b", "a/b", "http://a", "a:b", "a:80:80", "u@a", "[::1", "::1", "[x]", "a%", "a%4",
    "a%zz", "\xe9", "a?b", "a#b", '"a"', "a:-1", "<a>", "[]", "[::1]a")
  refuses(program, 400, *("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n".format(value).encode(
    "latin-1") for value in values))


def takes_hosts_of_all_kinds_rfc9112_3_2(program):
  values = ("a", "a.example", "a:80", "a:", "127.0.0.1:8080", "[::1]", "[::ffff:1.2.3.4]:80",
    "a_b-c~d", "%41", "a,b", "", "  a\t ")
  takes(program, 200, *(request(headers="Host:%s\r\n" % value) for value in values))


# ---- Fields --------------------------------------------------------------------------------------


def refuses_folded_lines_rfc9112_5_2(program):
  refuses(
    program, 400, request(headers="Host: a\r\nx: y\r\n z\r\n"),
    request(headers="Host: a\r\nx: y\r\n\tz\r\n"),
    request(headers="Host: a\r\nx:\r\n y\r\n"), request(headers="Host: a\r\n \r\n"),
    post("Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
  )


def refuses_space_ahead_of_the_colon_rfc9112_5_1(program):
  refuses(program, 400, request(headers="Host : a\r\n"), request(headers="Host: a\r\nx : y\r\n"),
    post("Content-Length : 0\r\n"))


def refuses_what_is_no_field_rfc9110_5(program):
  lines = (b"x", b": y", b"x y: z", b"x(): y", b"x\x00: y", b"x: \x00", b"x: a\x01b", b"x: \x7f",
    b"\xe9: y", b"x\r: y")
  refuses(program, 400, *(b"GET /healthz HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n" % line
    for line in lines))


def takes_values_of_all_kinds_rfc9110_5_5(program):
  lines = ("x:", "x: ", "x:y", "x:\t y \t", "x: \"a, b\"", "!#$%&'*+-.^_`|~: y", "x: " + "y" * 4000,
    "X" * 4000 + ": y")
  takes(program, 200, *(request(headers="Host: a\r\n%s\r\n" % line) for line in lines))
  takes(program, 200, b"GET /healthz HTTP/1.1\r\nHost: a\r\nx: \xc3\xa9\xff\r\n\r\n")


# ---- Framing -------------------------------------------------------------------------------------


def takes_a_length_rfc9112_6_2(program):
  n = len(ADA)
  orders(program, *(post("Content-Length:%s\r\n" % value, ADA)
    for value in (" %d" % n, "%d" % n, " 000%d " % n)))
  takes(program, 200, request(headers="Host: a\r\nContent-Length: 0\r\n"),
    request(headers="Host: a\r\nContent-Length: 5\r\n") + b"GET /")


def refuses_what_is_no_length_rfc9112_6_3(program):
  values = ("", "x", "-1", "+5", "5 5", "0x5", "5,5", "5, 5", "5;", "1.0", "5e0", "\u0665",
    "99999999999999999999999x")
  refuses(program, 400, *(post("Content-Length: ").replace(b"Length: \r",
    b"Length: " + value.encode() + b"\r\n\r") for value in values))


def refuses_two_lengths_rfc9112_6_3(program):
  refuses(program, 400, post("Content-Length: 1\r\nContent-Length: 2\r\n", b"ab"),
    post("Content-Length: 2\r\nContent-Length: 2\r\n", b"ab"))


def refuses_a_length_beside_an_encoding_rfc9112_6_1(program):
  refuses(
    program, 400, post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
    post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
  )


def refuses_an_encoding_in_http_1_0_rfc9112_6_1(program):
  refuses(
    program, 400, post("Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", version="1.0"),
    post("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n", version="1.0"),
  )


def refuses_codings_that_are_not_known_rfc9112_6_1(program):
  refuses(
    program, 501, post("Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
    post("Transfer-Encoding: identity, chunked\r\n", b"0\r\n\r\n"),
  )


def refuses_an_encoding_that_does_not_end_in_chunked_rfc9112_6_3(program):
  values = ("gzip", "identity", "chunked, gzip", "chunkedd", "xchunked", "chunked;q=1", "", ",",
    "chunked, identity", '"chunked"', "\x0bchunked")
  refuses(program, 400, *(post("Transfer-Encoding: %s\r\n" % value, b"0\r\n\r\n")
    for value in values))


def refuses_chunked_twice_rfc9112_6_1(program):
  refuses(
    program, 400, post("Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    post("Transfer-Encoding: chunked, gzip, chunked\r\n", b"0\r\n\r\n"),
  )


def takes_chunks_rfc9112_7_1(program):
  orders(
    program, chunked(ADA), chunked(*(ADA[i : i + 1] for i in range(len(ADA)))),
    chunked(ADA[:7], ADA[7:]),
    chunked(ADA, end=b"000\r\n\r\n"),
    post("Transfer-Encoding: ChUnKeD\r\n", b"%X\r\n%s\r\n0\r\n\r\n" % (len(ADA), ADA)),
    post("Transfer-Encoding: chunked\r\n", b"000%x\r\n%s\r\n0\r\n\r\n" % (len(ADA), ADA)),
  )


def refuses_what_is_no_chunk_rfc9112_7_1(program):
  bodies = (
    b"5\r\nhelloX\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r0\r\n\r\n", b"5\r\nhello0\r\n\r\n",
    b"5\nhello\r\n0\r\n\r\n",
    b"5\rhello\r\n", b"\r\n", b"x\r\n", b"-5\r\nhello\r\n", b"+5\r\nhello\r\n", b"0x5\r\nhello\r\n",
    b" 5\r\nhello\r\n",
    b"5 \r\nhello\r\n", b"5 5\r\nhello\r\n", b"5\r\nhello\r\n\r\n", b"0\n\n", b"0\r\n\n",
    b"0" * 300 + b"\r\n", b"\n0\r\n\r\n",
  )
  refuses(program, 400, *(post("Transfer-Encoding: chunked\r\n", body) for body in bodies))


def passes_over_chunk_extensions_rfc9112_7_1_1(program):
  extensions = (b";a", b";a=b", b' ; a = "b;c"', b";a=b;c=d", b"\t;a")
  orders(program, *(post("Transfer-Encoding: chunked\r\n",
    b"%x%s\r\n%s\r\n0%s\r\n\r\n" % (len(ADA), one, ADA, one)) for one in extensions))


def refuses_chunk_extensions_with_lf_or_too_long_rfc9112_7_1_1(program):
  extensions = (b";a\nb", b";\n", b";a\n", b";a\rb", b";a\x00", b";" + b"a" * 300)
  refuses(program, 400, *(post("Transfer-Encoding: chunked\r\n", b"5%s\r\nhello\r\n0\r\n\r\n" % one)
    for one in extensions))


def passes_over_trailers_rfc9112_7_1_2(program):
  trailers = (b"x: y\r\n", b"Host: b\r\nHost: c\r\n", b"Content-Length: 5\r\n",
    b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n", b"Expect: x\r\n")
  orders(program, *(chunked(ADA, end=b"0\r\n" + trailer + b"\r\n") for trailer in trailers))


def refuses_what_is_no_trailer_rfc9112_7_1_2(program):
  trailers = (b"x\r\n", b" x: y\r\n", b"x : y\r\n", b"x: y\n", b"x: y\r\n z\r\n", b"x: \x00\r\n")
  refuses(program, 400, *(chunked(ADA, end=b"0\r\n" + trailer + b"\r\n") for trailer in trailers))


def refuses_large_bodies_rfc9110_15_5_14(program):
  with Server(program, "--body-bytes", 100) as server:
    for data in (
      post("Content-Length: 101\r\n"), post("Content-Length: 1000000000000\r\n"),
      chunked(b"a" * 100, b"b"), chunked(b"a" * 101),
      post("Transfer-Encoding: chunked\r\n", b"fffffffffffffffff\r\n"),
      post("Transfer-Encoding: chunked\r\n", b"10000000000000005\r\nhello"),
    ):
      with Client(server) as client:
        client.send(data)
        same("the answer to %r" % data, 413, client.answer().status)
        client.ends()
    with Client(server) as client:
      for data in (post("Content-Length: 100\r\n", b"a" * 100), chunked(b"a" * 99, b"b")):
        client.send(data)
        same("as many as may be", 400, client.answer().status)


# ---- Expectations --------------------------------------------------------------------------------


def asks_for_the_body_rfc9110_10_1_1(program):
  with Server(program, "--bakers", 0) as server, Client(server) as client:
    for value in ("100-continue", "100-Continue", " 100-continue ,"):
      client.send(post("Expect: %s\r\nContent-Length: %d\r\n" % (value, len(ADA))))
      same("to go on", 100, client.answer().status)
      client.send(ADA)
      same("whose order", "Ada", check_order_answer(client.answer())["customer"])


def asks_for_the_body_in_turn_rfc9110_10_1_1(program):
  """A client may not wait for ever, and gets no interim answer among those of earlier requests."""
  with Server(program, "--bakers", 1, "--bake-ms", 100) as server, Client(server) as client:
    client.send(
      order_bytes(customer="first") + post("Expect: 100-continue\r\nContent-Length: %d\r\n" % len(
      ADA)))
    same("the first answer", "first", check_order_answer(client.answer())["customer"])
    same("to go on", 100, client.answer().status)
    client.send(ADA)
    same("whose order", "Ada", check_order_answer(client.answer())["customer"])


def asks_for_no_body_where_none_comes_rfc9110_10_1_1(program):
  takes(program, 200, request(headers="Host: a\r\nExpect: 100-continue\r\n"),
    request(headers="Host: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n"))


def passes_over_an_expectation_in_http_1_0_rfc9110_10_1_1(program):
  orders(program,
    post("Connection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: %d\r\n" % len(ADA), ADA,
    version="1.0"))


def refuses_other_expectations_rfc9110_15_5_18(program):
  values = ("x", "100-continue, x", "200-ok", "100-continue;q=1")
  refuses(program, 417, *(request(headers="Host: a\r\nExpect: %s\r\n" % value) for value in values))


# ---- The connection ------------------------------------------------------------------------------


def keeps_the_connection_as_asked_rfc9112_9_3(program):
  with Server(program) as server:
    for version, value, is_kept in (
      ("1.1", None, True), ("1.1", "close", False), ("1.1", "Close", False),
      ("1.1", "x, close", False), ("1.1", "keep-alive", True),
      ("1.1", "keep-alive, close", False), ("1.1", "closed", True),
      ("1.1", "x" * 100 + ", close", False), ("1.0", None, False),
      ("1.0", "keep-alive", True), ("1.0", "Keep-Alive", True), ("1.0", "close, keep-alive", False),
      ("1.0", "x", False), ("1.2", None, True),
    ):
      with Client(server) as client:
        headers = "Host: a\r\n" + ("" if value is None else "Connection: %s\r\n" % value)
        client.send(request(headers=headers, version=version) + request("/nothing"))
        what = "HTTP/%s with %r" % (version, value)
        answer = client.answer()
        same(what, (200, None if is_kept and version != "1.0" else "keep-alive" if is_kept
          else "close"), (answer.status, answer.headers.get("connection")))
        if is_kept:
          same("a second answer after " + what, 404, client.answer().status)
        else:
          client.ends()


def answers_nothing_after_the_last_request_rfc9112_9_6(program):
  with Server(program, "--bakers", 0) as server, Client(server) as client:
    client.send(order_bytes(extra="Connection: close\r\n") + order_bytes() * 3 + b"\xff" * 1000)
    check_order_answer(client.answer())
    client.ends()
    same("orders that arrived", 1, server.stats()["orders"]["arrived"])


def speaks_no_other_protocol_rfc9110_7_8(program):
  takes(
    program, 200, request(headers="Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"),
    request(
      headers="Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    ),
  )
  orders(program, post("Connection: upgrade\r\nUpgrade: x\r\nContent-Length: %d\r\n" % len(ADA),
    ADA))


def answers_wherever_bytes_are_parted_rfc9112_2(program):
  data = b"\r\n" + chunked(ADA[:9], ADA[9:], end=b"0;a=b\r\nx: y\r\n\r\n") + request("http://a?x")
  with Server(program, "--bakers", 0) as server, Client(server) as client:
    for i in range(1, len(data)):
      client.send(data[:i])
      client.send(data[i:])
      same("parted at %d" % i, "Ada", check_order_answer(client.answer())["customer"])
      same("parted at %d" % i, 200, client.answer().status)
    for i in range(len(data)):
      client.send(data[i : i + 1])
    same("byte by byte", (200, 200), (client.answer().status, client.answer().status))


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
  n = 100000
  with Server(program) as server, Client(server, receive_buffer=4096) as client:
    last = request(headers="Host: a\r\nConnection: close\r\n", target="/nothing")
    sender = threading.Thread(target=client.send, args=(request("/healthz") * n + last,))
    sender.start()
    pieces = []
    while not pieces or pieces[-1]:
      pieces.append(client.socket.recv(65536))
    sender.join()
  answers = b"".join(pieces).split(b"\r\n\r\nok\n")
  same("answers", n + 1, len(answers))
  wrong = [one for one in answers[:-1] if not one.startswith(b"HTTP/1.1 200 OK\r\n")]
  check(not wrong, "another answer is among them: %r" % wrong[:1])
  check(answers[-1].startswith(b"HTTP/1.1 404 "), "the last answer: %r" % answers[-1])


def begins_no_request_while_answers_are_kept_rfc9112_9_3_2(program):
  """Answers that wait for the turn of an earlier one count towards what a connection holds."""
  with Server(program, "--bakers", 1, "--bake-ms", 400) as server, Client(server) as client:
    client.send(order_bytes(customer="first") + request("/app.js") * 8 + order_bytes(
      customer="last"))
    stats = server.when("the first order", lambda stats: stats["orders"]["arrived"] > 0)["orders"]
    if stats["ready"] + stats["lost"] == 0:
      same("orders taken while their answers would wait", 1, stats["arrived"])
    same("the first answer", "first", check_order_answer(client.answer())["customer"])
    for i in range(8):
      same("file %d" % i, "text/javascript; charset=utf-8", client.answer().headers["content-type"])
    same("the last answer", "last", check_order_answer(client.answer())["customer"])


# ---- Half of a connection ------------------------------------------------------------------------


def end_sending(client):
  client.socket.shutdown(socket.SHUT_WR)


def final(client):
  """The next answer, past an interim one."""
  answer = client.answer()
  return client.answer() if answer is not None and answer.status == 100 else answer


def answers_a_client_that_sends_no_more_rfc9112_9_6(program):
  with Server(program, "--bakers", 1, "--bake-ms", 300) as server:
    with Client(server) as client:
      client.send(request())
      end_sending(client)
      same("a request", 200, client.answer().status)
      client.ends()
    with Client(server) as client:
      client.send(order_bytes(customer="first") + request() + order_bytes(customer="last"))
      end_sending(client)
      same("the first answer", "first", check_order_answer(final(client))["customer"])
      same("the second answer", b"ok\n", client.answer().body)
      same("the last answer", "last", check_order_answer(final(client))["customer"])
      client.ends()
    with Client(server) as client:
      end_sending(client)
      client.ends()


def answers_a_slow_reader_that_sends_no_more_rfc9112_9_6(program):
  with Server(program) as server, Client(server, receive_buffer=4096) as client:
    client.send(request("/app.js") * 100 + request())
    end_sending(client)
    for i in range(100):
      same("answer %d" % i, 200, client.answer().status)
    same("the last answer", b"ok\n", client.answer().body)
    client.ends()


def answers_who_waits_for_room_and_sends_no_more_rfc9112_9_6(program):
  with Server(program, "--bakers", 1, "--queue", 1, "--bake-ms", 200, "--when-full",
      "wait") as server:
    clients = [Client(server) for _ in range(4)]
    for i, client in enumerate(clients):
      client.send(order_bytes(customer="c%d" % i) + request())
      end_sending(client)
    for i, client in enumerate(clients):
      same("whose order", "c%d" % i, check_order_answer(final(client))["customer"])
      same("what came behind it", b"ok\n", final(client).body)
      client.ends()
    same("gone", 0, server.stop()["customers"]["gone"])


def sends_nothing_in_between_to_http_1_0_rfc9110_15_2(program):
  with Server(program, "--bakers", 1, "--bake-ms", 300) as server, Client(server) as client:
    client.send(post("Content-Length: %d\r\n" % len(ADA), ADA, version="1.0"))
    end_sending(client)
    check_order_answer(client.answer())
    client.ends()


def refuses_what_is_never_whole_rfc9112_8(program):
  with Server(program) as server:
    for data in (b"GET /heal", request()[:-1], request()[:-4],
        post("Content-Length: 5\r\n", b"hell"), chunked(ADA)[:-2], chunked(ADA, end=b"")):
      with Client(server) as client:
        client.send(request() + data)
        end_sending(client)
        same("the request before", 200, client.answer().status)
        same("%r" % data, 400, client.answer().status)
        client.ends()


# The kitchen takes a day for each order, so nothing but their leaving ends the connections.
FOR_A_DAY = ("--bakers", 1, "--queue", 1, "--bake-ms", 86400000)


def reset(client):
  client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
  client.close()


def leave(server):
  server.kill()
  server.figures = {}


def notices_who_has_left_rfc9112_9_5(program):
  """One that closes its connection, and one that breaks it off; while it is read from, and while it
  is not since so much of it is under way."""
  for end in (Client.close, reset):
    for more in (b"", request("/nothing") * 100):
      with Server(program, *FOR_A_DAY) as server:
        client = Client(server)
        client.send(order_bytes() + more)
        server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
        server.when("2 connections", lambda stats: stats["connections"] == 2)
        end(client)
        server.when("the end of the connection", lambda stats: stats["connections"] == 1)
        leave(server)


def notices_who_has_left_while_it_waits_for_room_rfc9112_9_5(program):
  """What nobody waits for gives its place in the queue back."""
  for end in (Client.close, reset):
    for more in (b"", order_bytes() * 1000):
      with Server(program, *FOR_A_DAY, "--when-full", "wait") as server:
        clients = [Client(server) for _ in range(3)]
        for i, client in enumerate(clients):
          client.send(order_bytes() + (more if i == 2 else b""))
          server.when("an order", lambda stats: stats["orders"]["arrived"] == i + 1)
          if i == 0:
            server.when("an order in the oven", lambda stats: stats["orders"]["baking"] == 1)
        server.when("one that waits for room", lambda stats: stats["kitchen"][
        "waiting_outside"] == 1)
        end(clients[2])
        server.when("nobody that waits for room", lambda stats: stats["kitchen"][
        "waiting_outside"] == 0)
        server.when("3 connections", lambda stats: stats["connections"] == 3)
        leave(server)


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
    passes_over_an_empty_line_before_a_request_rfc9112_2_2,
    refuses_lf_alone_as_the_end_of_a_line_rfc9112_2_2,
    refuses_cr_alone_rfc9112_2_2,
    refuses_space_ahead_of_the_first_field_rfc9112_2_2,
    refuses_what_is_no_request_line_rfc9112_3,
    refuses_a_long_request_line_rfc9112_3,
    refuses_long_fields_rfc9110_5_4,
    refuses_other_major_versions_rfc9110_15_6_6,
    takes_a_later_minor_version_for_the_latest_known_rfc9110_2_5,
    refuses_unknown_methods_rfc9110_9_1,
    refuses_known_methods_where_they_are_not_for_a_resource_rfc9110_15_5_6,
    refuses_to_connect_rfc9110_9_3_6,
    answers_head_like_get_without_a_body_rfc9110_9_3_2,
    takes_a_query_rfc9112_3_2_1,
    takes_targets_in_absolute_form_rfc9112_3_2_2,
    refuses_absolute_form_without_a_place_rfc9110_4_2,
    sends_targets_elsewhere_away_rfc9110_7_4,
    refuses_authority_form_but_for_connect_rfc9112_3_2_3,
    takes_an_asterisk_with_options_alone_rfc9112_3_2_4,
    refuses_a_fragment_rfc9112_3_2,
    wants_one_host_rfc9112_3_2,
    refuses_what_is_no_host_rfc9112_3_2,
    takes_hosts_of_all_kinds_rfc9112_3_2,
    refuses_folded_lines_rfc9112_5_2,
    refuses_space_ahead_of_the_colon_rfc9112_5_1,
    refuses_what_is_no_field_rfc9110_5,
    takes_values_of_all_kinds_rfc9110_5_5,
    takes_a_length_rfc9112_6_2,
    refuses_what_is_no_length_rfc9112_6_3,
    refuses_two_lengths_rfc9112_6_3,
    refuses_a_length_beside_an_encoding_rfc9112_6_1,
    refuses_an_encoding_in_http_1_0_rfc9112_6_1,
    refuses_codings_that_are_not_known_rfc9112_6_1,
    refuses_an_encoding_that_does_not_end_in_chunked_rfc9112_6_3,
    refuses_chunked_twice_rfc9112_6_1,
    takes_chunks_rfc9112_7_1,
    refuses_what_is_no_chunk_rfc9112_7_1,
    passes_over_chunk_extensions_rfc9112_7_1_1,
    refuses_chunk_extensions_with_lf_or_too_long_rfc9112_7_1_1,
    passes_over_trailers_rfc9112_7_1_2,
    refuses_what_is_no_trailer_rfc9112_7_1_2,
    refuses_large_bodies_rfc9110_15_5_14,
    asks_for_the_body_rfc9110_10_1_1,
    asks_for_the_body_in_turn_rfc9110_10_1_1,
    asks_for_no_body_where_none_comes_rfc9110_10_1_1,
    passes_over_an_expectation_in_http_1_0_rfc9110_10_1_1,
    refuses_other_expectations_rfc9110_15_5_18,
    keeps_the_connection_as_asked_rfc9112_9_3,
    answers_nothing_after_the_last_request_rfc9112_9_6,
    speaks_no_other_protocol_rfc9110_7_8,
    answers_wherever_bytes_are_parted_rfc9112_2,
    answers_a_slow_reader_in_order_rfc9112_9_3_2,
    answers_many_short_requests_rfc9112_9_3_2,
    begins_no_request_while_answers_are_kept_rfc9112_9_3_2,
    answers_a_client_that_sends_no_more_rfc9112_9_6,
    answers_a_slow_reader_that_sends_no_more_rfc9112_9_6,
    answers_who_waits_for_room_and_sends_no_more_rfc9112_9_6,
    sends_nothing_in_between_to_http_1_0_rfc9110_15_2,
    refuses_what_is_never_whole_rfc9112_8,
    notices_who_has_left_rfc9112_9_5,
    notices_who_has_left_while_it_waits_for_room_rfc9112_9_5,
    answers_what_came_while_it_stood_still_rfc9112_9_5,
  ]
)
