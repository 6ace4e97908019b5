#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the reference from the public headers, where each text stands once.

    python3 docs/reference/reference.py --out DIR [--version V] [--check]

Writes man pages to DIR/man3 and HTML to DIR/html, by docutils: a page for each family of names,
which is a section of a header, a link to it for each name, and a page for what the headers begin
with. Fails where a public name has no description, or occurs in none of the programs in
docs/examples. --check looks for that alone, and needs no docutils.

How a header is read: a comment that begins a line describes what follows it without an empty line in
between. In it lines that begin with three spaces are arguments; "Returns", "Threads:", "Cost:" and
"Since" begin what they say.
"""
import argparse
import html
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADERS = ["uvchan.h", "uvchan/pool.h", "uvchan/inspect.h", "uvchan/typed.h",
           "uvchan/redis.h"]
AREAS = {
    "uvchan.h": "channels on libuv",
    "uvchan/pool.h": "a pool of threads that works for loops",
    "uvchan/inspect.h": "what is in channels and pools",
    "uvchan/typed.h": "channels on libuv",
    "uvchan/redis.h": "channels over streams of a Redis server",
}
SECTION = re.compile(r"^/\* ---- (.*?) -{2,}(.*)")
MARKERS = re.compile(r"(?:(?<=[.:;)] )|^)(Returns?|Threads:|Cost:|Since)(?= )")
ERROR = re.compile(r"(UV_[A-Z0-9]+)(?: \([^)]*\))?: ([^;]*)")


class Item:
    """A comment with the declarations that it describes."""

    def __init__(self, text, declarations):
        self.declarations = declarations
        self.names = [n for d in declarations for n in names_of(d)]
        self.about, self.args, rest = split_arguments(text)
        self.parts = split_parts(rest)


class Family:
    """A section of a header: a page."""

    def __init__(self, header, title, intro):
        self.header = header
        self.title = title
        self.intro = intro
        self.items = []

    @property
    def names(self):
        return [n for item in self.items for n in item.names]

    @property
    def page(self):
        words = re.sub(r"[^a-z ]", "", self.title.lower()).split()
        words = [w for w in words if w not in ("the", "a", "on", "from", "one")]
        kind = os.path.basename(self.header)[:-2]
        if kind not in ("uvchan", words[0]):
            words.insert(0, kind)
        return "uvchan-" + "-".join(words)


class Overview(Family):
    """What the headers say ahead of their sections: the page uvchan(3)."""

    page = "uvchan"


# ---- Reading ------------------------------------------------------------------------------------


def comment_text(lines):
    """The lines of a comment without what makes it one."""
    text = "\n".join(lines).strip()
    text = re.sub(r"^/\*+ ?|\s*\*/$", "", text)
    return [re.sub(r"^ ?\* ?", "", line) for line in text.split("\n")]


def names_of(declaration):
    """The public names that a declaration makes."""
    flat = re.sub(r"/\*.*?\*/", " ", declaration, flags=re.S)
    found = []
    if flat.startswith("#define"):
        found = re.findall(r"^#define (UVCHAN_[A-Z]\w*)", flat)
    elif flat.startswith("typedef") and "(*" in flat and "{" not in flat:
        found = re.findall(r"\(\*(uvchan_\w+)\)", flat)
    elif "{" in flat:
        found = re.findall(r"\}\s*(uvchan_\w+)\s*;\s*$", flat)
        if not flat.startswith("typedef"):
            found = [n + "_t" for n in re.findall(r"^struct (uvchan_\w+?)_s\b", flat)]
        if flat.startswith("typedef enum"):
            found += re.findall(r"\b(UVCHAN_[A-Z]\w*)\b(?=\s*[,=}\n])", flat)
    elif flat.startswith("typedef"):
        found = re.findall(r"\b(uvchan_\w+_t)\s*;", flat)
    else:
        found = re.findall(r"\b(uvchan_\w+)\s*\(", flat)[:1]
    return [n for n in found if not n.startswith(("uvchan__", "UVCHAN__"))]


def take_declaration(lines, i):
    """The declaration that begins at line i, and the line behind it."""
    begin = i
    if lines[i].startswith("#"):
        while lines[i].endswith("\\"):
            i += 1
        return "\n".join(lines[begin : i + 1]), i + 1
    depth = 0
    while True:
        code = re.sub(r"/\*.*?\*/", "", lines[i])
        depth += code.count("{") - code.count("}")
        if depth == 0 and (";" in code or i + 1 == len(lines)):
            return "\n".join(lines[begin : i + 1]), i + 1
        i += 1


def take_comment(lines, i):
    begin = i
    while "*/" not in lines[i]:
        i += 1
    return lines[begin : i + 1], i + 1


def public_lines(path):
    """A header's lines between what guards it."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"#ifdef __cplusplus.*?#endif\n", "", text, flags=re.S)
    text = re.sub(r"^/\* SPDX-.*\n", "", text)
    return text.split("\n")


