# SPDX-License-Identifier: MIT
"""What protocol.py explores: a server, sinks, their connections, and what is checked of them.

The functions of the server do what lib/redis/scripts.c does, those of a sink what lib/redis/sending.c
does. `without` has the rules that are left out.
"""
from collections import namedtuple

# `producers`: one for each name. `there`: how many entries are in the stream, where it has a
# capacity. `closed`: how many were added until then, and which sinks had ended.
Server = namedtuple("Server", "producers there closed")
# The mark is epoch and token, which is the sink's number; `added` has (sink, value) in the order of
# the entries; `ended`: the end is noted, by this sink.
Producer = namedtuple("Producer", "epoch token last added ended")
# `held`: values that are taken and not confirmed. `sent`: how many of them are on their way or in;
# `known`: the number up to which they are in, which is more than `confirmed` while replicas are
# waited for.
# `up`: commands on the connection; `down`: answers. `lost`: how many values it was told are gone of
# those that were confirmed. `confirmed` of one without an epoch is the epoch it follows. state:
# "away", "greeting", "running", "halting" (by a gap), "full" (the same by FULL), "resting",
# "ending"; "over", "fenced", "refused"; "unborn", and "dead" with its process.
Sink = namedtuple("Sink", "state epoch base confirmed known held sent taken up down flights lost")
# `late`: commands of connections that were given up. `past`: the server at moments before.
World = namedtuple("World", "server sinks late past cuts rollbacks flushes")

UNBORN = Sink("unborn", 0, 0, 0, 0, (), 0, 0, (), (), 0, 0)
NOBODY = Producer(0, -1, 0, (), None)
SETTLED = ("over", "fenced", "refused", "unborn", "dead")
ADOPTED = ("running", "halting", "full", "resting", "ending")

# ---- The server ----------------------------------------------------------------------------------


def replace(server, name, producer, **more):
    producers = server.producers
    return server._replace(producers=producers[:name] + (producer,) + producers[name + 1:], **more)


def hello(server, name, who, epoch, confirmed, without):
    """What the script of this name does: the server after it, and its answer."""
    one = server.producers[name]
    theirs = one.epoch
    is_own = one.token == who and "token" not in without
    how, new = ("NEW", theirs + 1) if epoch == 0 else ("LOST", epoch + 2)
    if is_own and theirs > epoch and "again" not in without:
        new = theirs
        if epoch > 0 and theirs == epoch + 1 and "how" not in without:
            how = "BEHIND"
    elif epoch == 0 and theirs != confirmed and "follow" not in without:
        return server, ("hello", "TAKEN", theirs, one.last, False)
    elif not is_own and 0 < epoch <= theirs and "token" not in without:
        return server, ("hello", "FENCED", theirs, one.last, False)
    elif is_own and theirs == epoch and (one.last >= confirmed or "behind" in without):
        how, new = "SAME", epoch
    elif is_own and theirs == epoch:
        how, new = "BEHIND", epoch + 1
    keeps = (is_own and "own" not in without or server.closed or "withdraw" in without or
             epoch > 0 and "lost" in without)
    one = one._replace(epoch=new, token=who, ended=one.ended if keeps else None)
    return replace(server, name, one), ("hello", how, new, one.last, bool(server.closed))


def refusal(one, who, epoch, without):
    """What is answered to a mark that is not the server's."""
    is_own = one.token == who and "self" not in without
    return "FENCED" if one.epoch >= epoch and not is_own else "GAP"


def add(server, name, who, epoch, first, values, limits):
    one = server.producers[name]
    without = limits.without
    if (one.epoch, one.token) != (epoch, who) and "mark" not in without:
        return server, ("add", refusal(one, who, epoch, without), 0)
    if server.closed and "close" not in without:
        return server, ("add", "CLOSED", one.last)
    if first > one.last + 1 and "gap" not in without:
        return server, ("add", "GAP", one.last)
    new = values[0 if "seen" in without else max(0, one.last + 1 - first):]
    code, fit = "OK", new
    if limits.capacity and "full" not in without:
        fit = new[:max(0, limits.capacity - server.there)]
        code = "OK" if fit == new else "FULL"
    if not fit:
        return server, ("add", code, one.last)
    last = first + len(values) - 1 - len(new) + len(fit)
    added = one.added + tuple((who, value) for value in fit)
    there = server.there + (len(fit) if limits.capacity else 0)
    return replace(server, name, one._replace(last=last, added=added),
                   there=there), ("add", code, last)


