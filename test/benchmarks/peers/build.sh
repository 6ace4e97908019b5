# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# build.sh, for a script to source: build_peer NAME OUTDIR builds the program of one peer as
# OUTDIR/NAME. It returns something other than 0, and leaves what the compiler or pkg-config said on
# stderr, where that cannot be done here.
#
#   PEERS_DIR       this directory
#   CC, CXX         cc and c++, unless set; CFLAGS and CXXFLAGS are added
#   UVCHAN_LIBRARIES
#                   where libuvchan.a and libuvchan-redis.a are, for hiredis
#   BOOST_INCLUDE   where the headers of Boost 1.81 or later are, for asio; unless set, where the
#                   compiler looks

# peers_flags PACKAGE...: its flags for the compiler. Headers of others are not ours to warn about.
peers_flags() {
  pkg-config --cflags --libs "$@" | sed 's/\(^\| \)-I */\1-isystem /g'
}

# build_c NAME OUTDIR PACKAGE...
build_c() (
  name=$1
  outdir=$2
  shift 2
  flags=$(pkg-config --print-errors --exists "$@" && peers_flags "$@") || return
  # shellcheck disable=SC2086 # several words each
  ${CC:-cc} -std=gnu11 -O3 -DNDEBUG -Wall -Wextra -Wpedantic -Wshadow -Wconversion ${CFLAGS-} \
    "$PEERS_DIR/$name.c" -o "$outdir/$name" \
    -pthread $flags
)

# By hand is beside uvchan-redis, and with its scripts: so both libraries are linked.
build_hiredis() (
  flags=$(pkg-config --print-errors --exists libuv hiredis && peers_flags libuv hiredis) || return
  # shellcheck disable=SC2086 # several words each
  ${CC:-cc} -std=gnu11 -O3 -DNDEBUG -Wall -Wextra -Wpedantic -Wshadow -Wconversion ${CFLAGS-} \
    -I"$PEERS_DIR/../../../include" -I"$PEERS_DIR/../../../lib" "$PEERS_DIR/hiredis.c" \
    -o "$1/hiredis" -pthread "$UVCHAN_LIBRARIES/libuvchan-redis.a" \
    "$UVCHAN_LIBRARIES/libuvchan.a" $flags -lm
)

# build_cxx NAME OUTDIR FLAG...
build_cxx() (
  name=$1
  outdir=$2
  shift 2
  # shellcheck disable=SC2086 # several words
  ${CXX:-c++} -std=c++20 -O3 -DNDEBUG -Wall -Wextra ${CXXFLAGS-} "$PEERS_DIR/$name.cc" \
    -o "$outdir/$name" -pthread "$@"
)

build_moodycamel() (
  flags=$(pkg-config --print-errors --exists libuv && peers_flags libuv) || return
  # shellcheck disable=SC2086 # several words
  build_cxx moodycamel "$1" $flags
)

build_asio() {
  if [ -n "${BOOST_INCLUDE-}" ]; then
    build_cxx asio "$1" -isystem "$BOOST_INCLUDE"
  else
    build_cxx asio "$1"
  fi
}

# build_rust NAME OUTDIR: all of them are built, in OUTDIR/rust, and the next one finds that done.
# Debian's cargo and crates are used, and no network. A copy is built, since cargo writes beside the
# sources.
build_rust() (
  outdir=$(CDPATH='' cd -- "$2" && pwd) || return
  work=$outdir/rust
  cargo=cargo
  if [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ]; then
    cargo=/usr/bin/cargo
    export RUSTC=/usr/bin/rustc
  fi
  rm -rf "$work/source" && mkdir -p "$work" && cp -pR "$PEERS_DIR/rust" "$work/source" &&
    cd "$work/source" || return
  CARGO_HOME=$work/home $cargo build --quiet --release --offline --target-dir "$work/target" \
    --config 'source.crates-io.replace-with="debian"' \
    --config 'source.debian.directory="/usr/share/cargo/registry"' &&
    cp "$work/target/release/$1" "$outdir/$1"
)

# build_go OUTDIR: without the network, in a cache of its own.
build_go() (
  outdir=$(CDPATH='' cd -- "$1" && pwd) && cd "$PEERS_DIR/go" || return
  export GOFLAGS=-mod=mod GOPROXY=off GOWORK=off GO111MODULE=on GOTOOLCHAIN=local CGO_ENABLED=0 \
    GOCACHE="$outdir/go-cache"
  go build -buildvcs=false -trimpath -o "$outdir/go" .
)

build_peer() {
  case $1 in
    list | array | libuv | limits) build_c "$1" "$2" libuv ;;
    hiredis) build_hiredis "$2" ;;
    ck) build_c ck "$2" libuv ck ;;
    glib) build_c glib "$2" glib-2.0 ;;
    moodycamel) build_moodycamel "$2" ;;
    asio) build_asio "$2" ;;
    crossbeam | flume | tokio) build_rust "$1" "$2" ;;
    go) build_go "$2" ;;
    *)
      echo "build.sh: no such peer: $1" >&2
      return 2
      ;;
  esac
}
