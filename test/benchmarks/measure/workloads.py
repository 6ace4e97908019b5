# SPDX-License-Identifier: MIT
"""The workloads: what is run, by whom, and the figures that are wanted of uvchan: a table."""

from typing import NamedTuple, Tuple


class Row(NamedTuple):
  """One workload. Every program gets `args`; a name in `peers` may be followed by arguments of its
  own, and `uvchan` has uvchan's own.

  A target says what uvchan's figure must be: "ns <= 12" alone, "ns <= 0.45 of array" as a ratio to
  a peer's, "ns <= 1 of row many-1" to uvchan's own in another workload; " within 5%" lets it pass
  by so much, for noise.
  """

  id: str
  words: str
  workload: str
  args: str
  peers: Tuple[str, ...] = ()
  targets: Tuple[str, ...] = ()
  uvchan: str = ""
  figure: str = "ns"  # what the ratios compare
  beside: str = ""  # a workload whose figure of uvchan is shown for comparison
  one_processor: bool = False
  curve: str = ""  # the curve that this is a point of,
  x: int = 0  # and where
  quick: bool = True  # is in --quick too


def names(text):
  return tuple(name.strip() for name in text.split(","))


PEERS = names("list, array, moodycamel, ck, glib, libuv, hiredis, asio, crossbeam, flume, tokio, "
              "go, limits")

THREAD_TO_LOOP = "from=thread to=loop capacity=1024 "