def end(server, name, who, epoch, limits):
    one = server.producers[name]
    if (one.epoch, one.token) != (epoch, who) and "late" not in limits.without:
        return server, ("end", refusal(one, who, epoch, limits.without))
    if server.closed:
        return server, ("end", "OK")
    server = replace(server, name, one._replace(ended=who))
    ended = tuple((one.ended, one.token) for one in server.producers if one.ended is not None)
    if len(ended) >= limits.counted or "count" in limits.without:
        server = server._replace(closed=(count(server), ended))
    return server, ("end", "OK")


def count(server):
    return sum(len(one.added) for one in server.producers)


def execute(server, who, command, limits):
    name = limits.names[who]
    if command[0] == "hello":
        return hello(server, name, who, command[1], command[2], limits.without)
    if command[0] == "end":
        return end(server, name, who, command[1], limits)
    if command[0] == "wait":
        return server, ("wait",)
    return add(server, name, who, *command[1:], limits)


# ---- A sink --------------------------------------------------------------------------------------


def confirm(sink):
    """The sink, with all confirmed that is known to be in."""
    n = sink.known - sink.confirmed
    return sink._replace(confirmed=sink.known, held=sink.held[n:], sent=max(0, sink.sent - n))


def learn(sink, last, limits):
    """The server has all up to this number."""
    known = sink.confirmed + min(max(0, last - sink.confirmed), len(sink.held))
    sink = sink._replace(known=max(known, sink.known))
    return sink if limits.replicas else confirm(sink)


def rewind(sink, state):
    return sink._replace(state=state, sent=sink.known - sink.confirmed)


def ask(sink, state, *command):
    return sink._replace(state=state, up=sink.up + (command,))


def greet(sink):
    return ask(rewind(sink, "greeting"), "greeting", "hello", sink.epoch, sink.confirmed)


def settle(sink, state):
    return sink._replace(state=state, up=(), down=(), flights=0)


def finish(sink, limits):
    """The end is noted."""
    return ask(sink, "ending", "wait") if limits.replicas else settle(sink, "over")


def greeted(sink, how, epoch, last, is_closed, values, limits):
    if how == "FENCED":
        return settle(sink, "fenced")
    if how == "TAKEN":
        return greet(sink._replace(confirmed=epoch, known=epoch))
    if how == "SAME":
        known = sink.known if "anew" in limits.without else sink.confirmed
        sink = learn(sink._replace(known=known), last, limits)
    else:
        there = last if how == "BEHIND" else sink.base
        gone = 0 if how == "NEW" else sink.confirmed - there
        sink = sink._replace(base=last, confirmed=last, known=last, lost=sink.lost + gone)
    sink = rewind(sink, "running")._replace(epoch=epoch)
    if not is_closed:
        return sink
    has_sent_all = sink.taken == values and sink.sent == len(sink.held)
    return finish(sink, limits) if has_sent_all else settle(sink, "refused")


def added(sink, code, last, limits):
    sink = sink._replace(flights=sink.flights - 1)
    if code == "FENCED":
        return settle(sink, "fenced")
    sink = learn(sink, last, limits)
    if code == "CLOSED":
        return settle(sink, "refused")
    if code != "OK" and sink.state == "running":
        sink = sink._replace(state="full" if code == "FULL" else "halting")
    if sink.state not in ("halting", "full") or (sink.flights > 0 and "halt" not in limits.without):
        return sink
    return greet(sink) if sink.state == "halting" else rewind(sink, "resting")


def ended(sink, code, limits):
    if code == "GAP":
        return greet(sink)
    return finish(sink, limits) if code == "OK" else settle(sink, "fenced")


