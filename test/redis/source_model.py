# SPDX-License-Identifier: MIT
"""One source, as lib/redis has it: what it asks and says, and what it makes of the answers. Each
function returns the source after it. Knows no server, and no other source.

`limits` has `slots`, and `without`: the rules that are left out. Values are numbers from 0 on, in
their order in the stream, and a command is about one of them."""
from collections import namedtuple

# A connection that is up or not, what is on its way to the server, and from there.
Link = namedtuple("Link", "up asked answers")
# `number`: which delivery this is. state: "waits" for room in the channel, "out", "done", "back",
# where no receiver has had what `is_unseen`. `sent`: the server is told, on this connection.
Slot = namedtuple("Slot", "value number state is_unseen sent")
# life: "unborn", "running", "leaving"; "ended" with the stream, "left", "parted", which is to have
# left while its reader was away, "killed". `has_ended` and `returns`: what it knows of the server.
# The others are as in source-state.h: `look_at` and `recall_at` are where claim and history go on.
Source = namedtuple("Source", "life reader side slots is_open is_history recall_at is_flowing "
                              "newest is_due look_at is_stale has_ended returns")

DOWN = Link(False, (), ())
UNBORN = Source("unborn", DOWN, DOWN, (), False, True, 0, False, -1, False, 0, False, False, 0)


def is_alive(source):
    return source.life in ("running", "leaving")


def is_up(source):
    return source.is_open and source.side.up


def held(source):
    return tuple(sorted(slot.value for slot in source.slots))


def on_way(link, what):
    """How many commands and answers of this kind are on their way."""
    return sum(one[0] == what for one in link.asked) + sum(one[0] == what for one in link.answers)


def reserved(source):
    return (on_way(source.reader, "read") + on_way(source.reader, "history") +
            on_way(source.side, "claim"))


def room(source, limits):
    return limits.slots - len(source.slots) - reserved(source)


# ---- What it says --------------------------------------------------------------------------------

def send(source, name, *command):
    link = getattr(source, name)
    return source._replace(**{name: link._replace(asked=link.asked + (command,))})


def go_on(source, limits):
    """All that may be sent now is sent; or it is over."""
    source = claim(give_word(source), limits)
    before = None
    while source is not before:
        before, source = source, ask(source, limits)
    return check_end(source, limits)


def give_word(source):
    if not source.side.up:
        return source
    for slot in source.slots:
        if slot.state == "done" and not slot.sent:
            source = send(source, "side", "done", slot.value)
        elif slot.state == "back" and not slot.sent:
            source = send(source, "side", "requeue", slot.value, slot.number, slot.is_unseen)
    return source._replace(slots=tuple(slot._replace(sent=slot.state in ("done", "back"))
                                       for slot in source.slots))


def claim(source, limits):
    if source.life != "running" or not source.is_due or not is_up(source):
        return source
    if on_way(source.side, "claim") or room(source, limits) == 0:
        return source
    if source.is_history and "one" not in limits.without:
        return source
    return send(source._replace(is_due=False), "side", "claim", source.look_at, held(source))


def ask(source, limits):
    reader = source.reader
    if not is_up(source) or on_way(reader, "open") or on_way(reader, "history"):
        return source
    if room(source, limits) == 0:
        return source
    if source.is_history:
        return recall(source, limits)
    if source.life != "running" or (on_way(reader, "read") and not source.is_flowing):
        return source
    return send(source, "reader", "read", not source.is_flowing)


def recall(source, limits):
    is_first = not on_way(source.reader, "read") and not on_way(source.side, "claim")
    if not is_first and "one" not in limits.without:
        return source
    if source.life == "leaving" and "recall" in limits.without:
        return source
    return send(source, "reader", "history", source.recall_at, held(source))


def check_end(source, limits):
    if source.slots or not is_alive(source):
        return source
    if source.life == "leaving" and not may_get(source, limits):
        return source._replace(life="left" if source.is_open else "parted")
    if source.has_ended:
        return source._replace(life="left" if source.life == "leaving" else "ended")
    return source


def may_get(source, limits):
    """Whether a source that leaves may be given values yet."""
    if reserved(source) > 0 and "wait" not in limits.without:
        return True
    return source.is_history and source.is_open and "recall" not in limits.without


# ---- What it hears -------------------------------------------------------------------------------

def hear(source, name, limits):
    """The first answer on this connection."""
    link = getattr(source, name)
    answer = link.answers[0]
    source = source._replace(**{name: link._replace(answers=link.answers[1:])})
    source = HEAR[answer[0]](source, limits, *answer[1:])
    return go_on(source, limits)