ROWS = [
  Row("stream-8", "one thread sends 8 bytes at a time to a loop", "stream",
      THREAD_TO_LOOP + "size=8 pin=1", peers=PEERS,
      targets=("ns <= 0.45 of array", "ns <= 0.65 of crossbeam", "ns <= 3.5 of limits")),
  Row("stream-8-batch", "64 values of 8 bytes in a call", "stream",
      THREAD_TO_LOOP + "size=8 batch=64 pin=1", peers=names("array, limits batch=1, limits"),
      targets=("ns <= 2 of limits batch=1",)),
  Row("one-core", "as stream-8, all on one processor", "stream", THREAD_TO_LOOP + "size=8",
      one_processor=True, peers=names("list, array, moodycamel, crossbeam, tokio, go"),
      targets=("ns <= 1 of array",)),
  Row("stream-64", "one thread sends 64 bytes at a time to a loop", "stream",
      THREAD_TO_LOOP + "size=64 pin=1", peers=names("array, moodycamel, crossbeam, limits"),
      targets=("ns < 1 of crossbeam", "ns < 1 of moodycamel", "ns <= 1.3 of limits")),
  Row("stream-1k", "one thread sends 1,024 bytes at a time to a loop", "stream",
      THREAD_TO_LOOP + "size=1024 pin=1", peers=names("array, crossbeam, limits"),
      targets=("ns <= 1.5 of limits",)),
  Row("four-senders", "four threads send to one loop", "stream", THREAD_TO_LOOP + "senders=4 pin=1",
      peers=names("list, array, moodycamel, crossbeam, tokio, go"),
      targets=("ns <= 0.4 of array", "ns <= 0.65 of crossbeam")),
  Row("loop-thread", "a loop sends to a thread", "stream",
      "from=loop to=thread capacity=1024 pin=1", peers=names("array"),
      targets=("ns <= 0.45 of array",), beside="stream-8"),
  Row("loop-loop", "a loop sends to a loop", "stream", "from=loop to=loop capacity=1024 pin=1",
      peers=names("array"), targets=("ns <= 0.45 of array",), beside="stream-8"),
  Row("two-two", "two threads send, two threads receive", "stream",
      "from=thread to=thread senders=2 receivers=2 capacity=1024 pin=0",
      peers=names("moodycamel, asio, crossbeam, flume, go"), targets=("ns <= 0.8 of crossbeam",)),
  Row("stream-8-aging", "as stream-8, of values that grow old", "stream",
      THREAD_TO_LOOP + "size=8 pin=1", uvchan="aging=1", beside="stream-8"),
  Row("overload", "four threads of 0.5 ms a value get twice of that: waits of what they take",
      "overload", "workers=4 work=500 load=200", figure="p50"),
  Row("overload-admission", "as overload, with an admission of 2 ms", "overload",
      "workers=4 work=500 load=200", uvchan="target=2000 interval=20000", figure="p50",
      targets=("p50 <= 3000000", "ns <= 1.0526 of row overload")),
  Row("unbuffered", "a thread hands over to a thread, capacity 0", "stream",
      "from=thread to=thread capacity=0 pin=1", peers=names("asio, crossbeam, flume, go"),
      targets=("ns < 1 of crossbeam", "ns < 1 of asio", "ns < 1 of flume")),
  Row("same-loop", "on one loop, one value on its way; limits: a uv_async_t of its own",
      "same-loop", "run=1", peers=names("array, asio, tokio, go, limits"), targets=("ns <= 12",)),
  Row("same-loop-16", "on one loop, runs of 16 values", "same-loop", "run=16",
      peers=names("array, asio, tokio, go"), targets=("ns <= 12",)),
  Row("same-loop-idle", "one turn of the loop a value; limits: a bare turn", "same-loop", "",
      uvchan="from=idle", peers=names("limits run=0")),
  Row("pingpong", "to and fro between two loops; values: round trips; limits: two bare uv_async_t",
      "pingpong", "capacity=1 pin=1", peers=names("array, asio, crossbeam, tokio, go, limits"),
      targets=("ns <= 1.05 of limits",)),
  Row("pingpong-spin",
      "as pingpong, uvchan spins for up to 50 us before it sleeps; limits: a bare word", "pingpong",
      "capacity=1 pin=1", uvchan="spin=50", peers=names("crossbeam, limits spin=1"),
      targets=("ns <= 1.3 of crossbeam",)),
  Row("paced", "a value each 10 us, to a loop that sleeps in between", "paced",
      "period=10000 pin=1", figure="p50", peers=names("array, asio, crossbeam, tokio, go"),
      targets=("p50 <= 1 of array within 5%", "p99 <= 1 of array within 5%",
               "receiver <= 1 of array within 5%")),
  Row("paced-spin", "as paced, uvchan spins for up to 50 us before it sleeps", "paced",
      "period=10000 pin=1", uvchan="spin=50", figure="p50", peers=names("crossbeam"),
      targets=("p50 < 1 of crossbeam",)),
  Row("select-2", "select over 2 channels that have values", "select", "channels=2 mode=ready",
      peers=names("crossbeam, go")),
  Row("select-8", "select over 8", "select", "channels=8 mode=ready", peers=names("crossbeam, go"),
      targets=("ns < 1 of crossbeam", "ns < 1 of go")),
  Row("select-64", "select over 64", "select", "channels=64 mode=ready",
      peers=names("crossbeam, go")),
  Row("select-waking", "select over 64, woken by one of them, and an answer; values: round trips",
      "select", "channels=64 mode=waking pin=1", peers=names("crossbeam, go")),
  Row("memory-idle", "a channel of 16 values of 8 bytes, used once", "memory", "kind=idle",
      figure="bytes", peers=names("list, array, crossbeam, flume, tokio, go"),
      targets=("bytes <= 512",)),
  Row("memory-empty", "an unbounded channel, used once", "memory", "kind=empty", figure="bytes",
      peers=names("list, moodycamel, crossbeam, flume, tokio"), targets=("bytes <= 512",)),
  Row("memory-million", "an unbounded channel with 1,000,000 values of 8 bytes", "memory",
      "kind=million", figure="bytes", peers=names("list, moodycamel, crossbeam, flume, tokio"),
      targets=("bytes <= 10000000", "drained_bytes <= 4096")),
]


