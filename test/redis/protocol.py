#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Explores the protocol between sinks and the server whole, as docs/beyond.md has it.

  python3 test/redis/protocol.py          some worlds, and that each rule is needed
  python3 test/redis/protocol.py --help   one world, of so many values, cuts, rollbacks, sinks

A state is the server, two sinks of one producer's name of which the second begins at any time, what
is on its way in each connection, and commands of connections that were given up, which the server
may still execute at any time, or never. Each step that can come next is taken, in every order: a
value is taken, sent, executed, answered; a connection is cut, which loses answers; the server goes
back to what it was at any moment before. What is checked in each state, and where nothing is left
to do:

  once     no value is in the stream twice
  order    the values of a sink are in the stream in their order
  fenced   once a newer sink has begun, no value of an older one is added
  kept     what a sink has confirmed is in the stream, or is counted as rolled back
  all      where all is quiet, a sink that was not fenced is over, and has all its values confirmed
           and its end noted

--without leaves out a rule of the protocol, after which one of these fails in some world:

  gap      a number that does not follow is refused
  seen     a number that is in is passed over
  mark     an older mark is refused
  behind   numbers begin anew where the server has lost some
  token    who asks again is told from another
  again    who asks again gets what it was given
  follow   who begins names the epoch that it follows

Prints how many states there are, and the steps to a state that is wrong. A full stream, and what is
closed by others, are left to the suites.
"""
import argparse
import sys
from collections import deque, namedtuple

# `mark` is (epoch, token); `stream` has (sink, value) in the order of the entries; `ended`: the
# producer's end is noted.
Server = namedtuple("Server", "mark last stream ended")
# `held`: values that are taken and not confirmed. `sent`: how many of them are on their way or in.
# `up`: commands on the connection; `down`: answers. state: "away", "greeting", "running",
# "halting", "ending", "over", "fenced", "unborn". `sure`: how many it was told are in; `lost`: how
# many of these it was told are gone. `confirmed` of one without an epoch is the epoch it follows.
Sink = namedtuple("Sink", "state epoch base confirmed held sent taken up down flights sure lost")
# `late`: commands of connections that were given up. `past`: the server at moments before.
World = namedtuple("World", "server sinks late past cuts rollbacks")

UNBORN = Sink("unborn", 0, 0, 0, (), 0, 0, (), (), 0, 0, 0)


def hello(server, who, epoch, confirmed, without):
    """What the script of this name does: the server after it, and its answer."""
    theirs, token = server.mark
    is_own = token == who and "token" not in without
    how, new = "NEW" if epoch == 0 else "LOST", max(theirs, epoch) + 1
    if is_own and theirs > epoch and "again" not in without:
        new = theirs
    elif epoch == 0 and theirs != confirmed and "follow" not in without:
        return server, ("hello", "TAKEN", theirs, server.last)
    elif not is_own and 0 < epoch <= theirs and "token" not in without:
        return server, ("hello", "FENCED", theirs, server.last)
    elif is_own and theirs == epoch and (server.last >= confirmed or "behind" in without):
        how, new = "SAME", epoch
    elif is_own and theirs == epoch:
        how = "BEHIND"
    ended = server.ended and (epoch > 0 or is_own)
    return server._replace(mark=(new, who), ended=ended), ("hello", how, new, server.last)


def end(server, who, epoch, without):
    theirs, token = server.mark
    if (theirs, token) != (epoch, who) and "mark" not in without:
        return server, ("end", "FENCED" if theirs >= epoch else "GAP")
    return server._replace(ended=True), ("end", "OK")


def add(server, who, epoch, first, values, without):
    theirs, token = server.mark
    if (theirs, token) != (epoch, who) and "mark" not in without:
        code = "FENCED" if theirs >= epoch else "GAP"
        return server, ("add", code, 0)
    if first > server.last + 1 and "gap" not in without:
        return server, ("add", "GAP", server.last)
    skip = 0 if "seen" in without else max(0, server.last + 1 - first)
    new = values[skip:]
    if not new:
        return server, ("add", "OK", server.last)
    last = first + len(values) - 1
    stream = server.stream + tuple((who, value) for value in new)
    return server._replace(last=last, stream=stream), ("add", "OK", last)


def confirm(sink, last):
    """The sink, with all up to this number confirmed."""
    n = min(max(0, last - sink.confirmed), len(sink.held))
    return sink._replace(confirmed=sink.confirmed + n, held=sink.held[n:],
                         sent=max(0, sink.sent - n), sure=sink.sure + n)


def answered(sink, answer):
    """The sink after an answer, as sink.c has it."""
    if answer[0] == "hello":
        _, how, epoch, last = answer
        if how == "FENCED":
            return sink._replace(state="fenced", up=(), down=())
        if how == "TAKEN":
            return greet(sink._replace(confirmed=epoch))
        if how == "SAME":
            sink = confirm(sink, last)
        else:
            there = last if how == "BEHIND" else sink.base
            gone = 0 if how == "NEW" else sink.confirmed - there
            sink = sink._replace(base=last, confirmed=last, lost=sink.lost + gone)
        return sink._replace(state="running", epoch=epoch, sent=0)
    if answer[0] == "end":
        if answer[1] == "GAP":
            return greet(sink)
        return sink._replace(state="over" if answer[1] == "OK" else "fenced")
    _, code, last = answer
    sink = sink._replace(flights=sink.flights - 1)
    if code == "FENCED":
        return sink._replace(state="fenced", up=(), down=())
    sink = confirm(sink, last)
    if code == "GAP":
        sink = sink._replace(state="halting")
    if sink.state == "halting" and sink.flights == 0:
        sink = greet(sink)
    return sink


def greet(sink):
    return sink._replace(state="greeting", sent=0,
                         up=sink.up + (("hello", sink.epoch, sink.confirmed),))


def execute(server, who, command, without):
    if command[0] == "hello":
        return hello(server, who, command[1], command[2], without)
    if command[0] == "end":
        return end(server, who, command[1], without)
    return add(server, who, *command[1:], without)


def drop(world, i):
    """The connection of sink i is gone: what it wrote may still come, what it would read, not."""
    sink = world.sinks[i]
    late = world.late + tuple((i, command) for command in sink.up)
    away = sink._replace(state="away", up=(), down=(), flights=0)
    return put(world._replace(late=tuple(sorted(late))), i, away)


def put(world, i, sink):
    return world._replace(sinks=world.sinks[:i] + (sink,) + world.sinks[i + 1:])


def remember(world, server, limits):
    """The world with this server, and the one before it among those that may come back."""
    if server == world.server:
        return world
    past = world.past
    if world.rollbacks < limits.rollbacks and world.server not in past:
        past = past + (world.server,)
    return world._replace(server=server, past=past)


def sink_steps(world, i, limits):
    """What sink i can do, or what can come to it."""
    sink = world.sinks[i]
    if sink.state == "unborn":
        yield "begins", put(world, i, sink._replace(state="away"))
        return
    if sink.state in ("fenced", "over"):
        return
    if sink.taken < limits.values and len(sink.held) < 2:
        yield "takes", put(world, i, sink._replace(held=sink.held + (sink.taken + 1,),
                                                   taken=sink.taken + 1))
    if sink.state == "away":
        yield "connects", put(world, i, greet(sink))
    if sink.state == "running" and sink.sent < len(sink.held):
        values = sink.held[sink.sent:sink.sent + 1]
        command = ("add", sink.epoch, sink.confirmed + 1 + sink.sent, values)
        yield "sends", put(world, i, sink._replace(sent=sink.sent + 1, flights=sink.flights + 1,
                                                   up=sink.up + (command,)))
    if sink.state == "running" and sink.taken == limits.values and not sink.held:
        yield "sends its end", put(world, i, sink._replace(
            state="ending", up=sink.up + (("end", sink.epoch),)))
    if sink.down:
        after = answered(sink._replace(down=sink.down[1:]), sink.down[0])
        yield "hears " + str(sink.down[0]), put(world, i, after)


def steps(world, limits):
    for i, sink in enumerate(world.sinks):
        for what, after in sink_steps(world, i, limits):
            yield "sink %d %s" % (i, what), after
        if sink.up:
            server, answer = execute(world.server, i, sink.up[0], limits.without)
            after = put(world, i, sink._replace(up=sink.up[1:], down=sink.down + (answer,)))
            yield "the server executes %s of %d" % (sink.up[0], i), remember(after, server, limits)
        if sink.state in ("greeting", "running", "halting", "ending") and world.cuts < limits.cuts:
            yield "a cut of %d" % i, drop(world._replace(cuts=world.cuts + 1), i)
    for j, (i, command) in enumerate(world.late):
        server, _ = execute(world.server, i, command, limits.without)
        after = world._replace(late=world.late[:j] + world.late[j + 1:])
        yield "the server executes %s of %d, late" % (command, i), remember(after, server, limits)
    if world.rollbacks < limits.rollbacks:
        for server in world.past:
            after = world._replace(server=server, past=(), late=(), rollbacks=world.rollbacks + 1)
            for i, sink in enumerate(world.sinks):
                if sink.state not in ("unborn", "over", "fenced"):
                    after = drop(after, i)
            yield "the server goes back to %s" % (server,), after._replace(late=())


def fault(world, limits):
    """Why this state is wrong, or None."""
    stream = world.server.stream
    if len(set(stream)) != len(stream):
        return "once"
    for i, sink in enumerate(world.sinks):
        own = [value for who, value in stream if who == i]
        if own != sorted(own):
            return "order"
        if sink.state == "running" and sink.sure > len(own) + sink.lost:
            return "kept"
    owners = [who for who, _ in stream]
    if sum(a != b for a, b in zip(owners, owners[1:])) >= limits.sinks:
        return "fenced"
    return None


def quiet_fault(world, limits):
    """The same, where no step is left but beginnings and harm."""
    for i, sink in enumerate(world.sinks):
        if sink.state in ("unborn", "fenced"):
            continue
        own = [value for who, value in world.server.stream if who == i]
        if sink.state != "over" or sink.held or sink.taken != limits.values:
            return "all"
        if world.rollbacks == 0 and (len(own) != limits.values or sink.lost > 0):
            return "all"
        if world.rollbacks == 0 and world.server.mark[1] == i and not world.server.ended:
            return "all"
    return None


def is_harm(what):
    return what.startswith("a cut") or "goes back" in what or what.endswith("begins")


def explore(limits):
    start = World(Server((0, -1), 0, (), False), (UNBORN,) * limits.sinks, (), (), 0, 0)
    before = {start: None}
    queue = deque([start])
    while queue:
        world = queue.popleft()
        wrong = fault(world, limits)
        is_quiet = True
        for what, after in steps(world, limits):
            is_quiet = is_quiet and is_harm(what)
            if after not in before:
                before[after] = (world, what)
                queue.append(after)
        wrong = wrong or (is_quiet and quiet_fault(world, limits)) or None
        if wrong:
            return len(before), wrong, way(before, world)
    return len(before), None, []


def way(before, world):
    whats = []
    while before[world]:
        world, what = before[world]
        whats.append(what)
    return whats[::-1]


RULES = ["gap", "seen", "mark", "behind", "token", "again", "follow"]

# values, cuts, rollbacks, sinks: explored whole in seconds.
WORLDS = [(3, 2, 0, 1), (3, 2, 1, 1), (2, 0, 2, 1), (2, 1, 0, 2), (1, 1, 1, 2)]


def check_all():
    """Each world is right, and without each rule one is wrong."""
    status = 0
    for values, cuts, rollbacks, sinks in WORLDS:
        limits = argparse.Namespace(values=values, cuts=cuts, rollbacks=rollbacks, sinks=sinks,
                                    without=[])
        status |= tell(limits, *explore(limits))
    for rule in RULES:
        for values, cuts, rollbacks, sinks in WORLDS:
            limits = argparse.Namespace(values=values, cuts=cuts, rollbacks=rollbacks, sinks=sinks,
                                        without=[rule])
            _, wrong, whats = explore(limits)
            if wrong is not None:
                print("without %s: %s after %d steps" % (rule, wrong, len(whats)))
                break
        else:
            print("without %s: nothing fails" % rule)
            status = 1
    return status


def tell(limits, states, wrong, whats):
    print("%d values, %d cuts, %d rollbacks, %d sinks: %d states%s" %
          (limits.values, limits.cuts, limits.rollbacks, limits.sinks, states,
           "" if wrong is None else ", wrong: " + wrong))
    for what in whats:
        print("  " + what)
    return 0 if wrong is None else 1


def main():
    parser = argparse.ArgumentParser(description="Without arguments: some worlds, and each rule.")
    parser.add_argument("--values", type=int, default=2)
    parser.add_argument("--cuts", type=int, default=2)
    parser.add_argument("--rollbacks", type=int, default=0)
    parser.add_argument("--sinks", type=int, default=1)
    parser.add_argument("--without", action="append", default=[], choices=RULES)
    if len(sys.argv) == 1:
        return check_all()
    limits = parser.parse_args()
    return tell(limits, *explore(limits))


if __name__ == "__main__":
    sys.exit(main())
