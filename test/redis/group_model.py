# SPDX-License-Identifier: MIT
"""What sources.py explores: the server, some sources that share a group, what comes late, and what
is checked of them. `limits` is what its arguments say."""
from collections import namedtuple

import source_model as model
import stream_model as stream
from source_model import is_alive, replace

# How much of each may happen yet.
Budget = namedtuple("Budget", "cuts kills lates looks backs forgets leaves")
# `late`: (name, commands) of connections that were given up. Of each value: how often it was
# delivered; the source whose receiver has it, and nothing has failed since; whether a receiver has
# said done. `wrong`: what the last step has done.
World = namedtuple("World", "server sources late budget puts holders words wrong")


def first(limits):
    n = limits.values
    sources = (model.begin(model.UNBORN, limits),) + (model.UNBORN,) * (len(limits.sources) - 1)
    budget = Budget(*(getattr(limits, name) for name in Budget._fields))
    return World(stream.begin(n, not limits.open), sources, (), budget, (0,) * n, (None,) * n,
                 (False,) * n, None)


def spend(world, what):
    return world._replace(budget=world.budget._replace(**{what: getattr(world.budget, what) - 1}))


def has_spent(world, limits, *whats):
    return any(getattr(world.budget, what) < getattr(limits, what) for what in whats)


def has_name(world, name, lives, limits):
    return any(source.life in lives and limits.sources[i] == name
               for i, source in enumerate(world.sources))


def put(world, i, source, limits):
    """The world with this source. One that is gone has given its connections up."""
    if is_alive(source):
        return world._replace(sources=replace(world.sources, i, source))
    if source.life == "killed":
        holders = tuple(None if holder == i else holder for holder in world.holders)
        world = world._replace(holders=holders)
    for link in (source.reader, source.side):
        world = give_up(world, link, limits.sources[i])
    gone = model.UNBORN._replace(life=source.life)
    return world._replace(sources=replace(world.sources, i, gone))


def give_up(world, link, name):
    commands = tuple(command for command in link.asked if command[0] != "open")
    if not commands:
        return world
    return world._replace(late=tuple(sorted(world.late + ((name, commands),), key=repr)))


# ---- What can happen -----------------------------------------------------------------------------

def deliver(world, i, source, limits):
    """What comes next is in the channel. Where it isn't the newest delivery, its time has come."""
    slot = source.slots[model.waiting(source)]
    value, entry = slot.value, world.server.entries[slot.value]
    is_newest = entry.state == "pending" and entry.number == slot.number and not entry.late
    told, puts, wrong = stream.deliveries(slot.number), world.puts[value] + 1, None
    if not has_spent(world, limits, "cuts", "kills", "lates"):
        is_newest = True
        wrong = "told" if told != puts else None
    if is_newest and world.holders[value] is not None:
        wrong = "again"
    holder = i if is_newest else world.holders[value]
    world = world._replace(puts=replace(world.puts, value, puts), wrong=wrong,
                           holders=replace(world.holders, value, holder))
    what = ("delivers", value, "told", told)
    return what, i, put(world, i, model.pass_on(source), limits)


def words(world, i, source, limits):
    """What a receiver says of what it has."""
    for at, slot in enumerate(source.slots):
        if slot.state != "out":
            continue
        value = slot.value
        done = world._replace(words=replace(world.words, value, True))
        yield ("is done with", value), i, put(
            done, i, model.settle(source, at, "done", limits), limits)
        holder = None if world.holders[value] == i else world.holders[value]
        free = world._replace(holders=replace(world.holders, value, holder))
        if world.budget.backs > 0:
            yield ("requeues", value), i, put(
                spend(free, "backs"), i, model.settle(source, at, "back", limits), limits)
        if world.budget.forgets > 0:
            if world.server.entries[value].number == slot.number:
                free = free._replace(server=stream.change(world.server, value, astray=True))
            yield ("forgets", value), i, put(
                spend(free, "forgets"), i, model.settle(source, at, "forgotten", limits), limits)


def own_harm(world, i, source, limits):
    if source.life == "running" and world.budget.leaves > 0:
        yield "leaves", i, put(spend(world, "leaves"), i, model.leave(source, limits), limits)
    if world.budget.looks > 0:
        yield "looks by its timer", i, put(
            spend(world, "looks"), i, model.look(source, limits), limits)
    if world.budget.kills > 0:
        yield "is killed", i, put(
            spend(world, "kills"), i, source._replace(life="killed"), limits)
    for name in ("reader", "side"):
        link = getattr(source, name)
        if link.up and world.budget.cuts > 0:
            after = give_up(spend(world, "cuts"), link, limits.sources[i])
            yield ("has a cut of its", name), i, put(
                after, i, model.cut(source, name, limits), limits)


def may_stop_waiting(world, source):
    """A read that waits is answered at some time. Where that would change nothing it is left, so
    that there is a quiet end."""
    return (source.life == "leaving" or source.is_due or source.is_history or
            stream.look(world.server) != (source.has_ended, source.returns))


