"""Puts faults into copies of lib/, one at a time, and runs the fast suites over each; see test/mutate.sh.

Faults are made by rules from the lines as they stand, and chosen by a number that is made from the line: so a change elsewhere does not
change which. Left out are weaker memory orders, which no run on this kind of processor shows (the models see to them), and unlocking
that is forgotten, which only hangs.
"""

import argparse
import concurrent.futures
import glob
import hashlib
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

SEEDS = (1, 2, 3)  # of the yields: a fault that one run does not show has three
FAST_SECONDS = 10  # a suite that takes longer than that is left out
CFLAGS = ["-std=gnu11", "-O1", "-g", "-fPIC", "-UNDEBUG", "-DUVCHAN_INJECT", "-w"]  # yields show more than haste

# ---- Faults -----------------------------------------------------------------------------------------------------------------------


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
    if re.match(r"^ +[a-z_]\w*\(.*\);$", line) and not re.search(r"(unlock|leave|assert|abort)\w*\(", line):
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
    file = os.path.basename(path)
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


# ---- Building ---------------------------------------------------------------------------------------------------------------------


class Builder:
    def __init__(self, root, directory):
        self.root, self.directory = root, directory
        self.cc = os.environ.get("CC", "cc")
        self.flags = CFLAGS + ["-I" + os.path.join(root, "include")]
        self.uv = shlex.split(subprocess.check_output(["pkg-config", "--cflags", "--libs", "libuv"], text=True))
        self.check = shlex.split(subprocess.check_output(["pkg-config", "--cflags", "--libs", "check"], text=True))
        os.makedirs(directory, exist_ok=True)

    def compile(self, lib, source, output):
        command = [self.cc, *self.flags, "-I" + lib, "-c", os.path.join(lib, source), "-o", output]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def link(self, objects, output):
        command = [self.cc, "-shared", *objects, "-o", output, *self.uv, "-pthread"]
        subprocess.run(command, check=True)

    def sources(self):
        return sorted(os.path.basename(path) for path in glob.glob(os.path.join(self.root, "lib", "*.c")))

    def library(self, lib, changed, output):
        """Objects of files that are not concerned are those of the unchanged library."""
        sources = self.sources()
        objects = []
        os.makedirs(output, exist_ok=True)
        for source in sources:
            concerned = changed is None or changed.endswith(".h") or changed == source
            at = os.path.join(output if concerned else os.path.join(self.directory, "unchanged"), source + ".o")
            if concerned and not self.compile(lib, source, at):
                return False
            objects.append(at)
        self.link(objects, os.path.join(output, "libuvchan-mutant.so"))
        return True

    def program(self, name, sources, *more):
        unchanged = os.path.join(self.directory, "unchanged")
        command = [self.cc, *self.flags, "-I" + os.path.join(self.root, "test"), "-I" + os.path.join(self.root, "lib"), *sources]
        command += ["-o", os.path.join(self.directory, name), "-L" + unchanged, "-luvchan-mutant", *self.uv, *more, "-pthread"]
        subprocess.run(command, check=True)
        return [os.path.join(self.directory, name)]

    def suites(self):
        """What is run: the command of each suite, by name."""
        test = os.path.join(self.root, "test")
        support = sorted(glob.glob(os.path.join(test, "support*.c")))
        suites = {}
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for path in sorted(glob.glob(os.path.join(test, "test-*.c"))):
                name = os.path.basename(path)[5:-2]
                if name == "async-fails":  # has a hub.c of its own
                    continue
                own = sorted(glob.glob(os.path.join(test, name, "*.c")))
                suites[name] = pool.submit(self.program, "test-" + name, [path, *own, *support], *self.check)
        suites = {name: future.result() for name, future in suites.items()}
        replay = self.program("fuzz-replay", sorted(glob.glob(os.path.join(test, "fuzz", "*.c"))))
        suites["fuzz-replay"] = replay + sorted(glob.glob(os.path.join(test, "fuzz", "corpus", "*")))
        suites["soak"] = self.program("soak", [os.path.join(test, "soak.c")]) + ["2", "1"]
        return suites


