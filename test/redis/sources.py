#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Explores the protocol between sources and the server whole, as docs/beyond.md has it.

  python3 test/redis/sources.py           some worlds, and that each rule is needed
  python3 test/redis/sources.py --help    one world, of so many values, slots, cuts and others

A state is the server, some sources, what is on its way in each of their connections, and commands
of connections that were given up, which the server may still execute, those of one connection in
their order, or never. `--sources aab` are three: the second begins at any time after the first is
gone, since it has its name, and the third at any time after the second. All values are in the
stream from the beginning. Each step that can come next is taken, in every order: a command is
executed, an answer heard; a value is delivered to a receiver, who says done, requeues or forgets
it; a source leaves, is killed, has a connection cut, or looks by its timer; a value becomes late,
which happens while nothing is on its way, as an answer takes much less time than `claim_after_ms`,
or with --slow at any time. What is checked in each state:

  lost     what is acknowledged, a receiver has said done for
  again    what a receiver has is delivered once more only after its source was killed, its time has
           come, or the receiver has given it back or forgotten it: not after a cut alone
  taken    until then nobody else may take it
  told     the server never counts fewer deliveries than there were; without cuts, kills and
           lateness a receiver is told just how often the value was delivered, this time included
  dead     without these, what goes to the dead letters was delivered as often as it may be
  twice    no source has a value in two slots
  room     no source has, and has asked for, more than it has slots
  left     who has left while its reader was there leaves nothing under its name that is not given
           back, but what a command took that came late, or a receiver has forgotten
  end      who has ended with the stream has done so when that was closed and empty

and where nothing is left to do but harm, and what may never come:

  all      from each state a way without harm leads to such an end
  stuck    the server knows of all that was done or is to go back, and who leaves has left
  waits    where a source is running, what is left in the stream has to wait for its time: it is
           late, or was forgotten, or taken by a command that came late, or belongs to one that was
           killed, or that has left while its reader was away
  end      who runs has ended, where the stream is closed and empty

--without leaves out a rule of the protocol, after which one of these fails in some world:

  held     claim and history are told what has a slot, and pass over it
  slot     what has a slot when it comes is passed over
  one      the history is asked while neither a claim nor a question for news is on its way
  lost     a claim whose answer is lost is followed by the history
  number   what is given back is named by its number, which tells the delivery that is meant
  turn     that has a second part, which counts what was given back without a delivery
  less     what was given back without a delivery is counted as one less
  still    to renew what was given back does nothing
  heard    another count of returns makes a claim due
  own      so does each answer that something was given back, since its slot is free from then on
  stale    a look of several steps which that has made stale is followed by another one
  recall   who leaves asks its history to the end
  wait     who leaves waits for what it has asked
  resend   what is said and not confirmed is said again

Prints how many states there are, and the steps to a state that is wrong. What the server loses, and
what can't be decoded, are left to the suites.
"""
import argparse
import sys

import group_model
from explore import run

# ---- Worlds --------------------------------------------------------------------------------------

# Each explored whole in seconds.
WORLDS = [
    "--sources a --slots 2 --backs 1 --leaves 1",
    "--sources a --slots 1 --values 2 --backs 2",
    "--sources aa --slots 1 --cuts 1 --leaves 1",
    "--sources a --slots 1 --cuts 1 --looks 1 --backs 1",
    "--sources ab --slots 1 --leaves 2 --open",
    "--sources ab --slots 1 --backs 3 --most 2",
    "--sources a --slots 2 --lates 1 --looks 1 --backs 1",
    "--sources a --slots 2 --lates 1 --looks 1 --slow",
    "--sources ab --slots 1 --forgets 1 --lates 1 --looks 1",
    "--sources aa --slots 1 --kills 1 --cuts 1 --backs 1",
    "--sources ab --slots 2 --leaves 1",
    "--sources a --slots 2 --cuts 1 --backs 1 --leaves 1",
    "--sources ab --slots 1 --kills 1 --lates 1 --looks 1 --leaves 1",
    "--sources ab --slots 1 --values 2 --backs 1 --leaves 1",
    "--sources ab --slots 1 --cuts 1 --lates 1 --looks 1",
    "--sources aab --slots 1 --cuts 1 --leaves 2",
]

# Each with a world that is wrong without it.
RULES = {
    "held": "--sources a --slots 2 --lates 1 --looks 1 --backs 1",
    "slot": "--sources a --slots 2 --lates 1 --looks 1 --slow",
    "one": "--sources ab --slots 2 --leaves 1",
    "lost": "--sources a --slots 1 --cuts 1 --looks 1 --backs 1",
    "number": "--sources aa --slots 1 --cuts 1 --leaves 1",
    "turn": "--sources aa --slots 1 --cuts 1 --leaves 1",
    "less": "--sources aa --slots 1 --cuts 1 --leaves 1",
    "still": "--sources a --slots 1 --cuts 1 --looks 1 --backs 1",
    "heard": "--sources ab --slots 1 --leaves 2 --open",
    "own": "--sources a --slots 2 --backs 1 --leaves 1",
    "stale": "--sources a --slots 1 --values 2 --backs 2",
    "recall": "--sources a --slots 2 --cuts 1 --backs 1 --leaves 1",
    "wait": "--sources a --slots 2 --backs 1 --leaves 1",
    "resend": "--sources aa --slots 1 --cuts 1 --leaves 1",
}


def limits_of(arguments):
    parser = argparse.ArgumentParser(description="Without arguments: some worlds, and each rule.")
    parser.add_argument("--sources", default="ab", help="the name of each, a letter")
    parser.add_argument("--values", type=int, default=1)
    parser.add_argument("--slots", type=int, default=1, help="of each source")
    parser.add_argument("--most", type=int, default=9, help="deliveries; then it is a dead letter")
    for name in group_model.Budget._fields:
        parser.add_argument("--" + name, type=int, default=0, help="so many")
    parser.add_argument("--slow", action="store_true", help="time passes at any time")
    parser.add_argument("--open", action="store_true", help="the stream is closed at any time")
    parser.add_argument("--without", action="append", default=[], choices=list(RULES))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(run(group_model, "source", limits_of, WORLDS, RULES))
