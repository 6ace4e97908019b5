# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What run-demo.sh and run-portability.sh share; they set `name` (for messages) and source this
# file. `work` is a directory of their own, that goes with them.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UVCHAN_BUILD_DIR="$work/build"

expect() { # expect STATUS TEXT COMMAND...: it ends with the status, and says the text
  wanted=$1
  text=$2
  shift 2
  status=0
  output=$("$@" 2>&1) || status=$?
  case $status:$output in
    "$wanted:"*"$text"*) return ;;
  esac
  # shellcheck disable=SC2154 # name is set by whoever sources this
  printf '%s\n%s: status %s and not %s, or no "%s": %s\n' "$output" "$name" "$status" "$wanted" \
    "$text" "$*"
  exit 1
}

# A path on which nothing but these tools is to be found: no compiler, no package manager.
bare_path() { # bare_path TOOL...
  for tool in "$@"; do ln -s "$(command -v "$tool")" "$work/$tool"; done
  echo "$work"
}