# ---- Running ----------------------------------------------------------------------------------------------------------------------


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


def run(command, library, seconds, seed):
    """'' where it passes, else how it failed; and the time it took."""
    environment = dict(os.environ, LD_LIBRARY_PATH=library, CK_VERBOSITY="silent", UVCHAN_SEED=str(seed))
    begun = time.monotonic()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            code = process.wait(seconds)
            how = "" if code == 0 else "failed"
        except subprocess.TimeoutExpired:
            how = "hung"
        end_session(process.pid)
    return how, time.monotonic() - begun


def judge(fault, builder, suites):
    """By which suite it was killed, or 'survived', or 'not compiled'."""
    directory = os.path.join(builder.directory, "fault-" + fault.rank[:12])
    lib = os.path.join(directory, "lib")
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(os.path.join(builder.root, "lib"), lib)
    path = os.path.join(lib, fault.file)
    with open(path, encoding="utf-8") as source:
        lines = source.read().split("\n")
    lines[fault.number] = fault.after
    with open(path, "w", encoding="utf-8") as source:
        source.write("\n".join(lines))
    try:
        if not builder.library(lib, fault.file, directory):
            return "not compiled"
        for seed, (name, command, seconds) in itertools.product(SEEDS, suites):
            how, _ = run(command, directory, seconds, seed)
            if how:
                return how + ": " + name
        return "survived"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def fast_suites(builder):
    """In the order of their time, with the time limit of each. What does not pass unchanged says nothing."""
    timed = []
    unchanged = os.path.join(builder.directory, "unchanged")
    for name, command in builder.suites().items():
        how, took = run(command, unchanged, 60, SEEDS[0])
        if how:
            print(f"left out: {name}, which {how} on the unchanged library")
        elif took <= FAST_SECONDS:
            timed.append((took, name, command))
    return [(name, command, 5 + 10 * took) for took, name, command in sorted(timed)]


def reasons(root):
    """Of faults that can't be seen: the description, then lines that are indented say why."""
    known, key = {}, None
    with open(os.path.join(root, "test", "mutants.txt"), encoding="utf-8") as file:
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
    options = parser.parse_args()

    paths = sorted(glob.glob(os.path.join(options.root, "lib", "*.[ch]")))
    faults = [fault for path in paths if os.path.basename(path) not in WITHOUT_FAULTS for fault in faults_of(path)]
    chosen = [fault for fault in choose(faults, options.faults) if options.only in fault.key]
    print(f"{len(faults)} faults by the rules, {len(chosen)} of them chosen", flush=True)
    if options.list:
        for fault in chosen:
            print(fault.key)
        return 0

    builder = Builder(options.root, options.directory)
    if not builder.library(os.path.join(options.root, "lib"), None, os.path.join(options.directory, "unchanged")):
        sys.exit("the library does not compile")
    suites = fast_suites(builder)
    print(f"{len(suites)} suites, {sum((limit - 5) / 10 for _, _, limit in suites):.0f} seconds together", flush=True)

    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for fault, outcome in zip(chosen, pool.map(lambda fault: judge(fault, builder, suites), chosen)):
            outcomes.append((fault, outcome))
            print(f"{outcome:32} {fault.key}", flush=True)

    known = reasons(options.root)
    compiled = [(fault, outcome) for fault, outcome in outcomes if outcome != "not compiled"]
    survivors = [fault for fault, outcome in compiled if outcome == "survived"]
    print(f"\n{len(compiled)} faults, {len(compiled) - len(survivors)} killed, {len(survivors)} survived")
    for fault in survivors:
        print(f"\n{fault.key}\n    {known.get(fault.key) or 'without a reason in test/mutants.txt'}")
    return any(not known.get(fault.key) for fault in survivors)


if __name__ == "__main__":
    sys.exit(main())
