# SPDX-License-Identifier: MIT
"""The stream and its group, as the scripts of lib/redis have them. Each function returns the server
after it. Knows no source.

`limits` has `most`, the deliveries after which a value goes to the dead letters, and `without`: the
rules that are left out."""
from collections import namedtuple

# Of each value. state: "new", "pending", "done", "dead". `number`, which is Redis' count of
# deliveries: of its two parts the low one counts deliveries, and the high one how often the value
# was given back without having been delivered. `astray` is no part of the server: nobody knows of
# this delivery, or its receiver has forgotten it.
Entry = namedtuple("Entry", "state owner number late back astray")
Server = namedtuple("Server", "entries closed returns")

NEW = Entry("new", "", 0, False, False, False)
UNSEEN = 1000


def begin(nvalues, is_closed):
    return Server((NEW,) * nvalues, is_closed, 0)


def deliveries(number):
    return number % UNSEEN


def change(server, value, **fields):
    entry = server.entries[value]._replace(**fields)
    return server._replace(entries=server.entries[:value] + (entry,) + server.entries[value + 1:])


def look(server):
    """Whether the stream has ended, and how often values were given back."""
    is_empty = all(entry.state in ("done", "dead") for entry in server.entries)
    return server.closed and is_empty, server.returns


# ---- The steps -----------------------------------------------------------------------------------

def execute(server, name, command, limits):
    """Of a consumer of this name. Returns the answer as well: None where it waits."""
    what, rest = command[0], command[1:]
    if what == "open":
        return server, ("open",) + look(server)
    if what in ("history", "claim"):
        return take(server, name, what, *rest, limits)
    if what == "read":
        return read(server, name, *rest)
    if what == "renew":
        return renew(server, name, *rest, limits), ("renew",)
    if what == "done":
        server = change(server, *rest, **NEW._replace(state="done")._asdict())
    else:
        server = requeue(server, name, *rest, limits)
    return server, (what, rest[0]) + look(server)


def read(server, name, waits):
    for value, entry in enumerate(server.entries):
        if entry.state == "new":
            server = change(server, value, state="pending", owner=name, number=1)
            return server, ("read", (value, 1), waits)
    return server, None if waits else ("read", None, False)


def take(server, name, what, at, held, limits):
    """The first behind `at` that may be taken, if there is one, and where to go on."""
    for value in range(at, len(server.entries)):
        entry = server.entries[value]
        if entry.state != "pending" or (value in held and "held" not in limits.without):
            continue
        if not (entry.owner == name if what == "history" else entry.late or entry.back):
            continue
        if deliveries(entry.number) < limits.most:
            number = entry.number + 1
            server = change(server, value, owner=name, number=number, late=False, back=False,
                            astray=False)
            return server, (what, (value, number), value + 1)
        server = change(server, value, **NEW._replace(state="dead")._asdict())
    return server, (what, None, 0)


def requeue(server, name, value, number, is_unseen, limits):
    entry = server.entries[value]
    is_it = entry.number == number or "number" in limits.without
    if entry.state != "pending" or entry.owner != name or not is_it:
        return server
    number = entry.number
    if is_unseen and "less" not in limits.without:
        number += UNSEEN - 1 if "turn" not in limits.without else -1
    server = change(server, value, number=number, late=False, back=True, astray=False)
    return server._replace(returns=server.returns + 1)


def renew(server, name, values, limits):
    for value in values:
        entry = server.entries[value]
        if entry.state == "pending" and entry.owner == name:
            is_back = entry.back and "still" not in limits.without
            server = change(server, value, late=False, back=is_back)
    return server
