# SPDX-License-Identifier: MIT
# What the scripts of this folder share, which build and install in a directory of their own, work,
# which goes when they end.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DESTDIR

fail() {
  echo "${0##*/}: $*"
  exit 1
}

leave_out() { # leave_out WHY: ctest knows the code
  echo "${0##*/}: left out: $*"
  exit 77
}

quietly() { # quietly COMMAND...: what it says is shown where it fails
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "failed: $*"
  }
}