def hear_open(source, limits, has_ended, returns):
    return learn(source._replace(is_open=True), limits, has_ended, returns)


def hear_history(source, limits, got, at):
    source = source._replace(is_history=at > 0, recall_at=at)
    return accept(source, got, limits)


def hear_read(source, limits, got, has_waited):
    source = source._replace(is_flowing=got is not None)
    if got is None and has_waited and source.life == "running":
        return send(source, "reader", "open")
    return accept(source, got, limits)


def hear_claim(source, limits, got, at):
    is_stale = source.is_stale and "stale" not in limits.without
    source = source._replace(look_at=at, is_due=source.is_due or at > 0 or is_stale,
                             is_stale=source.is_stale and at > 0)
    return accept(source, got, limits)


def hear_done(source, limits, value, has_ended, returns):
    slots = tuple(slot for slot in source.slots if slot.value != value)
    return learn(source._replace(slots=slots), limits, has_ended, returns)


def hear_requeue(source, limits, value, has_ended, returns):
    source = hear_done(source, limits, value, has_ended, returns)
    return source if "own" in limits.without else look_again(source)


def hear_renew(source, _):
    return source


HEAR = {"open": hear_open, "history": hear_history, "read": hear_read, "claim": hear_claim,
        "done": hear_done, "requeue": hear_requeue, "renew": hear_renew}


def accept(source, got, limits):
    """What is newer than all that had a slot has none."""
    if got is None:
        return source
    if got[0] <= source.newest and got[0] in held(source) and "slot" not in limits.without:
        return source
    is_back = source.life == "leaving"
    slot = Slot(got[0], got[1], "back" if is_back else "waits", is_back, False)
    return source._replace(slots=source.slots + (slot,), newest=max(source.newest, got[0]))


def learn(source, limits, has_ended, returns):
    is_news = returns != source.returns and "heard" not in limits.without
    source = source._replace(has_ended=has_ended, returns=returns)
    return look_again(source) if is_news else source


def look_again(source):
    """A look that is under way may have passed the place."""
    is_looking = on_way(source.side, "claim") > 0 or source.look_at > 0
    return source._replace(is_due=True, is_stale=is_looking)


# ---- What happens to it --------------------------------------------------------------------------

def begin(source, limits):
    return connect(connect(source._replace(life="running"), "side", limits), "reader", limits)


def connect(source, name, limits):
    source = source._replace(**{name: Link(True, (), ())})
    if name == "side":
        return go_on(source._replace(is_due=True), limits)
    return send(source._replace(is_history=True, recall_at=0), "reader", "open")


def cut(source, name, limits):
    is_lost = on_way(source.side, "claim") > 0 and "lost" not in limits.without
    source = source._replace(**{name: DOWN})
    if name == "side" and is_lost:
        source = source._replace(is_history=True, recall_at=0)
    if name == "reader":
        source = source._replace(is_open=False, is_flowing=False)
    elif "resend" not in limits.without:
        source = source._replace(slots=tuple(slot._replace(sent=False) for slot in source.slots))
    return check_end(source, limits)


def leave(source, limits):
    slots = tuple(slot._replace(state="back", is_unseen=True) if slot.state == "waits" else slot
                  for slot in source.slots)
    return go_on(source._replace(life="leaving", slots=slots), limits)


def look(source, limits):
    """Its timer: what it has is renewed, and a claim is due."""
    values = tuple(slot.value for slot in source.slots if slot.state in ("waits", "out"))
    if source.side.up and values and not on_way(source.side, "renew"):
        source = send(source, "side", "renew", values)
    return go_on(source._replace(is_due=True), limits)


def waiting(source):
    """The place of the slot whose value comes next to the channel, or None."""
    return next((i for i, slot in enumerate(source.slots) if slot.state == "waits"), None)


def replace(items, i, item):
    return items[:i] + (item,) + items[i + 1:]


def pass_on(source):
    """What comes next is in the channel."""
    i = waiting(source)
    return source._replace(slots=replace(source.slots, i, source.slots[i]._replace(state="out")))


def settle(source, i, state, limits):
    """A receiver has said what becomes of a ticket: "done", "back", or "forgotten"."""
    slots = replace(source.slots, i, source.slots[i]._replace(state=state))
    if state == "forgotten":
        slots = slots[:i] + slots[i + 1:]
    return go_on(source._replace(slots=slots), limits)
