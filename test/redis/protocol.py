#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Explores the protocol between sinks and the server whole, as docs/beyond.md has it.

  python3 test/redis/protocol.py          some worlds, and that each rule is needed
  python3 test/redis/protocol.py --help   one world, of such sinks, cuts, rollbacks and so on

A state is the server, some sinks, what is on its way in each connection, and commands of
connections that were given up, which the server may still execute at any time, or never. A sink is
its producer's name and how many values it has: `a2` and `b1` are two producers, and `a1 a2` are two
sinks of one name, of which the second begins at any time after the first. Each step that can come
next is taken, in every order: a value is taken, sent, executed, answered; a receiver is done with
one, where the stream has a capacity; a connection is cut, which loses answers; the server goes back
to what it was at any moment before, and loses its connections, or is emptied while it runs. What is
checked in each state, and where nothing is left to do:

  once      no value is in the stream twice, nor twice on its way on one connection
  order     the values of a sink are in the stream in their order
  fenced    once a newer sink has begun, no value of an older one is added; and where the processes
            of the older ones are gone, none is fenced
  kept      what a sink has confirmed is in the stream, or is counted as rolled back
  exact     no more than that is counted
  capacity  no more entries are in the stream than it may have
  closed    nothing is added to a stream that is closed
  ends      it is closed once as many producers have ended as are counted, the newest sink of each
            with all its values in; and none is refused but by a stream that others have closed
  all       from each state a way without harm leads to where all is quiet; and there a sink that
            was not fenced or refused is over, with all its values confirmed and its end noted, and
            the stream is closed if as many have ended as are counted

--without leaves out a rule of the protocol, after which one of these fails in some world:

  gap       a number that does not follow is refused
  seen      a number that is in is passed over
  mark      an older mark adds nothing
  late      an older mark ends nothing
  behind    numbers begin anew where the server has lost some
  token     who asks again is told from another
  again     who asks again gets what it was given
  how       who asks again is told how it was given that
  self      a newer mark of one's own is asked for, and fences nobody
  anew      who goes on is told anew what is in
  waited    while replicas are waited for no end is sent, whose answer the next of theirs would be
  follow    who begins names the epoch that it follows
  full      a full stream takes no more
  halt      after a refusal nothing is sent until all answers are here
  rest      after a rest it is sent again
  close     a closed stream takes no more
  count     the last of the counted producers closes it, not the first
  withdraw  who takes over a name withdraws the end that was noted for it
  lost      also where the server has lost its mark
  own       who asks again withdraws nothing

Prints how many states there are, and the steps to a state that is wrong. Of replicas it knows that
they are waited for: what they have, the server may lose as well.
"""
import argparse
import sys

import sinks
from explore import run

# ---- Worlds --------------------------------------------------------------------------------------

# Explored whole in seconds.
WORLDS = [
    "--sinks a3 --cuts 2",
    "--sinks a3 --cuts 2 --rollbacks 1",
    "--sinks a2 --cuts 2 --rollbacks 2",
    "--sinks a2 --cuts 2 --flushes 1 --alone",
    "--sinks a2 --cuts 1 --rollbacks 1 --replicas",
    "--sinks a2 a2 --cuts 1",
    "--sinks a1 a1 --cuts 1 --rollbacks 1",
    "--sinks a1 a1 --cuts 1 --rollbacks 1 --alone",
    "--sinks a4 --cuts 1 --capacity 2 --batch 2 --window 3",
    "--sinks a3 --cuts 1 --rollbacks 1 --capacity 1 --batch 2",
    "--sinks a2 b2 --cuts 1 --capacity 2 --batch 2",
    "--sinks a1 b0 a1 --cuts 1",
    "--sinks a0 b0 a1 --rollbacks 1 --alone",
    "--sinks a3 b1 --cuts 1 --counted 1 --capacity 1",
]

# Each with the world that is wrong without it.
RULES = {
    "gap": "--sinks a3 --cuts 2",
    "seen": "--sinks a3 --cuts 2",
    "mark": "--sinks a2 a2 --cuts 1",
    "late": "--sinks a1 b0 a1 --cuts 1",
    "behind": "--sinks a3 --cuts 2 --rollbacks 1",
    "token": "--sinks a3 --cuts 2",
    "again": "--sinks a3 --cuts 2 --rollbacks 1",
    "how": "--sinks a3 --cuts 2 --rollbacks 1",
    "self": "--sinks a2 --cuts 2 --flushes 1 --alone",
    "anew": "--sinks a2 --cuts 1 --rollbacks 1 --replicas",
    "waited": "--sinks a2 --cuts 1 --replicas",
    "follow": "--sinks a2 a2 --cuts 1",
    "full": "--sinks a4 --cuts 1 --capacity 2 --batch 2 --window 3",
    "halt": "--sinks a4 --cuts 1 --capacity 2 --batch 2 --window 3",
    "rest": "--sinks a4 --cuts 1 --capacity 2 --batch 2 --window 3",
    "close": "--sinks a3 b1 --cuts 1 --counted 1 --capacity 1",
    "count": "--sinks a2 b2 --cuts 1 --capacity 2 --batch 2",
    "withdraw": "--sinks a1 b0 a1 --cuts 1",
    "lost": "--sinks a0 b0 a1 --rollbacks 1 --alone",
    "own": "--sinks a1 b0 a1 --cuts 1",
}


def limits_of(arguments):
    parser = argparse.ArgumentParser(description="Without arguments: some worlds, and each rule.")
    parser.add_argument("--sinks", nargs="+", default=["a2"],
                        help="a name, which is one letter, and how many values, of each")
    parser.add_argument("--cuts", type=int, default=0)
    parser.add_argument("--rollbacks", type=int, default=0)
    parser.add_argument("--flushes", type=int, default=0, help="how often the server is emptied")
    parser.add_argument("--counted", type=int, help="producers; else as many as there are names")
    parser.add_argument("--capacity", type=int, default=0, help="of the stream; 0: none")
    parser.add_argument("--window", type=int, default=2, help="values that a sink holds at most")
    parser.add_argument("--batch", type=int, default=1, help="values that it sends at once")
    parser.add_argument("--replicas", action="store_true", help="are waited for")
    parser.add_argument("--alone", action="store_true",
                        help="who begins does so once the one before it under its name is dead")
    parser.add_argument("--without", action="append", default=[], choices=list(RULES))
    limits = parser.parse_args(arguments)
    limits.names = [ord(sink[0]) - ord("a") for sink in limits.sinks]
    limits.values = [int(sink[1:]) for sink in limits.sinks]
    if limits.counted is None:
        limits.counted = len(set(limits.names))
    return limits


if __name__ == "__main__":
    sys.exit(run(sinks, "sink", limits_of, WORLDS, RULES))