POOLS = names("libuv, asio, tokio, go")
AHEAD_OF_POOLS = tuple("ns < 1 of " + peer for peer in POOLS[1:])
NO_LONGER_WAITS = tuple("p99 <= 1 of %s within 5%%" % peer for peer in POOLS)


def empty_works(threads):
  return Row("pool-%d" % threads, "64 empty works in flight, of one loop; threads: %d" % threads,
             "pool", "threads=%d flight=64" % threads, peers=POOLS,
             targets=("ns <= 0.3333 of libuv", "cpu <= 0.3333 of libuv") + AHEAD_OF_POOLS)


def long_works(id, words, args, figures):
  """Of the threads' ideal at least 0.98: of their time, of the processors' where works burn them."""
  return Row(id, words + "; limits: threads without a pool", "pool", "flight=64 us=100 " + args,
             peers=POOLS + names("limits"),
             targets=tuple(figure + " <= 1.0204 of limits" for figure in figures) + NO_LONGER_WAITS)


ROWS += [
  empty_works(1),
  empty_works(2),
  empty_works(4),
  Row("pool-turn", "one empty work, and the next one from its on_done", "pool", "threads=4 flight=1",
      figure="p50", peers=POOLS,
      targets=("p50 <= 1 of libuv within 5%", "ns <= 1 of libuv within 5%")),
  Row("pool-paced", "one empty work each 200 us", "pool", "threads=4 flight=1 period=200000",
      figure="p50", peers=POOLS,
      targets=("p50 <= 1 of libuv within 5%", "cpu <= 1 of libuv within 5%")),
  long_works("pool-burn-1", "64 works of 100 us in flight, on one thread", "threads=1 work=burn",
             ("ns", "cpu")),
  long_works("pool-burn-2", "64 works of 100 us in flight, on two threads", "threads=2 work=burn",
             ("ns", "cpu")),
  long_works("pool-sleep", "64 works in flight that sleep for 100 us, on four threads",
             "threads=4 work=sleep", ("ns",)),
  Row("pool-alone", "one loop, 8 works in flight that sleep for 100 us, on a pool of one thread",
      "pool", "threads=1 flight=8 loops=1 work=sleep", figure="slowest", peers=names("libuv")),
  Row("pool-loops", "8 such loops, on one pool of 8 threads", "pool",
      "threads=8 flight=8 loops=8 work=sleep", figure="slowest", peers=names("libuv"),
      targets=("slowest <= 1 of row pool-alone within 5%",)),
  Row("pool-loops-apart", "8 loops, 8 empty works in flight, a pool of one thread for each", "pool",
      "threads=8 flight=8 loops=8", uvchan="pools=8", figure="slowest"),
  Row("pool-loops-empty", "the same, on one pool of 8 threads", "pool",
      "threads=8 flight=8 loops=8", figure="slowest", peers=names("libuv"),
      targets=("slowest <= 1 of row pool-loops-apart within 5%",)),
  Row("pool-memory", "a work that waits, beside the caller's memory", "pool-memory", "",
      figure="bytes", peers=POOLS, targets=("bytes <= 0",)),
  Row("pool-overload", "a work that sleeps for 500 us each 62.5 us, on 4 threads", "pool-overload",
      "threads=4 work=sleep us=500 period=62500"),
  Row("pool-overload-cut", "the same, with admission: a target of 2 ms, an interval of 20",
      "pool-overload", "threads=4 work=sleep us=500 period=62500 target=2000",
      targets=("p50 <= 3000000", "ns <= 1.0526 of row pool-overload")),
]


BY_HAND = ("ns <= 1.1111 of hiredis",)  # at least 0.9 of its throughput