def answered(sink, answer, values, limits):
    """The sink after an answer, as sending.c has it."""
    if answer[0] == "hello":
        return greeted(sink, *answer[1:], values, limits)
    if answer[0] == "add":
        return added(sink, *answer[1:], limits)
    if answer[0] == "end":
        return ended(sink, answer[1], limits)
    sink = confirm(sink)
    return settle(sink, "over") if sink.state == "ending" else sink


def is_waiting(sink):
    return ("wait",) in sink.up or ("wait",) in sink.down


def wants_replicas(sink):
    return not is_waiting(sink) and (sink.flights > 0 or sink.known > sink.confirmed)


def may_end(sink, values, without):
    if sink.taken < values or sink.held:
        return False
    return not is_waiting(sink) or "waited" in without


# ---- The world -----------------------------------------------------------------------------------


def empty(limits):
    return Server((NOBODY,) * (max(limits.names) + 1), 0, ())


def first(limits):
    return World(empty(limits), (UNBORN,) * len(limits.names), (), (), 0, 0, 0)


def put(world, i, sink):
    return world._replace(sinks=world.sinks[:i] + (sink,) + world.sinks[i + 1:])


def drop(world, i, state="away"):
    """The connection of sink i is gone: what it wrote may still come, what it would read, not."""
    sink = world.sinks[i]
    late = world.late + tuple((i, command) for command in sink.up)
    away = sink._replace(state=state, up=(), down=(), flights=0)
    return put(world._replace(late=tuple(sorted(late))), i, away)


def remember(world, server, limits):
    """The world with this server, and the one before it among those that may come back."""
    if server == world.server:
        return world
    past = world.past
    if world.rollbacks < limits.rollbacks and world.server not in past:
        past = past + (world.server,)
    return world._replace(server=server, past=past)


def begin(world, i, limits):
    """One begins after those of its name, and where they are alone, as the process of the one
    before is gone."""
    before = [j for j in range(i) if limits.names[j] == limits.names[i]]
    if any(world.sinks[j].state == "unborn" for j in before):
        return None
    for j in before:
        if limits.alone and world.sinks[j].state not in SETTLED:
            world = drop(world, j, "dead")
    return put(world, i, world.sinks[i]._replace(state="away"))


def sink_steps(world, i, limits):
    """What sink i can do, or what can come to it."""
    sink = world.sinks[i]
    values = limits.values[i]
    if sink.taken < values and len(sink.held) < limits.window:
        yield "takes", put(world, i, sink._replace(held=sink.held + (sink.taken + 1,),
                                                   taken=sink.taken + 1))
    if sink.state == "away":
        yield "connects", put(world, i, greet(sink))
    if sink.state == "running" and sink.sent < len(sink.held):
        batch = sink.held[sink.sent:sink.sent + limits.batch]
        after = ask(sink, "running", "add", sink.epoch, sink.confirmed + 1 + sink.sent, batch)
        yield "sends", put(world, i, after._replace(sent=sink.sent + len(batch),
                                                    flights=sink.flights + 1))
    if sink.state == "running" and may_end(sink, values, limits.without):
        yield "sends its end", put(world, i, ask(sink, "ending", "end", sink.epoch))
    if limits.replicas and sink.state == "running" and wants_replicas(sink):
        yield "waits for replicas", put(world, i, ask(sink, "running", "wait"))
    if sink.state == "resting" and "rest" not in limits.without:
        yield "has rested", put(world, i, sink._replace(state="running"))
    if sink.down:
        after = answered(sink._replace(down=sink.down[1:]), sink.down[0], values, limits)
        yield ("hears", sink.down[0]), put(world, i, after)


def steps(world, limits):
    """What can come next, without harm: what, to which sink, and the world after it."""
    for i, sink in enumerate(world.sinks):
        if sink.state in SETTLED:
            continue
        for what, after in sink_steps(world, i, limits):
            yield what, i, after
        if sink.up:
            server, answer = execute(world.server, i, sink.up[0], limits)
            after = put(world, i, sink._replace(up=sink.up[1:], down=sink.down + (answer,)))
            yield ("is executed", sink.up[0]), i, remember(after, server, limits)
    if world.server.there > 0:
        server = world.server._replace(there=world.server.there - 1)
        yield "a receiver is done", None, remember(world, server, limits)