def read_header(header):
    lines = public_lines(os.path.join(ROOT, "include", header))
    families = []
    preface = []
    i = 0
    if lines[0].startswith("/*"):
        comment, i = take_comment(lines, 0)
        preface = comment_text(comment)
    while i < len(lines):
        line = lines[i]
        section = SECTION.match(line)
        if section:
            comment, i = take_comment(lines, i)
            rest = comment_text(comment)[1:] if len(comment) > 1 else []
            families.append(Family(header, section.group(1), rest))
            continue
        if not families or not line.strip() or line.startswith(("#if", "#endif", "#include")):
            i += 1
            continue
        text = []
        if line.startswith("/*"):
            comment, i = take_comment(lines, i)
            text = comment_text(comment)
            if i >= len(lines) or not lines[i].strip():
                families[-1].intro += [""] + text
                continue
        declarations = []
        while i < len(lines) and lines[i].strip() and not lines[i].startswith(("/*", "#endif")):
            declaration, i = take_declaration(lines, i)
            declarations.append(declaration)
        item = Item(text, declarations)
        if item.names:
            families[-1].items.append(item)
    if header == "uvchan/typed.h":
        families = [typed_family(header, preface)]
        preface = []
    return preface, [f for f in families if f.names]


def typed_family(header, preface):
    family = Family(header, "Typed ends", [])
    item = Item(preface, ["#define UVCHAN_TYPED(name, type)"])
    family.items.append(item)
    return family


def split_arguments(text):
    """What a comment says before its arguments, the arguments, and what comes after them."""
    about, args, rest = [], [], []
    for line in text:
        argument = re.match(r"^   ? ?([a-z_]\w*)   *(\S.*)$", line) if line.startswith("  ") else None
        if argument and not rest:
            args.append([argument.group(1), argument.group(2)])
        elif args and line.startswith("     ") and not rest:
            args[-1][1] += " " + line.strip()
        elif args:
            rest.append(line)
        else:
            about.append(line)
    return about, args, rest


def split_parts(lines):
    return split_flow(" ".join(line.strip() for line in lines))


def split_flow(text):
    """Text by the words that begin what it says."""
    parts = {"": "", "Returns": "", "Threads": "", "Cost": "", "Since": ""}
    at = ""
    for piece in MARKERS.split(text):
        word = piece.rstrip(":")
        if word in ("Returns", "Return", "Threads", "Cost", "Since"):
            at = "Returns" if word == "Return" else word
            continue
        parts[at] += piece.strip() + " "
    return {k: v.strip() for k, v in parts.items()}


def finish(item):
    """Without arguments all of the text is one flow."""
    if item.args or any(line.startswith("  ") for line in item.about):
        return
    parts = split_flow(" ".join(line.strip() for line in item.about))
    item.about = [parts[""]]
    item.parts = {**parts, "": ""}


# ---- Checking -----------------------------------------------------------------------------------


