# SPDX-License-Identifier: MIT
"""The results as tables: on the terminal, and in Markdown."""

from measure.figures import FIGURES
from measure.workloads import CURVES, PEERS


def number(n):
  for limit, form in ((10, "{:.2f}"), (100, "{:.1f}")):
    if n < limit:
      return form.format(n)
  return "{:,.0f}".format(n)


def cells(three, form=number):
  return [form(n) for n in three] if three else ["", "", ""]


def as_text(table):
  widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
  return [
    "  ".join([line[0].ljust(widths[0])] +
              [cell.rjust(width)
               for cell, width in zip(line[1:], widths[1:])]).rstrip()
    for line in table
  ]


def as_markdown(table, words=1):
  """The first columns are words, and the rest numbers."""
  rule = ["---"] * words + ["---:"] * (len(table[0]) - words)
  return ["| " + " | ".join(line) + " |" for line in [table[0], rule] + table[1:]]


def row_table(row, results, labels):
  """Every figure of one row: a line for each program."""
  there = [name for name in FIGURES if any(results.spread(row.id, label, name) for label in labels)]
  if row.figure == "bytes":  # the time is of no interest
    there = [name for name in there if name.endswith("bytes")]
  main = [name for name in there if name in ("ns", "bytes")]
  more = [name for name in there if name not in main]
  table = [["program"]]
  for name in main:
    table[0] += [FIGURES[name][0], "least", "most"]
  table[0] += [FIGURES[name][0] for name in more]
  table[0] += [
    "uvchan by it" + ("" if row.figure in main else ", " + FIGURES[row.figure][0]), "least", "most"
  ]
  for label in labels:
    line = [label]
    for name in main:
      line += cells(results.spread(row.id, label, name))
    line += [cells(results.spread(row.id, label, name))[0] for name in more]
    if label == "uvchan":
      line += ["", "", ""]
    else:
      line += cells(results.ratio(row.id, row.id, label, row.figure), "{:.2f}".format)
    table.append(line)
  return table


def labels_of(row, results):
  return [label for label in ("uvchan",) + row.peers if results.has(row.id, label)]


def print_rows(rows, results, verdicts):
  for row in rows:
    labels = labels_of(row, results)
    print("\n%s: %s (%s)" % (row.id, row.words, " ".join([row.workload] + row.args.split())))
    if not labels:
      print("  nothing was measured")
      continue
    for line in as_text(row_table(row, results, labels)):
      print("  " + line)
    beside = results.spread(row.beside, "uvchan", row.figure)
    if beside:
      print("  beside it, uvchan in %s: %s" % (row.beside, number(beside[0])))
    for verdict in verdicts:
      if verdict.row is row:
        measured = number(verdict.measured[0]) + ", " if verdict.measured else ""
        print("  target %s: %s%s" % (verdict.target.words(), measured, verdict.words()))


def print_verdicts(verdicts):
  print("\nTargets")
  table = [["workload", "target", "measured", "least", "most", ""]]
  table += [[v.row.id, v.target.words()] + cells(v.measured) + [v.words()] for v in verdicts]
  width = max(len(line[1]) for line in table)
  for line in as_text([[line[0], line[1].ljust(width)] + line[2:5] + [line[5].ljust(12)]
                       for line in table]):
    print("  " + line)
  judged = [v for v in verdicts if v.measured is not None]
  print("  %d of %d targets are met%s" %
        (sum(v.is_met() for v in judged), len(judged),
         "" if len(judged) == len(verdicts) else "; %d could not be measured" %
         (len(verdicts) - len(judged))))


def markdown_matrix(rows, results, figure, line_head):
  """Medians: a line for each row, a column for each program, with arguments of its own where the
  row has it with such only."""
  shown = [row for row in rows if results.spread(row.id, "uvchan", figure)]

  def find(row, name):
    labels = [name] + [label for label in row.peers if label.startswith(name + " ")]
    return next(filter(None, (results.spread(row.id, label, figure) for label in labels)), None)

  programs = [name for name in ("uvchan",) + PEERS if any(find(row, name) for row in shown)]
  table = [line_head[0] + programs]
  for row in shown:
    medians = [cells(find(row, name))[0] for name in programs]
    medians[0] = "**%s**" % medians[0]
    table.append(line_head[1](row) + medians)
  return as_markdown(table, len(line_head[0])) if shown else []


def markdown(machine, rows, results, verdicts, rounds, ms):
  by_words = (["workload", ""], lambda row: ["`%s`" % row.id, row.words])
  plain = [row for row in rows if not row.curve or row.curve == "many"]
  text = [
    "<!-- tables: written by test/benchmarks/benchmark.py -->", "",
    "Medians of %d rounds of %d ms a run, on this machine:" % (rounds, ms), ""
  ]
  text += ["- %s: %s" % one for one in machine]
  text += ["", "### Targets", ""]
  table = [["workload", "target", "", "measured", "least", "most"]]
  table += [["`%s`" % v.row.id, v.target.words(), v.words()] + cells(v.measured) for v in verdicts]
  text += as_markdown(table, 3)
  for figure, title in (("ns", "Nanoseconds a value"),
                        ("cpu", "Processor time a value, in nanoseconds, of all threads together")):
    matrix = markdown_matrix([row for row in plain if row.figure != "p50"], results, figure,
                             by_words)
    if matrix:
      text += ["", "### " + title, ""] + matrix
  text += markdown_figures("Latency to a loop that sleeps, in nanoseconds",
                           [row for row in plain if row.figure == "p50"], results,
                           ("p50", "p90", "p99", "p999", "receiver", "cpu"))
  text += markdown_figures("How long works wait, in nanoseconds",
                           [row for row in plain if "us=" in row.args], results,
                           ("p50", "p90", "p99", "p999", "ns", "cpu"))
  text += markdown_figures("Nanoseconds a work, of the slowest loop and the fastest",
                           [row for row in plain if row.figure == "slowest"], results,
                           ("slowest", "fastest", "cpu"))
  text += markdown_figures("Memory", [row for row in plain if row.workload == "memory"], results,
                           ("bytes", "drained_bytes"))
  for name, axis in CURVES.items():
    points = [row for row in rows if row.curve == name]
    matrix = markdown_matrix(points, results, "ns", ([axis], lambda row: ["{:,}".format(row.x)]))
    if matrix:
      text += ["", "### Nanoseconds a value, by %s" % axis, ""] + matrix
  text += [
    "", "<details>", "<summary>Every figure, with the least and the most of the rounds</summary>"
  ]
  for row in plain:
    labels = labels_of(row, results)
    if labels:
      text += [
        "",
        "`%s`: %s (`%s`)" % (row.id, row.words, " ".join([row.workload] + row.args.split())), ""
      ]
      text += as_markdown(row_table(row, results, labels))
  text += ["", "</details>", "", "<!-- end of tables -->"]
  return "\n".join(text) + "\n"


def markdown_figures(title, rows, results, figures):
  """Figures across, a line for each program of each row."""
  figures = [
    name for name in figures if any(
      results.spread(row.id, label, name) for row in rows for label in labels_of(row, results))
  ]
  table = [["workload", "program"] + [FIGURES[name][0] for name in figures]]
  for row in rows:
    for label in labels_of(row, results):
      table.append(["`%s`" % row.id, label] +
                   [cells(results.spread(row.id, label, name))[0] for name in figures])
  return ["", "### " + title, ""] + as_markdown(table, 2) if figures else []