def link_steps(world, i, source, name, limits):
    link = getattr(source, name)
    if not link.up:
        yield ("connects its", name), i, put(
            world, i, model.connect(source, name, limits), limits)
    if link.asked:
        server, answer = stream.execute(world.server, limits.sources[i], link.asked[0], limits)
        if answer is None and may_stop_waiting(world, source):
            answer = ("read", None, True)
        if answer is not None:
            after = link._replace(asked=link.asked[1:], answers=link.answers + (answer,))
            yield ("has executed", link.asked[0]), i, put(
                world._replace(server=server), i, source._replace(**{name: after}), limits)
    if link.answers:
        yield ("hears", link.answers[0]), i, put(
            world, i, model.hear(source, name, limits), limits)


def late_steps(world, limits):
    """The server executes what was given up: what it takes then is astray."""
    for j, (name, commands) in enumerate(world.late):
        server, answer = stream.execute(world.server, name, commands[0], limits)
        if answer is None:
            continue
        if answer[0] in ("read", "claim", "history") and answer[1] is not None:
            server = stream.change(server, answer[1][0], astray=True)
        rest = ((name, commands[1:]),) if commands[1:] else ()
        late = world.late[:j] + rest + world.late[j + 1:]
        yield ("the server executes, late:", commands[0], "of", name), None, world._replace(
            server=server, late=tuple(sorted(late, key=repr)))


def is_still(world):
    """Nothing is on its way but reads that wait."""
    return not any(source.side.asked or source.side.answers or source.reader.answers or
                   any(command != ("read", True) for command in source.reader.asked)
                   for source in world.sources)


def time_steps(world, limits):
    if world.budget.lates == 0 or not (limits.slow or is_still(world)):
        return
    for value, entry in enumerate(world.server.entries):
        if entry.state == "pending" and not entry.late and not entry.back:
            yield ("time passes: late is", value), None, spend(world, "lates")._replace(
                server=stream.change(world.server, value, late=True),
                holders=replace(world.holders, value, None))


def may_begin(world, i, limits):
    return (world.sources[i].life == "unborn" and world.sources[i - 1].life != "unborn" and
            not has_name(world, limits.sources[i], ("running", "leaving"), limits))


def steps(world, limits):
    """What comes to pass if nothing else does: in words, by which source, the world after it."""
    for i, source in enumerate(world.sources):
        if not is_alive(source):
            continue
        if model.waiting(source) is not None:
            yield deliver(world, i, source, limits)
        yield from words(world, i, source, limits)
        for name in ("reader", "side"):
            yield from link_steps(world, i, source, name, limits)
    if not world.server.closed:
        yield "the stream is closed", None, world._replace(
            server=world.server._replace(closed=True))


def harm(world, limits):
    """The same, of what may never come."""
    for i, source in enumerate(world.sources):
        if may_begin(world, i, limits):
            yield "begins", i, put(world, i, model.begin(source, limits), limits)
        if is_alive(source):
            yield from own_harm(world, i, source, limits)
    yield from late_steps(world, limits)
    yield from time_steps(world, limits)


# ---- What is wrong -------------------------------------------------------------------------------

def fault(world, limits):
    """Why this state is wrong, or None."""
    if world.wrong:
        return world.wrong
    for source in world.sources:
        values = model.held(source)
        if len(set(values)) != len(values):
            return "twice"
        if is_alive(source) and len(values) + model.reserved(source) > limits.slots:
            return "room"
        if source.life == "ended" and not stream.look(world.server)[0]:
            return "end"
    for value, entry in enumerate(world.server.entries):
        wrong = entry_fault(world, value, entry, limits)
        if wrong:
            return wrong
    return None


def entry_fault(world, value, entry, limits):
    holder, puts = world.holders[value], world.puts[value]
    if entry.state == "done":
        return None if world.words[value] else "lost"
    if holder is not None and (entry.state != "pending" or entry.back or
                               entry.owner != limits.sources[holder]):
        return "taken"
    if entry.state == "dead" and puts < limits.most and \
            not has_spent(world, limits, "cuts", "kills", "lates"):
        return "dead"
    if entry.state == "pending":
        if stream.deliveries(entry.number) < puts:
            return "told"
        if not entry.back and not entry.astray and has_left(world, entry.owner, limits):
            return "left"
    return None


def has_left(world, name, limits):
    """The last of this name."""
    last = [source.life for i, source in enumerate(world.sources)
            if limits.sources[i] == name and source.life != "unborn"][-1]
    return last == "left" or (last == "parted" and not has_spent(world, limits, "cuts", "kills"))


def quiet_fault(world, limits):
    """The same, in a quiet end."""
    for source in world.sources:
        if is_alive(source) and (source.slots or source.life == "leaving"):
            return "stuck"
        if source.life == "running" and stream.look(world.server)[0]:
            return "end"
    if any(source.life == "running" for source in world.sources) and \
            any(must_move(world, entry, limits) for entry in world.server.entries):
        return "waits"
    return None


def must_move(world, entry, limits):
    if entry.state != "pending" or entry.back:
        return entry.state not in ("done", "dead")
    if entry.late or entry.astray or (limits.slow and has_spent(world, limits, "lates")):
        return False
    return not has_name(world, entry.owner, ("killed", "parted"), limits)
