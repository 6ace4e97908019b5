# SPDX-License-Identifier: MIT
"""Channels and pools of uvchan, for gdb: in a program that runs, and in a core.

    source .../share/uvchan/uvchan-gdb.py

    uvchan-channels                    all channels, each on a line
    uvchan-pools                       all pools
    uvchan-channel CH                  one, and who waits there: threads by gdb's numbers
    uvchan-values CH ['TYPE'] [MOST]   what is buffered, the oldest first: as TYPE, else as bytes

CH is an expression, as a variable of type uvchan_t*, or an address. Nothing of the program is
called, so a core is enough; the library's debug information has to be there (-g).
"""

import gdb

SLOW, CLOSED, ARMED = 1, 2, 4
THREAD, REQUEST, RECEIVER, WORK = range(4)
WAITING = 0
KINDS = ("bounded", "unbuffered", "unbounded")


# ---- Reading -------------------------------------------------------------------------------------


def type_of(name):
  try:
    return gdb.lookup_type(name)
  except gdb.error:
    raise gdb.GdbError("no type %s: the library's debug information is not here" % name)


def has(value, member):
  return any(field.name == member for field in value.type.strip_typedefs().fields())


def offset_of(kind, member):
  for field in kind.fields():
    if field.name == member:
      return field.bitpos // 8
  raise gdb.GdbError("no member %s: another version of the library" % member)


def at(address, kind):
  return gdb.Value(address).cast(kind.pointer()).dereference()


def address_of(pointer):
  return int(pointer.cast(gdb.lookup_type("unsigned long")))


def text(pointer):
  """As gdb reads it; a name may hold any bytes."""
  return pointer.string(encoding="utf-8", errors="replace") if address_of(pointer) else ""


def members(which, container):
  """Of each copy of the library in the process: what is in its roster."""
  rosters = gdb.lookup_static_symbols("roster")
  if not rosters:
    raise gdb.GdbError("no roster: the library's debug information is not here")
  offset = offset_of(container, "member")
  for symbol in rosters:
    roster = symbol.value()
    if str(symbol.type.strip_typedefs()) != "struct uvchan__roster_s":
      continue
    member = roster["lists"][which]["first"]
    while address_of(member):
      if int(member["number"]):  # else somebody is just walking there
        yield at(address_of(member) - offset, container)
      member = member["next"]


def channels():
  return members(0, type_of("struct uvchan_s"))


def pools():
  return members(1, type_of("struct uvchan_pool_s"))


def channel_of(argument):
  if not argument:
    raise gdb.GdbError("which channel?")
  value = gdb.parse_and_eval(argument)
  return at(address_of(value), type_of("struct uvchan_s"))


# ---- The stores ----------------------------------------------------------------------------------


def position(side, word):
  """Lap and index."""
  return word >> int(side["shift"]), (word & int(side["index_mask"])) >> 3


def ring_length(ch):
  tail, head = ch["ring"]["tail"], ch["ring"]["head"]
  capacity = int(tail["capacity"])
  to_lap, to = position(tail, int(tail["word"]))
  from_lap, begin = position(head, int(head["word"]))
  if from_lap == to_lap:
    return max(to - begin, 0)
  return min(capacity - begin + to, capacity)


def ring_values(ch):
  """Addresses; None where a sender is still copying it in, or a receiver out."""
  side = ch["ring"]["head"]
  lap, index = position(side, int(side["word"]))
  slots = address_of(side["slots"])
  for _ in range(ring_length(ch)):
    slot = slots + index * int(side["stride"])
    seq = int(at(slot, type_of("uint32_t")))
    is_full = seq == (2 * lap + 1) & 0xFFFFFFFF
    yield slot + int(side["offset"]) if is_full else None
    index += 1
    if index == int(side["capacity"]):
      lap, index = lap + 1, 0


def store_of(ch):
  aligned = type_of("max_align_t").alignof if hasattr(gdb.Type, "alignof") else 16
  size = (type_of("struct uvchan_s").sizeof + aligned - 1) // aligned * aligned
  return at(address_of(ch.address) + size, type_of("uvchan__store_t"))


def block_values(ch):
  blocks = store_of(ch)["blocks"]
  stride = int(blocks["elem_size"])
  if has(blocks, "stamp_bytes"):
    stride += int(blocks["stamp_bytes"])
  block = blocks["first"]
  while address_of(block):
    begin = address_of(block["values"].address)
    for i in range(int(block["begin"]), int(block["end"])):
      yield begin + i * stride
    block = block["next"]


def kind_of(ch):
  return KINDS[int(ch["kind"])]


def length(ch):
  return ring_length(ch) if kind_of(ch) == "bounded" else int(store_of(ch)["blocks"]["len"])


def values(ch):
  return ring_values(ch) if kind_of(ch) == "bounded" else block_values(ch)


# ---- Who waits -----------------------------------------------------------------------------------


def thread_numbered(number):
  for thread in gdb.selected_inferior().threads():
    if number and thread.ptid[1] == number:
      return thread.num
  return None


def thread_with(address):
  """A thread that waits lies on its own stack, above where that has grown to: the nearest."""
  best = None
  selected = gdb.selected_thread()
  try:
    for thread in gdb.selected_inferior().threads():
      thread.switch()
      stack = address_of(gdb.newest_frame().read_register("sp"))
      if stack <= address and (best is None or stack > best[0]):
        best = (stack, thread.num)
  finally:
    if selected is not None:
      selected.switch()
  return best[1] if best else None