def harm(world, limits):
    """The same, of what need not come."""
    for j, (i, command) in enumerate(world.late):
        server, _ = execute(world.server, i, command, limits)
        after = world._replace(late=world.late[:j] + world.late[j + 1:])
        yield ("is executed late", command), i, remember(after, server, limits)
    for i, sink in enumerate(world.sinks):
        if sink.state == "unborn":
            after = begin(world, i, limits)
            if after is not None:
                yield "begins", i, after
        elif sink.state not in SETTLED and sink.state != "away" and world.cuts < limits.cuts:
            yield "is cut", i, drop(world._replace(cuts=world.cuts + 1), i)
    if world.rollbacks < limits.rollbacks:
        for server in world.past:
            after = world._replace(server=server, past=(), rollbacks=world.rollbacks + 1)
            for i, sink in enumerate(world.sinks):
                if sink.state not in SETTLED:
                    after = drop(after, i)
            yield ("the server goes back to", server), None, after._replace(late=())
    if world.flushes < limits.flushes:
        yield "the server is emptied", None, world._replace(server=empty(limits),
                                                          flushes=world.flushes + 1)


# ---- What is checked -----------------------------------------------------------------------------


def fault(world, limits):
    """Why this state is wrong, or None."""
    server = world.server
    if limits.capacity and server.there > limits.capacity:
        return "capacity"
    for name, one in enumerate(server.producers):
        if len(set(one.added)) != len(one.added):
            return "once"
        owners = [who for who, _ in one.added]
        if sum(a != b for a, b in zip(owners, owners[1:])) >= limits.names.count(name):
            return "fenced"
    for i, sink in enumerate(world.sinks):
        wrong = sink_fault(world, i, sink, limits)
        if wrong:
            return wrong
    return closed_fault(world, limits) if server.closed else None


def of(world, i, limits):
    """The values of sink i that are in the stream, or were until a receiver was done with them."""
    return [value for who, value in world.server.producers[limits.names[i]].added if who == i]


def sink_fault(world, i, sink, limits):
    own = of(world, i, limits)
    if own != sorted(own):
        return "order"
    up = [value for command in sink.up if command[0] == "add" for value in command[3]]
    if len(up) != len(set(up)):
        return "once"
    if limits.alone and sink.state == "fenced":
        return "fenced"
    if sink.state not in ADOPTED:
        return None
    gone = sum(value not in own for value in range(1, sink.taken - len(sink.held) + 1))
    if gone > sink.lost and world.flushes == 0:
        return "kept"
    return "exact" if gone < sink.lost else None


def closed_fault(world, limits):
    n, ended = world.server.closed
    if count(world.server) > n:
        return "closed"
    if len(ended) < limits.counted:
        return "ends"
    for i, token in ended:
        sink = world.sinks[i]
        if i != token or sink.state == "refused" or sink.held or sink.taken < limits.values[i]:
            return "ends"
    return None


def quiet_fault(world, limits):
    """The same, where no step is left but beginnings and harm."""
    is_whole = world.rollbacks == world.flushes == 0
    server = world.server
    for i, sink in enumerate(world.sinks):
        one = server.producers[limits.names[i]]
        if sink.state == "refused" and is_whole and not server.closed:
            return "ends"
        if sink.state in ("unborn", "fenced", "refused", "dead"):
            continue
        if sink.state != "over" or sink.held or sink.taken != limits.values[i]:
            return "all"
        if is_whole and (len(of(world, i, limits)) != limits.values[i] or sink.lost > 0):
            return "all"
        if is_whole and not server.closed and one.token == i and one.ended != i:
            return "all"
    have_ended = sum(one.ended is not None for one in server.producers)
    if have_ended >= limits.counted and not server.closed:
        return "all"
    return None