ROWS += [
  Row("redis-sink", "a thread sends 64 bytes at a time, a sink puts them into a stream",
      "redis-sink", "pin=1", beside="stream-64", targets=BY_HAND,
      peers=names("hiredis, hiredis from=array, hiredis plain=1, hiredis plain=1 from=array")),
  Row("redis-sink-everysec", "the same, appendfsync everysec", "redis-sink",
      "sync=everysec pin=1", beside="redis-sink", peers=names("hiredis"), targets=BY_HAND),
  Row("redis-sink-always", "the same, appendfsync always", "redis-sink", "sync=always pin=1",
      beside="redis-sink", peers=names("hiredis"), targets=BY_HAND),
  Row("redis-source", "a stream is emptied by a source, each value done at once on its loop",
      "redis-source", "values=50000 pin=1", peers=names("hiredis, hiredis to=callback"),
      targets=BY_HAND),
  Row("redis-sink-away", "as redis-sink, 500 us to the server and as much back", "redis-sink",
      "delay=500 pin=1", beside="redis-sink", peers=names("hiredis"), targets=BY_HAND),
  Row("redis-source-away", "as redis-source, 500 us to the server and as much back",
      "redis-source", "values=20000 delay=500 pin=1", beside="redis-source",
      peers=names("hiredis"), targets=BY_HAND),
  Row("redis-through", "a thread, a sink, a stream, a source, a receiver, all at once",
      "redis-through", "pin=1", beside="stream-64", peers=names("hiredis"), targets=BY_HAND),
  Row("redis-through-bounded", "the same through a stream of at most 1,000", "redis-through",
      "pin=1", uvchan="bound=1000", beside="redis-through"),
  Row("redis-paced", "as redis-through, a value each 500 us", "redis-through", "period=500000 pin=1",
      figure="p50", beside="redis-paced-local", peers=names("hiredis"),
      targets=("p50 <= 1.1111 of hiredis",)),
  Row("redis-paced-local", "the same by one channel, without a server", "redis-through",
      "period=500000 pin=1", uvchan="local=1", figure="p50"),
]


def curve(name, points, quick, row):
  return [row(n)._replace(curve=name, x=n, quick=n in quick) for n in points]


SHORT = names("array, crossbeam")
MANY_TARGETS = {
  1000: ("ns <= 1 of row many-1",),
  10000: ("ns <= 0.25 of array", "ns < 1 of tokio", "ns < 1 of go"),
}

ROWS += curve(
  "many", (1, 10, 100, 1000, 10000), (1, 1000, 10000),
  lambda n: Row("many-%d" % n, "a thread sends at random to channels of one loop: {:,}".format(n),
                "many", "channels=%d capacity=16 pin=1" % n,
                peers=names("array, tokio, go") + (() if n > 1000 else names("crossbeam")),
                targets=MANY_TARGETS.get(n, ())))
ROWS += curve(
  "senders", (1, 2, 4, 8, 16, 32, 64), (1, 8, 64),
  lambda n: Row("senders-%d" % n, "threads send to a loop: %d" % n, "stream",
                THREAD_TO_LOOP + "senders=%d pin=0" % n, peers=SHORT))
ROWS += curve(
  "capacity", (1, 2, 4, 16, 64, 256, 1024, 16384, 1000000), (1, 64, 1024, 1000000),
  lambda n: Row("capacity-%d" % n, "a thread sends to a loop, capacity {:,}".format(n), "stream",
                "from=thread to=loop capacity=%d pin=1" % n, peers=SHORT))
ROWS += curve(
  "loops", (1, 2, 4, 8), (1, 2, 8),
  lambda n: Row("loops-%d" % n, "two threads send to loops: %d" % n, "stream",
                THREAD_TO_LOOP + "senders=2 receivers=%d pin=0" % n,
                peers=SHORT if n == 1 else names("crossbeam")))  # array has one receiving loop

CURVES = {
  "senders": "sending threads",
  "capacity": "capacity of the channel",
  "many": "channels on one loop",
  "loops": "receiving loops",
}

# The workloads that are drawn as bars.
BARS = names(
  "stream-8, four-senders, one-core, two-two, unbuffered, pingpong, same-loop, many-1000, select-8")