def describe_waiter(place):
  waiter = place["waiter"].dereference()
  if int(waiter["claim"]) != WAITING:
    return None
  if int(waiter["kind"]) != THREAD:
    return "a request on loop 0x%x" % address_of(waiter["hub"]["loop"])
  number = int(waiter["entry"]["posted"])
  known = thread_numbered(number) or thread_with(address_of(place["waiter"]))
  told = "thread %s" % known if known else "a thread"
  return told + (" (LWP %d)" % number if number else ", which does not sleep yet")


def queued(queue):
  place = queue["first"]
  while address_of(place):
    told = describe_waiter(place)
    if told:
      yield told
    place = place["next"]


def started(ch):
  receiver = ch["started"]
  first = address_of(receiver)
  armed = int(ch["ring"]["tail"]["word"]) & ARMED
  while address_of(receiver):
    state = "in its turn"
    if int(receiver["waiter"]["entry"]["posted"]):
      state = "is told to look, and its loop has not come to it"
    elif int(receiver["place"]["queued"]) or (armed and address_of(receiver) == first):
      state = "waits"
    yield "0x%x on loop 0x%x, %s" % (address_of(receiver), address_of(receiver["loop"]), state)
    receiver = receiver["next"]


# ---- What is shown -------------------------------------------------------------------------------


def summary(ch):
  capacity = int(ch["ring"]["tail"]["capacity"])
  closed = int(ch["ring"]["tail"]["word"]) & CLOSED
  return 'channel %d "%s" at 0x%x: %s, %d%s, %d bytes each, %s%s' % (
    int(ch["member"]["number"]), text(ch["member"]["name"]), address_of(ch.address), kind_of(ch),
    length(ch), " of %d" % capacity if kind_of(ch) == "bounded" else "",
    int(ch["ring"]["tail"]["elem_size"]),
    "closed with %d" % int(ch["end_status"]) if closed else "open",
    ", its lock is held" if int(ch["lock"]) else "")


def show_waiters(ch):
  for told in queued(ch["sendq"]):
    print("  waits to send: " + told)
  for told in queued(ch["recvq"]):
    print("  waits to receive: " + told)
  for told in started(ch):
    print("  receives: " + told)


def show_value(i, address, kind, size):
  if address is None:
    print("[%d] is just being copied" % i)
  elif kind is not None:
    print("[%d] %s" % (i, at(address, kind)))
  else:
    held = bytes(gdb.selected_inferior().read_memory(address, size)) if size else b""
    print("[%d] %s" % (i, " ".join("%02x" % byte for byte in held)))


def type_named(name):
  name = name.strip("'\"")
  for tag in ("struct ", "union ", "enum "):
    if name.startswith(tag):
      return gdb.lookup_type(name)
  return gdb.parse_and_eval("(%s*)0" % name).type.target()


# ---- Commands ------------------------------------------------------------------------------------


class Channels(gdb.Command):
  """All channels of the process, each on a line."""

  def __init__(self):
    super().__init__("uvchan-channels", gdb.COMMAND_DATA)

  def invoke(self, argument, from_tty):
    for ch in channels():
      print(summary(ch))


class Channel(gdb.Command):
  """One channel, and who waits there: uvchan-channel CH"""

  def __init__(self):
    super().__init__("uvchan-channel", gdb.COMMAND_DATA)

  def invoke(self, argument, from_tty):
    ch = channel_of(argument)
    print(summary(ch))
    show_waiters(ch)


class Values(gdb.Command):
  """What is buffered in a channel, the oldest first: uvchan-values CH ['TYPE'] [MOST]"""

  def __init__(self):
    super().__init__("uvchan-values", gdb.COMMAND_DATA)

  def invoke(self, argument, from_tty):
    words = gdb.string_to_argv(argument)
    most = int(words.pop()) if len(words) > 1 and words[-1].isdigit() else 100
    ch = channel_of(words[0] if words else "")
    size = int(ch["ring"]["tail"]["elem_size"])
    kind = type_named(" ".join(words[1:])) if len(words) > 1 else None
    if kind is not None and kind.sizeof != size:
      raise gdb.GdbError("%s has %d bytes, the channel's values %d" % (kind, kind.sizeof, size))
    for i, address in enumerate(values(ch)):
      if i == most:
        print("and %d more" % (length(ch) - most))
        break
      show_value(i, address, kind, size)


class Pools(gdb.Command):
  """All pools of the process, with the threads that are at work."""

  def __init__(self):
    super().__init__("uvchan-pools", gdb.COMMAND_DATA)

  def invoke(self, argument, from_tty):
    for pool in pools():
      print('pool %d "%s" at 0x%x: %d of %d wait, %d for room, %d of %d threads at work%s%s' % (
        int(pool["member"]["number"]), text(pool["member"]["name"]), address_of(pool.address),
        int(pool["n_inside"]), int(pool["capacity"]), int(pool["n_outside"]),
        int(pool["n_running"]), int(pool["n_threads"]),
        ", closed" if int(pool["is_closed"]) else "",
        ", its lock is held" if int(pool["lock"]) else ""))
      first = address_of(pool["threads"].address)
      kind = type_of("uvchan__thread_t")
      for i in range(int(pool["threads_at_most"])):
        thread = at(first + i * kind.sizeof, kind)
        if address_of(thread["work"]):
          print("  works: thread %s (LWP %d), at 0x%x" % (
            thread_numbered(int(thread["number"])) or "?", int(thread["number"]),
            address_of(thread["work"])))


Channels()
Channel()
Values()
Pools()
