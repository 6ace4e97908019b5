# SPDX-License-Identifier: MIT
"""Puts faults into copies of lib/, one at a time, and runs the suites over each; see
test/mutate.sh.

Faults are made by rules from the lines as they stand, and chosen by a number that is made from the
line: so a change elsewhere does not change which. Left out are weaker memory orders, which no run
on this kind of processor shows (the models see to them), unlocking that is forgotten, which only
hangs, and the yields of uvchan__step(), which are nothing in a library that is released.

Each fault is judged by the plain library; where it is in lines that are compiled for other
platforms alone, by the portable one. What survives there is judged once more by each sanitizer,
which sees what is wrong in memory or between threads without a wrong outcome.
"""

import argparse
import collections
import concurrent.futures
import filecmp
import functools
import glob
import hashlib
import os
import platform
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

# runs, and their seeds of the yields; suites without threads have the long one alone
SHORT, LONG = 1, 2
FAST_SECONDS = 20  # a run that takes longer than that is left out
AT_ONCE = 4  # runs of one fault: the suites are asleep for half of their time
CFLAGS = ["-std=gnu11", "-O1", "-fPIC", "-UNDEBUG", "-w"]
INJECT = ["-DUVCHAN_INJECT"]  # of the library: yields show more than haste
PORTABLE = ["-DUVCHAN_PORTABLE"]
SANITIZERS = {
    "tsan": ["-fsanitize=thread"],
    "asan": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
}

# ---- Faults --------------------------------------------------------------------------------------


def swap(name, pattern, replacement):
    """A rule: each place in a line where the pattern stands, replaced."""
    compiled = re.compile(pattern)

    def apply(line):
        for match in compiled.finditer(line):
            yield line[: match.start()] + match.expand(replacement) + line[match.end() :]

    return name, apply


def negate(line):
    """Negates the condition of an if or a while that ends in its line."""
    match = re.search(r"\b(?:if|while) \(", line)
    if match is None:
        return
    depth = 1
    for end in range(match.end(), len(line)):
        depth += {"(": 1, ")": -1}.get(line[end], 0)
        if depth == 0:
            yield line[: match.end()] + "!(" + line[match.end() : end] + ")" + line[end:]
            return


def drop_call(line):
    """Leaves out a statement that is a call, or an assignment to a member."""
    if re.match(r"^ +[a-z_]\w*\(.*\);$", line) and not re.search(r"(unlock|leave|assert|abort|uvchan__step)\w*\(", line):
        yield re.sub(r"\S.*", "(void)0;", line)
    elif re.match(r"^ +[\w>.()&*-]+(->|\.)\w+(\[[^]]*\])? [|&+-]?= .*;$", line):
        yield re.sub(r"\S.*", "(void)0;", line)
    elif re.match(r"^ +(if \(.*\) )[a-z_]\w*\(.*\);$", line) and not re.search(r"\) \S*(unlock|leave)\w*\(.*\);$", line):
        yield re.sub(r"\) [a-z_]\w*\([^()]*(\([^()]*\))*[^()]*\);$", ") (void)0;", line)


RULES = [
    ("condition negated", negate),
    ("statement left out", drop_call),
    swap("bound moved", r" < ", " <= "),
    swap("bound moved", r" > ", " >= "),
    swap("bound moved", r" <= ", " < "),
    swap("bound moved", r" >= ", " > "),
    swap("equality turned", r" == ", " != "),
    swap("equality turned", r" != ", " == "),
    swap("and for or", r" && ", " || "),
    swap("or for and", r" \|\| ", " && "),
    swap("one off", r" \+ 1\b(?!\d)", ""),
    swap("one off", r" - 1\b(?!\d)", ""),
    swap("counted down", r"\+\+", "--"),
    swap("counted up", r"--", "++"),
    swap("status swapped", r"\bUV_EAGAIN\b", "UV_EBUSY"),
    swap("status swapped", r"\bUV_EPIPE\b", "UV_EOF"),
    swap("status swapped", r"\bUV_ECANCELED\b", "UV_EPIPE"),
    swap("status swapped", r"\bUV_ETIMEDOUT\b", "UV_EAGAIN"),
    swap("status swapped", r"\bUV_ENOMEM\b", "UV_EAGAIN"),
    swap("status swapped", r"\bUV_EBUSY\b", "UV_EAGAIN"),
    swap("status swapped", r"\bUV_EALREADY\b", "0"),
    swap("success for failure", r"\breturn UV_\w+;", "return 0;"),
    swap("failure for success", r"\breturn 0;", "return UV_EAGAIN;"),
    swap("answer turned", r"\breturn 1;", "return 0;"),
]

