# SPDX-License-Identifier: MIT
"""How the benchmarks are measured; benchmark.py is the program."""
