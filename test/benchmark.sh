#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds uvchan, its benchmark programs and those of its peers, after installing what they need, and
# measures them. A peer that can't be installed or built here is named and left out.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=test/benchmark.sh
build=${UVCHAN_BUILD_DIR:-$root/build}
# shellcheck source=cmake/prepare.sh
. "$root/cmake/prepare.sh"

usage() {
  cat <<'EOF'
Usage: sh test/benchmark.sh [--quick] [--rounds N] [--ms N] [--only ID[,..]] [--peers NAME[,..]]
       [--out DIR]
Installs what is missing, builds everything into build/benchmark, and measures uvchan against its
peers by test/benchmarks/benchmark.py.

  --quick            3 rounds of 40 ms a run, and fewer points of the curves: a look, in less than
                     two minutes
  --rounds N         7, where nothing is said
  --ms N             how long each run takes, in milliseconds: 300, where nothing is said
  --only ID[,..]     these workloads alone: ids (stream-8, pingpong), patterns ('select-*') or
                     curves (senders, capacity, many, loops)
  --peers NAME[,..]  these peers alone, of list, array, moodycamel, ck, glib, libuv, hiredis, asio,
                     crossbeam, flume, tokio, go and limits; or none
  --out DIR          where results.csv, tables.md and the plots go: build/benchmark/results, where
                     nothing is said

The exit code is 1 where a run of uvchan failed; targets that are not met are told, and no more.
UVCHAN_BUILD_DIR names another build directory than build/.
EOF
}

wrong() { # wrong WHAT
  say "$1"
  usage >&2
  exit 2
}

peers='list array moodycamel ck glib libuv hiredis asio crossbeam flume tokio go limits'
out=
options=
only=
while [ $# -gt 0 ]; do
  option=$1
  case $option in
    --help | -h)
      usage
      exit 0
      ;;
    --quick) options="$options --quick" ;;
    --rounds | --ms | --only | --peers | --out)
      value=${2-}
      if [ -z "$value" ]; then wrong "$option lacks its value"; fi
      shift
      case $option in
        --only) only=$value ;;
        --peers) peers=$(echo "$value" | tr ',' ' ') ;;
        --out) out=$value ;;
        *)
          case $value in 0* | *[!0-9]*) wrong "'$value' is not a number for $option" ;; esac
          options="$options $option $value"
          ;;
      esac
      ;;
    *) wrong "there is no option '$option'" ;;
  esac
  shift
done
[ "$peers" != none ] || peers=
for peer in $peers; do
  case $peer in
    list | array | moodycamel | ck | glib | libuv | hiredis) ;;
    asio | crossbeam | flume | tokio | go | limits) ;;
    *) wrong "there is no peer '$peer'" ;;
  esac
done

# ---- What the peers need -------------------------------------------------------------------------

needs_of() { # needs_of PEER
  case $1 in
    moodycamel) echo c++ concurrentqueue ;;
    ck | glib | go) echo "$1" ;;
    asio) echo c++ ;;
    hiredis) echo hiredis redis-server ;;
    crossbeam | flume | tokio) # built together
      echo cargo crate-crossbeam-channel crate-flume crate-libc crate-tokio
      ;;
  esac
}

has_asio() { # has_asio OPTION...: with channels between threads
  echo '#include <boost/asio/experimental/concurrent_channel.hpp>' >"$benchmark/asio.cc"
  "${CXX:-$(first_of c++ g++ clang++)}" -std=c++20 "$@" -fsyntax-only "$benchmark/asio.cc" \
    >/dev/null 2>&1
}

# Debian 12 has Boost 1.81 beside 1.74, but its headers can't be installed beside those of 1.74:
# they are unpacked here.
unpack_boost() { # unpack_boost DIRECTORY
  mkdir -p "$1"
  cd "$1"
  apt-get download libboost1.81-dev ||
    { [ "$(id -u)" -eq 0 ] && apt-get update && apt-get download libboost1.81-dev; } || return 1
  dpkg-deb -x libboost1.81-dev_*.deb . || return 1
  rm -f libboost1.81-dev_*.deb
}

find_boost() {
  if has_asio; then return; fi
  BOOST_INCLUDE=$benchmark/boost/usr/include
  export BOOST_INCLUDE
  if has_asio -isystem "$BOOST_INCLUDE"; then return; fi
  command -v apt-get >/dev/null 2>&1 || return 1
  (quietly 'fetching the headers of Boost 1.81' unpack_boost "$benchmark/boost") &&
    has_asio -isystem "$BOOST_INCLUDE"
}

# ---- Building ------------------------------------------------------------------------------------

built=
left_out=

leave_out() { # leave_out PEER WHY
  say "$1 is left out: $2"
  left_out="$left_out $1"
}

prepare_peer() { # prepare_peer PEER
  # shellcheck disable=SC2046 # needs are words
  if ! (install_missing $(needs_of "$1")); then
    leave_out "$1" 'what it needs is not here'
  elif [ "$1" = asio ] && ! find_boost; then
    leave_out "$1" 'the headers of Boost 1.81 or later are not here'
  elif ! (quietly "building $1" build_peer "$1" "$benchmark/peers"); then
    leave_out "$1" 'it was not built'
  else
    built="$built,$1"
  fi
}

open_build
install_missing cc cmake make pkg-config libuv check python
(install_missing gnuplot) || say 'there will be no plots'
(install_missing hiredis redis-server) || say 'nothing will be measured of uvchan-redis'
benchmark=$build/benchmark
mkdir -p "$benchmark/peers"

configure "$benchmark" -DCMAKE_BUILD_TYPE=Release -DUVCHAN_BUILD_TESTS=ON -DUVCHAN_BUILD_DEMOS=OFF \
  -DUVCHAN_BUILD_SERVER=OFF \
  -DUVCHAN_BUILD_SHARED=OFF -DUVCHAN_COVERAGE=OFF -DUVCHAN_SANITIZE= -DUVCHAN_INJECT=OFF \
  -DUVCHAN_PORTABLE=OFF
quietly 'building uvchan' cmake --build "$benchmark" --parallel "$(jobs)" --target benchmarks

UVCHAN_LIBRARIES=$benchmark
PEERS_DIR=$root/test/benchmarks/peers
# shellcheck source=test/benchmarks/peers/build.sh
. "$PEERS_DIR/build.sh"
for peer in $peers; do prepare_peer "$peer"; done
if [ -n "$left_out" ]; then say "left out:$left_out"; fi

# shellcheck disable=SC2086 # the options are words
exec python3 -B "$root/test/benchmarks/benchmark.py" $options ${only:+"--only=$only"} \
  "--peers=${built#,}" \
  "$benchmark/test" "$benchmark/peers" "${out:-$benchmark/results}"
