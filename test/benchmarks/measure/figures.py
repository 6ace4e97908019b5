# SPDX-License-Identifier: MIT
"""The figures of a run, as they are made from what a program told."""

def a_value(name):
  return lambda told: told[name] / told["values"] if told.get("values") and name in told else None


def of_loop(name):
  return lambda told: told["ns"] / told[name] if told.get(name) and "ns" in told else None


def plainly(name):
  return lambda told: told.get(name)


# name: how it is called, and how it is made of what the program told
FIGURES = {
  "ns": ("ns a value", a_value("ns")),
  "cpu": ("processor ns", a_value("cpu")),
  "server": ("server's processor ns", a_value("server_cpu")),
  "receiver": ("receiver's processor ns", a_value("receiver_cpu")),
  "slowest": ("slowest loop's ns", of_loop("least_values")),
  "fastest": ("fastest loop's ns", of_loop("most_values")),
  "p50": ("p50 ns", plainly("p50")),
  "p90": ("p90 ns", plainly("p90")),
  "p99": ("p99 ns", plainly("p99")),
  "p999": ("p99.9 ns", plainly("p999")),
  "bytes": ("bytes", plainly("bytes")),
  "drained_bytes": ("bytes when drained", plainly("drained_bytes")),
}
TOLD = ("values", "ns", "cpu", "server_cpu", "receiver_cpu", "least_values", "most_values", "p50",
        "p90", "p99", "p999", "bytes", "drained_bytes")
