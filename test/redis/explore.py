# SPDX-License-Identifier: MIT
"""The search of all states that a protocol can come to, and the program around it. Knows no
protocol."""
import gc
import sys
from collections import deque


class Graph:
    """Worlds by number, in the order in which they were met."""

    def __init__(self, world):
        self.numbers = {world: 0}
        self.worlds = [world]
        self.ways = [None]  # from which one, by what
        self.befores = [[]]  # from which ones without harm

    def meet(self, world, at, what):
        number = self.numbers.get(world)
        if number is None:
            number = self.numbers[world] = len(self.worlds)
            self.worlds.append(world)
            self.ways.append((at, what))
            self.befores.append([])
        return number

    def way(self, at):
        """The steps to it."""
        whats = []
        while self.ways[at] is not None:
            at, what = self.ways[at]
            whats.append(what)
        return whats[::-1]

    def first_stuck(self, quiet):
        """The first from which no way without harm leads to one of these, or -1."""
        is_well = bytearray(len(self.worlds))
        queue = deque(quiet)
        while queue:
            number = queue.popleft()
            if not is_well[number]:
                is_well[number] = 1
                queue.extend(self.befores[number])
        return is_well.find(0)


def explore(protocol, limits):
    """How many states there are, what is wrong, and the steps to it. A protocol's `first` is the
    state that it begins with; `steps` and `harm` yield what can happen, who does it, and the state
    after that; `fault` says why a state is wrong, and `quiet_fault` where no step is left but
    harm."""
    graph = Graph(protocol.first(limits))
    quiet = []
    for at, world in enumerate(graph.worlds):  # which grows
        is_quiet = True
        for what, i, after in protocol.steps(world, limits):
            is_quiet = False
            graph.befores[graph.meet(after, at, (what, i))].append(at)
        for what, i, after in protocol.harm(world, limits):
            graph.meet(after, at, (what, i))
        if is_quiet:
            quiet.append(at)
        wrong = protocol.fault(world, limits)
        if wrong is None and is_quiet:
            wrong = protocol.quiet_fault(world, limits)
        if wrong:
            return len(graph.worlds), wrong, graph.way(at)
    stuck = graph.first_stuck(quiet)
    if stuck >= 0:
        return len(graph.worlds), "all", graph.way(stuck)
    return len(graph.worlds), None, []


# ---- The program ---------------------------------------------------------------------------------

def run(protocol, who, limits_of, worlds, rules):
    """One world, by the command line's words; without any all of them, and that each rule is
    needed. `who` takes the steps; `limits_of` makes a world's limits of its words. Answers the
    exit code."""
    gc.disable()  # nothing here has a cycle
    if len(sys.argv) > 1:
        return tell(protocol, who, " ".join(sys.argv[1:]), limits_of(sys.argv[1:]))
    status = 0
    for world in worlds:
        status |= tell(protocol, who, world, limits_of(world.split()))
    for rule, world in rules.items():
        status |= check_need(protocol, rule, limits_of(world.split() + ["--without", rule]))
    return status


def check_need(protocol, rule, limits):
    """Without the rule the world is wrong."""
    _, wrong, whats = explore(protocol, limits)
    if wrong is None:
        print("without %s: nothing fails" % rule)
        return 1
    print("without %s: %s after %d steps" % (rule, wrong, len(whats)))
    return 0


def tell(protocol, who, world, limits):
    states, wrong, whats = explore(protocol, limits)
    print("%s: %d states%s" % (world, states, "" if wrong is None else ", wrong: " + wrong))
    for what, i in whats:
        words = what if isinstance(what, str) else " ".join(str(word) for word in what)
        print("  " + (words if i is None else "%s %d %s" % (who, i, words)))
    return 0 if wrong is None else 1