WITHOUT_FAULTS = {"atomic.h"}


def sources(root, kind):
    """The files of the library; lib/redis is another one, which needs hiredis."""
    paths = sorted(glob.glob(os.path.join(root, "lib", "*", "*." + kind)))
    return [path for path in paths if os.path.basename(os.path.dirname(path)) != "redis"]


def code_lines(text):
    """The lines without comments and strings' contents: what is blanked there keeps its place."""

    def blank(match):
        return re.sub(r"[^\n]", "\0", match.group())

    blanked = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)
    return blanked.split("\n"), text.split("\n")


class Fault:
    def __init__(self, file, number, name, before, after):
        self.file, self.number, self.name = file, number, name
        self.before, self.after = before, after
        self.key = " | ".join((file, name, before.strip(), after.strip()))
        self.rank = hashlib.sha256(self.key.encode()).hexdigest()


def faults_of(path):
    file = "/".join(path.split("/")[-2:])  # the floor and the file
    with open(path, encoding="utf-8") as source:
        blanked, lines = code_lines(source.read())
    for number, (code, line) in enumerate(zip(blanked, lines)):
        code = code.rstrip("\0 ")
        if code.startswith(("#", "static_assert")) or not code.startswith((" ", "static", "int ", "void ")) or "\0" in code:
            continue
        for name, rule in RULES:
            for after in rule(code):
                if after != code:
                    yield Fault(file, number, name, code, after + line[len(code) :])


def choose(faults, n):
    """Of each file its share, and of each line one, those of the least rank."""
    once = {}
    for fault in sorted(faults, key=lambda fault: fault.rank):
        once.setdefault((fault.file, fault.before.strip()), fault)
    by_file = {}
    for fault in once.values():
        by_file.setdefault(fault.file, []).append(fault)
    total = len(once)
    for file, own in by_file.items():
        share = max(1, round(n * len(own) / total))
        by_file[file] = sorted(own, key=lambda fault: fault.rank)[:share]
    return [fault for file in sorted(by_file) for fault in sorted(by_file[file], key=lambda fault: fault.number)]


# ---- Building ------------------------------------------------------------------------------------

NOT_COMPILED = "not compiled"
THE_SAME = "the same code"
SURVIVED = "survived"
HUNG = "hung"
KNOWN = "known to survive"

# The suite async-fails makes uv_async_init() fail: the hub calls it by this name, which that
# program has one of its own for.
ASYNC_INIT = "-Duv_async_init=uv_async_init_or_fail"
SHIM = """#include <uv.h>
int uv_async_init_or_fail(uv_loop_t*, uv_async_t*, uv_async_cb);
__attribute__((weak)) int uv_async_init_or_fail(uv_loop_t* loop, uv_async_t* async, uv_async_cb cb) {
  return uv_async_init(loop, async, cb);
}
"""


