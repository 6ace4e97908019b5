# SPDX-License-Identifier: MIT
"""The results as plots, by gnuplot where it is here."""

import os
import shutil
import subprocess

from measure.run import tell
from measure.tables import labels_of, number
from measure.workloads import BARS, CURVES


COLOURS = {
  "uvchan": "#0b5cad", "array": "#d9822b", "crossbeam": "#5b8c5a", "tokio": "#9a6fb0",
  "go": "#7a7a7a"
}
POINTS = {"uvchan": 7, "array": 5, "crossbeam": 9, "tokio": 13, "go": 11}
OTHER = "#b9bec4"
NO_CHANNEL = "#dde1e5"
INK = "#333333"

HEAD = """set encoding utf8
set border 3 linecolor rgb '#999999'
set tics nomirror textcolor rgb '%(ink)s'
set grid ytics linecolor rgb '#e4e4e4' linetype 1
""" % {"ink": INK}


def terminal(path, width, height, size):
  return ("set terminal svg size %d,%d font 'Helvetica,Arial,sans-serif,%d' noenhanced "
          "background rgb 'white'\nset output '%s'\n") % (
    width, height, size, path.replace("'", "''"))


def plot_curve(path, name, points, results):
  labels = [
    label for label in COLOURS if sum(1 for row in points if results.has(row.id, label)) > 1
  ]
  if "uvchan" not in labels:
    return None
  script = [terminal(path, 720, 430, 17), HEAD]
  figures = []
  for label in labels:
    script.append("$%s << END" % label)
    for row in points:
      three = results.spread(row.id, label, "ns")
      if three:
        script.append("%d %f %f %f" % ((row.x,) + three))
        figures.append(three[0])
    script.append("END")
  spans = max(figures) > 8 * min(figures)
  powers = ", ".join("'{:,}' {}".format(10**n, 10**n) for n in range(10))
  ticks = ", ".join("'%s' %d" % ("{:,}".format(row.x), row.x)
                    for row in points
                    if results.has(row.id, "uvchan"))
  script += [
    "set logscale x %d" % (10 if points[-1].x > 100 else 2),
    "set xtics (%s)" % ticks,
    "set logscale y 10\nset ytics (%s)" % powers if spans else "set yrange [0:*]",
    "set xlabel '%s' textcolor rgb '%s'" % (CURVES[name], INK),
    "set ylabel 'ns a value%s' textcolor rgb '%s'" % (", logarithmic" if spans else "", INK),
    "set key outside top center horizontal samplen 2 textcolor rgb '%s'" % INK,
    "set rmargin 6",
    "set offsets graph 0.03, graph 0.03, 0, 0",
  ]
  styles = {
    label: "linecolor rgb '%s' linewidth %d pointtype %d pointsize 0.8" %
    (COLOURS[label], 3 if label == "uvchan" else 2, POINTS[label])
    for label in labels
  }
  # uvchan comes last, above the others.
  lines = [
    "$%s using 1:2:3:4 with yerrorlines notitle %s" % (label, styles[label])
    for label in reversed(labels)
  ]
  lines += ["NaN with linespoints title '%s' %s" % (label, styles[label]) for label in labels]
  return script + ["plot " + ", \\\n  ".join(lines)]


def plot_bars(path, rows, results):
  """A small panel for each row, bars that grow to the right, the figures beside them."""
  panels = []
  for row in (row for name in BARS for row in rows if row.id == name):
    bars = [(label, results.spread(row.id, label, "ns")) for label in labels_of(row, results)]
    if len(bars) > 1 and bars[0][0] == "uvchan":
      panels.append((row, sorted(bars, key=lambda bar: bar[1][0])))
  if not panels:
    return None
  columns = min(3, len(panels))
  lines = [panels[i:i + columns] for i in range(0, len(panels), columns)]
  heights = [62 + 25 * max(len(bars) for _, bars in line) for line in lines]
  width, height = 340 * columns, sum(heights) + 8
  script = [
    terminal(path, width, height, 14), "set encoding utf8", "set multiplot", "unset border",
    "unset key", "unset xtics", "set style fill solid noborder",
    "set ytics scale 0 textcolor rgb '%s'" % INK
  ]
  top = 0
  for line, tall in zip(lines, heights):
    for i, (row, bars) in enumerate(line):
      script += panel(i, row, bars,
                      (i * 340 / width, 1 - (top + tall) / height, 340 / width, tall / height),
                      max(len(others) for _, others in line), tall)
    top += tall
  return script + ["unset multiplot"]


def panel(nth, row, bars, place, slots, tall):
  most = max(three[0] for _, three in bars)
  x, y, width, height = place
  script = ["$bars%d << END" % nth]
  for i, (label, (median, _, _)) in enumerate(bars):
    colour = {"uvchan": COLOURS["uvchan"], "limits": NO_CHANNEL}.get(label, OTHER)
    colour = colour.replace("#", "0x")
    script.append("%f %d %s \"%s\" \"%s\"" % (median, -i, colour, label, number(median)))
  script += [
    "END",
    "set origin %f,%f" % (x, y),
    "set size %f,%f" % (width, height),
    "set lmargin at screen %f" % (x + width * 0.33),
    "set rmargin at screen %f" % (x + width * 0.83),
    "set tmargin at screen %f" % (y + height * (1 - 34 / tall)),
    "set bmargin at screen %f" % (y + height * 16 / tall),
    "set label 1 '%s, ns a value' at screen %f,%f left textcolor rgb '%s'" %
    (row.id, x + width * 0.33, y + height * (1 - 20 / tall), INK),
    "set xrange [0:%f]" % most,
    "set yrange [%f:0.6]" % (0.4 - slots),
    "plot $bars%d using (0):2:(0):1:($2-0.36):($2+0.36):(column(3)):ytic(4) "
    "with boxxyerror linecolor rgb variable, \\" % nth,
    "  $bars%d using 1:2:5 with labels left offset 0.6,0 textcolor rgb '%s'" % (nth, INK),
  ]
  return script


def draw(out, rows, results):
  """Answers the names of the plots that were drawn."""
  if shutil.which("gnuplot") is None:
    tell("there is no gnuplot here: no plots")
    return []
  wanted = {"bars": lambda path: plot_bars(path, rows, results)}
  for name in CURVES:
    wanted[name] = lambda path, name=name: plot_curve(
      path, name, [row for row in rows if row.curve == name], results)
  drawn = []
  for name, plot in wanted.items():
    path = os.path.join(out, name + ".svg")
    script = plot(path)
    if script is None:
      continue
    ended = subprocess.run(["gnuplot"], input="\n".join(script) + "\n", capture_output=True,
                           text=True, timeout=60)
    if ended.returncode != 0 or not os.path.exists(path):
      tell("gnuplot did not draw %s: %s" % (path, ended.stderr.strip()[-300:]))
    else:
      drawn.append(name + ".svg")
  return drawn