def example_words():
    words = {}
    folder = os.path.join(ROOT, "docs", "examples")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith(".c"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                words[name] = set(re.findall(r"\w+", file.read()))
    return words


def is_described(item):
    return any(item.about) or any("/*" in d for d in item.declarations)


def check(families):
    words = example_words()
    bad = []
    described = {n for f in families for item in f.items if is_described(item) for n in item.names}
    for family in families:
        for name in dict.fromkeys(family.names):
            if name not in described:
                bad.append(f"{name}: no description in {family.header}")
            if name.startswith("uvchan_") and not name.endswith(("_t", "_cb")):
                if not any(name in w for w in words.values()):
                    bad.append(f"{name}: in no program of docs/examples")
    return bad


# ---- Writing ------------------------------------------------------------------------------------


def rst(text):
    """Names and codes stand out, and nothing is markup by accident."""
    text = re.sub(r"([*|\\])", r"\\\1", text)
    text = re.sub(r"\b(\w+)_(?=\W|$)", r"\1\\_", text)
    return re.sub(r"(?<![\w`])((?:uvchan|uv|UV|UVCHAN)_\w+(?:\(\))?)", r"\\ ``\1``\\ ", text)


def paragraphs(lines):
    """Flowing text as it flows, and what is indented as it stands."""
    out, literal = [], False
    for line in lines:
        if line.startswith("  ") and line.strip():
            if not literal:
                out += ["", "::", ""]
            literal = True
            out.append("    " + line)
        else:
            if literal:
                out.append("")
            literal = False
            out.append(rst(line))
    return out + [""]


def heading(title, mark):
    return [title, mark * len(title), ""]


def public_part(declaration):
    """Of a structure, what is its user's."""
    declaration = re.sub(r"\n  UVCHAN__.*\n\}", "\n  void* data; /* the user's */\n  /* ... */\n}",
                         declaration, flags=re.S)
    return re.sub(r"\n  /\* private.*\n\}", "\n  /* ... */\n}", declaration, flags=re.S)


def short(family):
    if isinstance(family, Overview):
        return family.title[0].lower() + family.title[1:]
    return f"{AREAS[family.header]}: {family.title[0].lower()}{family.title[1:]}"


def listing(family, key, title):
    """A section of the page: what each item says of it."""
    out = []
    for item in family.items:
        if item.parts[key]:
            called = [n for n in item.names if not n.endswith("_cb")] or item.names
            out += [", ".join(f"``{n}``" for n in called), "    " + rst(item.parts[key]), ""]
    return heading(title, "=") + out if out else []


def errors(family):
    out = []
    for item in family.items:
        found = ERROR.findall(item.parts["Returns"])
        for code, cause in found:
            out += [f"``{code}``", f"    {rst(cause.strip().rstrip('.'))}. "
                    f"({', '.join(f'``{n}``' for n in item.names)})", ""]
    return heading("ERRORS", "=") + out if out else []


def is_named_for(example, family):
    return family.page == "uvchan-" + example[:-2].replace("_", "-")


def page(family, families, words):
    out = [f"{'=' * 60}", family.page, f"{'=' * 60}", "", "-" * 60, short(family), "-" * 60, ""]
    out += [":Manual section: 3", ":Manual group: uvchan", ""]
    out += heading("SYNOPSIS", "=") + ["::", "", f"    #include <{family.header}>", ""]
    for item in family.items:
        for declaration in item.declarations:
            if "{" not in declaration and not declaration.startswith("#define UVCHAN_TYPED"):
                out += ["    " + line for line in declaration.split("\n")]
    out += ["", ""] + heading("DESCRIPTION", "=") + paragraphs(family.intro)
    for item in family.items:
        out += heading(", ".join(item.names) or "also", "-")
        if any("{" in d for d in item.declarations):
            out += ["::", ""]
            for declaration in item.declarations:
                out += ["    " + line for line in public_part(declaration).split("\n")]
            out.append("")
        out += paragraphs(item.about)
        for name, text in item.args:
            out += [f"*{name}*", "    " + rst(text), ""]
        if item.parts[""]:
            out += [rst(item.parts[""]), ""]
    out += listing(family, "Returns", "RETURN VALUE") + errors(family)
    out += listing(family, "Threads", "THREADS")
    out += listing(family, "Cost", "NOTES") + listing(family, "Since", "HISTORY")
    mine = [n for n, w in words.items() if w & set(family.names)]
    best = max(mine, key=lambda n: (len(words[n] & set(family.names)), is_named_for(n, family)),
               default=None)
    if best:
        with open(os.path.join(ROOT, "docs", "examples", best), encoding="utf-8") as file:
            program = [line for line in file.read().split("\n") if "SPDX-License" not in line]
        out += heading("EXAMPLES", "=") + ["::", ""] + ["    " + line for line in program] + [""]
    others = [f"``{f.page}(3)``" for f in families if f is not family]
    out += heading("SEE ALSO", "=") + [", ".join(others), ""]
    return "\n".join(out) + "\n"


def convert(tool, text):
    run = subprocess.run([tool, "--halt=2", "-q"], input=text, capture_output=True, text=True,
                         check=False)
    if run.returncode != 0:
        sys.exit(f"reference.py: {tool}: {run.stderr}")
    return run.stdout


def man_page(family, text, version):
    page_text = convert("rst2man", text)
    names = ", ".join(dict.fromkeys([family.page] + family.names))
    page_text = re.sub(r"(\.SH NAME\n).*?(?=\n\.)", lambda m: f"{m.group(1)}{names} \\- {short(family)}",
                       page_text, count=1, flags=re.S)
    return re.sub(r'^\.TH .*$', f'.TH "{family.page.upper()}" 3 "" "uvchan {version}" "uvchan"',
                  page_text, count=1, flags=re.M)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_all(families, out, version):
    words = example_words()
    index = []
    for family in families:
        text = page(family, families, words)
        write(f"{out}/man3/{family.page}.3", man_page(family, text, version))
        write(f"{out}/html/{family.page}.html", convert("rst2html5", text))
        for name in family.names:
            write(f"{out}/man3/{name}.3", f".so man3/{family.page}.3\n")
        links = ", ".join(f'<a href="{family.page}.html">{html.escape(n)}</a>'
                          for n in family.names or [family.page])
        index.append(f"<h2>{html.escape(family.title)}</h2>\n<p>{links}</p>")
    write(f"{out}/html/index.html", "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>uvchan</title>\n"
          f"<h1>uvchan {version}: the reference</h1>\n" + "\n".join(index) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out")
    parser.add_argument("--version", default="")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    overview = Overview("uvchan.h", "Channels and work pools for libuv", [])
    families = [overview]
    for header in HEADERS:
        if os.path.exists(os.path.join(ROOT, "include", header)):
            preface, more = read_header(header)
            overview.intro += preface + [""]
            families += more
    for family in families:
        for item in family.items:
            finish(item)
    bad = check(families)
    for line in bad:
        print(f"reference.py: {line}", file=sys.stderr)
    if not options.check:
        write_all(families, options.out, options.version)
    print(f"reference.py: {sum(len(f.names) for f in families)} names in {len(families)} pages")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