class Builder:
    """Of one kind: plain, portable, or with a sanitizer. The suites of one kind run with a library
    of another one."""

    def __init__(self, root, directory, kind):
        self.root, self.directory, self.kind = root, directory, kind
        self.unchanged = os.path.join(directory, "unchanged")
        self.cc = os.environ.get("CC", "cc")
        self.flags = CFLAGS + kind + ["-I" + os.path.join(root, "include")]
        self.uv = shlex.split(subprocess.check_output(["pkg-config", "--cflags", "--libs", "libuv"], text=True))
        self.check = shlex.split(subprocess.check_output(["pkg-config", "--cflags", "--libs", "check"], text=True))
        os.makedirs(directory, exist_ok=True)
        self.unchanged_library()

    def compile(self, lib, source, output):
        own = INJECT + ([ASYNC_INIT] if source in ("wake/hub.c", "wake/fork.c") else [])
        # so that objects of the same code are the same
        own += ["-ffile-prefix-map=" + lib + "=lib"]
        command = [self.cc, *self.flags, *own, "-I" + lib, "-c", os.path.join(lib, source), "-o", output]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def library(self, lib, changed, output):
        """'' where it is made, else why not. Objects of files that are not concerned are those of
        the unchanged library."""
        objects, compiled = [], {}
        os.makedirs(output, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for source in (os.path.relpath(path, os.path.join(self.root, "lib")) for path in sources(self.root, "c")):
                concerned = changed is None or changed.endswith(".h") or changed == source
                objects.append(os.path.join(output if concerned else self.unchanged, source.replace("/", "-") + ".o"))
                if concerned:
                    compiled[source.replace("/", "-") + ".o"] = pool.submit(self.compile, lib, source, objects[-1])
        if not all(future.result() for future in compiled.values()):
            return NOT_COMPILED
        if changed is not None and not filecmp.cmpfiles(self.unchanged, output, compiled, shallow=False)[1]:
            return THE_SAME
        command = [self.cc, "-shared", *self.kind, *objects, os.path.join(self.directory, "shim.o")]
        subprocess.run([*command, "-o", os.path.join(output, "libuvchan-mutant.so"), *self.uv, "-pthread"], check=True)
        return ""

    def unchanged_library(self):
        shim = os.path.join(self.directory, "shim.c")
        with open(shim, "w", encoding="utf-8") as file:
            file.write(SHIM)
        subprocess.run([self.cc, *self.flags, *self.uv, "-c", shim, "-o", os.path.join(self.directory, "shim.o")], check=True)
        if self.library(os.path.join(self.root, "lib"), None, self.unchanged):
            sys.exit("the library does not compile")

    def program(self, name, sources, *more):
        command = [self.cc, *self.flags, "-I" + os.path.join(self.root, "test", "support"), "-I" + os.path.join(self.root, "lib"), *sources]
        command += ["-o", os.path.join(self.directory, name), "-L" + self.unchanged, "-luvchan-mutant", *self.uv, *more, "-pthread"]
        subprocess.run(command, check=True)
        return [*self.launcher(), os.path.join(self.directory, name)]

    def launcher(self):
        """ThreadSanitizer's memory has places of its own, and addresses that are spread too widely
        fall into them."""
        return ["setarch", platform.machine(), "-R"] if self.kind == SANITIZERS["tsan"] and shutil.which("setarch") else []

    def suites(self):
        """What is run: the command of each suite, by name."""
        test = os.path.join(self.root, "test")
        support = sorted(glob.glob(os.path.join(test, "support", "*.c")))
        suites = {}
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for path in sorted(glob.glob(os.path.join(test, "units", "test-*.c"))):
                name = os.path.basename(path)[5:-2]
                suites[name] = pool.submit(self.program, "test-" + name, [path, *support], *self.check)
            histories = sorted(glob.glob(os.path.join(test, "history", "*.c")))
            suites["history"] = pool.submit(self.program, "test-history", [*histories, *support], *self.check)
        suites = {name: future.result() for name, future in suites.items()}
        replay = self.program("fuzz-replay", sorted(glob.glob(os.path.join(test, "fuzz", "*.c"))))
        suites["fuzz-replay"] = replay + sorted(glob.glob(os.path.join(test, "fuzz", "corpus", "*")))
        suites["soak"] = self.program("soak", sorted(glob.glob(os.path.join(test, "soak", "*.c")))) + ["2", "1"]
        return suites


# ---- Running -------------------------------------------------------------------------------------


def end_session(pid):
    """A suite forks for each test, into groups of their own: so all of its session is ended."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
            if int(fields[3]) == pid:
                os.kill(int(path.split("/")[2]), signal.SIGKILL)
        except (OSError, IndexError, ValueError):
            continue


def run(command, library, seconds, seed, is_settled=lambda: False):
    """'' where it passes, or nobody asks any more; else how it failed; and the time it took."""
    environment = dict(os.environ, LD_LIBRARY_PATH=library, CK_VERBOSITY="silent", UVCHAN_SEED=str(seed), TSAN_OPTIONS="halt_on_error=1")
    if seed == SHORT:
        environment["UVCHAN_TEST_SLOW"] = "1"
    begun = time.monotonic()
    how = None
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True
    ) as process:
        while how is None:
            try:
                how = "" if process.wait(0.1) == 0 else "failed"
            except subprocess.TimeoutExpired:
                if is_settled():
                    how = ""
                elif time.monotonic() - begun > seconds:
                    how = HUNG
        end_session(process.pid)
    return how, time.monotonic() - begun


Suite = collections.namedtuple("Suite", "name command seconds")  # of each length that it has


def time_suites(builder, built, *lengths):
    """By the unchanged library of a builder. What does not pass there says nothing, and what is
    slow is left out."""
    suites = []
    runs = [(name, length) for name in built for length in lengths if length == LONG or has_threads(builder.root, name)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = {key: pool.submit(run, built[key[0]], builder.unchanged, 10 * FAST_SECONDS, key[1]) for key in runs}
    for name, command in built.items():
        seconds = {}
        for length in lengths:
            if (name, length) not in outcomes:
                continue
            how, took = outcomes[name, length].result()
            if how:
                print(f"left out: {name}, which {how} on the unchanged library")
            elif took <= FAST_SECONDS:
                seconds[length] = took
        if seconds:
            suites.append(Suite(name, command, seconds))
    return suites


def has_threads(root, name):
    path = os.path.join(root, "test", "units", "test-" + name + ".c")
    if not os.path.exists(path):
        return name in ("history", "soak")
    with open(path, encoding="utf-8") as file:
        return re.search(r'support_start\(|thread_create\(|"stress\.h"', file.read()) is not None


class Order:
    """Of the suites: first those that have killed most for their time, in the same file, or else in
    all."""

    def __init__(self):
        self.kills = collections.Counter()

    def note(self, fault, suite):
        self.kills[suite] += 1
        self.kills[fault.file, suite] += 1

    def of(self, fault, suites):
        def gain(suite):
            return (0.2 + self.kills[suite.name] + 10 * self.kills[fault.file, suite.name]) / (0.2 + min(suite.seconds.values()))

        first = sorted(suites, key=gain, reverse=True)
        runs = [(suite, min(suite.seconds)) for suite in first]
        return runs + [(suite, LONG) for suite in first if SHORT in suite.seconds and LONG in suite.seconds]


def run_all(fault, suites, library, unchanged, order):
    """The first that kills ends the others. What hangs does so twice, where the unchanged library
    does not."""
    settled = threading.Event()
    verdicts = []

    def run_one(suite, length):
        if settled.is_set():
            return
        how = HUNG
        # once more, where other work loads the machine
        for seconds in (3 + 3 * suite.seconds[length], 10 + 10 * suite.seconds[length]):
            if how == HUNG:
                how, _ = run(suite.command, library, seconds, length, settled.is_set)
        if how == HUNG and run(suite.command, unchanged, seconds, length, settled.is_set)[0]:
            how = ""
        if how and not settled.is_set():
            settled.set()
            verdicts.append((suite.name, how))

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for suite, length in order.of(fault, suites):
            pool.submit(run_one, suite, length)
    if not verdicts:
        return None
    name, how = verdicts[0]
    order.note(fault, name)
    return f"{how}: {name}"


class Bench:
    """All kinds of the library, and their suites: each is built, and timed, where it is first
    needed."""

    def __init__(self, root, directory):
        self.root, self.directory = root, directory
        self.order = Order()
        self.lock = threading.Lock()
        self.plain = Builder(root, directory, [])
        self.portable = Builder(root, os.path.join(directory, "portable"), PORTABLE)
        self.built = self.plain.suites()

    @functools.lru_cache(maxsize=None)
    def suites_locked(self, name):
        """A kind's builder, and its suites."""
        if name == "plain":
            return self.plain, time_suites(self.plain, self.built, SHORT, LONG)
        if name == "portable":
            builder, built, lengths = self.portable, self.built, (SHORT, LONG)
        else:
            builder = Builder(self.root, os.path.join(self.directory, name), SANITIZERS[name])
            built = builder.suites()
            # without threads there is nothing for ThreadSanitizer to see
            lengths = (SHORT,) if name == "tsan" else (LONG,)
        return builder, [suite._replace(name=name + "." + suite.name) for suite in time_suites(builder, built, *lengths)]

    def suites(self, name):
        with self.lock:
            return self.suites_locked(name)

    def judge(self, fault):
        """By which suite it was killed, or 'survived', or why it is none."""
        directory = os.path.join(self.directory, "fault-" + fault.rank[:12])
        lib = os.path.join(directory, "lib")
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(os.path.join(self.root, "lib"), lib)
        path = os.path.join(lib, fault.file)
        with open(path, encoding="utf-8") as source:
            lines = source.read().split("\n")
        lines[fault.number] = fault.after
        with open(path, "w", encoding="utf-8") as source:
            source.write("\n".join(lines))
        try:
            return self.judge_in(fault, lib, directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def judge_in(self, fault, lib, directory):
        kind = "plain"
        why = self.plain.library(lib, fault.file, directory)
        if why == THE_SAME:
            kind = "portable"
            why = self.portable.library(lib, fault.file, directory)
        if why:
            return why
        killed = self.run(fault, kind, directory)
        for name in SANITIZERS:
            if killed or kind == "portable":
                break
            sanitized = os.path.join(directory, name)
            if not self.suites(name)[0].library(lib, fault.file, sanitized):
                killed = self.run(fault, name, sanitized)
        return killed or SURVIVED

    def run(self, fault, kind, library):
        builder, suites = self.suites(kind)
        return run_all(fault, suites, library, builder.unchanged, self.order)


def reasons(root):
    """Of faults that can't be seen: the description, then lines that are indented say why."""
    known, key = {}, None
    with open(os.path.join(root, "test", "mutation", "mutants.txt"), encoding="utf-8") as file:
        for line in file:
            if line.startswith("#") or not line.strip():
                continue
            if line.startswith(" ") and key is not None:
                known[key] = (known[key] + " " + line.strip()).strip()
            else:
                key = line.strip()
                known[key] = ""
    return known


def main():
    parser = argparse.ArgumentParser(prog="test/mutate.sh")
    parser.add_argument("root")
    parser.add_argument("directory")
    parser.add_argument("--faults", type=int, default=120)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()

    faults = [fault for path in sources(options.root, "[ch]") if os.path.basename(path) not in WITHOUT_FAULTS for fault in faults_of(path)]
    chosen = [fault for fault in choose(faults, options.faults) if options.only in fault.key]
    print(f"{len(faults)} faults by the rules, {len(chosen)} of them chosen", flush=True)
    if options.list:
        for fault in chosen:
            print(fault.key)
        return 0

    begun = time.monotonic()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bench = Bench(options.root, options.directory)
    suites = bench.suites("plain")[1]
    seconds = sum(sum(suite.seconds.values()) for suite in suites)
    print(f"{len(suites)} suites, {seconds:.0f} seconds together", flush=True)

    known = reasons(options.root)
    judged = [fault for fault in chosen if options.all or fault.key not in known]
    outcomes = {fault.key: KNOWN for fault in chosen}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for fault, outcome in zip(judged, pool.map(bench.judge, judged)):
            outcomes[fault.key] = outcome
            print(f"{outcome:32} {fault.key}", flush=True)

    n = collections.Counter("killed" if ": " in outcome else outcome for outcome in outcomes.values())
    minutes = (time.monotonic() - begun) / 60
    print(f"\n{len(outcomes)} faults in {minutes:.0f} minutes: " + ", ".join(f"{how} {count}" for how, count in n.most_common()))
    for fault in chosen:
        if outcomes[fault.key] in (SURVIVED, KNOWN):
            print(f"\n{fault.key}\n    {known.get(fault.key) or 'without a reason in test/mutation/mutants.txt'}")
        elif fault.key in known:
            print(f"\n{fault.key}\n    needs no reason in test/mutation/mutants.txt: {outcomes[fault.key]}")
    return any(outcome == SURVIVED and not known.get(key) for key, outcome in outcomes.items())


if __name__ == "__main__":
    sys.exit(main())
