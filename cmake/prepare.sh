# SPDX-License-Identifier: MIT
# What demo/run.sh, test/run.sh, test/benchmark.sh and test/portability.sh share: installing what is
# missing, and building. They set `name` (for messages), `root` (the source tree) and `build` (the
# build directory) and then source this file. Messages go to standard error; the output of a step is
# shown where it fails.

say() { printf '%s: %s\n' "$name" "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

quietly() { # quietly WHAT COMMAND...
  what=$1
  shift
  say "$what"
  if "$@" >"$build/run.log" 2>&1; then return 0; fi
  cat "$build/run.log" >&2
  fail "$what: failed, with the output above"
}

# ---- What is needed, how to see that it is here, and how each system calls it --------------------

# One call of `need` for each:
#
#   need NAME CHECK WORDS [MANAGER=PACKAGE[,PACKAGE]]...
#
# CHECK is a command that succeeds where it is here; WORDS say what it is. Where a manager is not
# named, the package is called NAME; `MANAGER=` says that it comes with something else. In a package
# @ is what a name's * stands for, and % the version of gcc; of several with | between it is the
# first that this system has.
needs() {
  need cc 'has_header c stdio.h' 'a C11 compiler (gcc or clang) with the headers of the C library' \
    apt-get=gcc,libc6-dev dnf=gcc,glibc-devel pacman=gcc apk=gcc,musl-dev brew=
  need c++ 'has_header c++ cstdio' 'a C++17 compiler (g++ or clang++)' \
    apt-get=g++ dnf=gcc-c++ pacman=gcc apk=g++ brew=
  need cmake 'has cmake' 'CMake 3.16 or later'
  need make 'has make ninja' 'make (or ninja)' brew=
  need pkg-config 'has pkg-config' 'pkg-config (or pkgconf)' \
    dnf=pkgconf-pkg-config pacman=pkgconf apk=pkgconf brew=pkgconf
  need libuv has_libuv 'libuv 1.42 or later, with its headers' \
    apt-get=libuv1-dev dnf=libuv-devel apk=libuv-dev
  need check 'has_module check' 'Check, the unit test framework, with its headers' \
    dnf=check-devel apk=check-dev
  need llhttp has_llhttp 'llhttp, the HTTP parser, with its header' \
    'apt-get=libllhttp-dev|node-llhttp' dnf=llhttp-devel apk=llhttp-dev
  need http-library has_http_library 'llhttp or http_parser, the HTTP parsers, with a header' \
    'apt-get=libllhttp-dev|node-llhttp|libhttp-parser-dev' dnf=llhttp-devel pacman=llhttp \
    apk=llhttp-dev brew=llhttp
  need jansson 'has_module jansson' 'Jansson, the JSON library, with its headers' \
    apt-get=libjansson-dev dnf=jansson-devel apk=jansson-dev
  need hiredis 'has_header c hiredis/async.h' 'hiredis, with its headers' \
    apt-get=libhiredis-dev dnf=hiredis-devel apk=hiredis-dev
  need redis-server 'has redis-server valkey-server' 'redis-server (or valkey-server)' \
    dnf=valkey pacman=valkey apk=redis brew=redis
  need python 'has python3' 'Python 3.8 or later' apt-get=python3 dnf=python3 apk=python3
  need curl 'has curl' 'curl, the HTTP client'
  need wrk 'has wrk' 'wrk, the HTTP load generator'
  need ab 'has ab' 'ab, the HTTP load generator of Apache' \
    apt-get=apache2-utils dnf=httpd-tools pacman=apache apk=apache2-utils brew=
  need h2load 'has h2load' 'h2load, the HTTP load generator of nghttp2' \
    apt-get=nghttp2-client dnf=nghttp2 pacman=nghttp2 apk=nghttp2 brew=nghttp2
  need siege 'has siege' 'siege, the HTTP load generator'
  need chromium 'has chromium chromium-browser' 'Chromium, the browser'
  need chromedriver 'has chromedriver' 'chromedriver, which drives Chromium' \
    apt-get=chromium-driver pacman= apk=chromium-chromedriver
  need ck 'has_module ck' 'Concurrency Kit, with its headers' apt-get=libck-dev dnf=ck-devel
  need glib 'has_module glib-2.0' 'GLib 2, with its headers' \
    apt-get=libglib2.0-dev dnf=glib2-devel pacman=glib2 apk=glib-dev
  need concurrentqueue 'has_header c++ concurrentqueue/blockingconcurrentqueue.h' \
    'moodycamel::ConcurrentQueue, its headers' \
    apt-get=libconcurrentqueue-dev dnf=concurrentqueue-devel
  need go 'has go' Go apt-get=golang-go dnf=golang
  need cargo 'has cargo' 'Rust, with cargo' pacman=rust brew=rust
  need 'crate-*' has_crate 'the crate @ of Rust' apt-get=librust-@-dev
  need gnuplot 'has gnuplot' 'gnuplot, which draws the plots' apt-get=gnuplot-nox
  need clang 'has clang' clang
  need cc-32 'links gcc -m32' 'the libraries with which gcc -m32 builds' \
    apt-get=lib32gcc-%-dev,libc6-dev-i386
  need sanitizers-32 'links gcc -m32 -fsanitize=address,undefined' \
    'the libraries with which gcc -m32 -fsanitize=address builds' \
    apt-get=lib32asan8,lib32ubsan1
  need cc-arm64 'has_cross_cc aarch64-linux-gnu' 'gcc for aarch64-linux-gnu' \
    apt-get=gcc-%-aarch64-linux-gnu,libc6-dev-arm64-cross
  need cc-s390x 'has_cross_cc s390x-linux-gnu' 'gcc for s390x-linux-gnu' \
    apt-get=gcc-%-s390x-linux-gnu,libc6-dev-s390x-cross
  need qemu-user 'has_both qemu-aarch64 qemu-s390x' \
    'qemu-user, which runs programs of other machines'
  need musl 'has musl-gcc' musl-gcc apt-get=musl-tools
  need mingw 'has x86_64-w64-mingw32-gcc-posix x86_64-w64-mingw32-gcc' 'gcc of mingw-w64' \
    apt-get=gcc-mingw-w64-x86-64-posix
  need wine 'has wine64 wine /usr/lib/wine/wine64' Wine apt-get=wine64
  need sources true 'the sources of libuv and Check'
  need abidiff 'has_both abidiff abidw' 'abidiff and abidw, which compare binary interfaces' \
    apt-get=abigail-tools dnf=libabigail
  need docutils 'has_both rst2man rst2html5' 'docutils, which makes the man pages' \
    apt-get=python3-docutils dnf=python3-docutils pacman=python-docutils apk=py3-docutils
  need meson 'has_both meson ninja' 'Meson, with ninja' \
    apt-get=meson,ninja-build dnf=meson,ninja-build pacman=meson,ninja apk=meson,samurai \
    brew=meson,ninja
  need lintian 'has lintian' 'lintian, which checks packages of Debian'
  need clang-format 'has_both clang-format-14 clang-tidy-14' 'clang-format 14 and clang-tidy 14' \
    apt-get=clang-format-14,clang-tidy-14
  need dpkg-source 'has dpkg-source' 'dpkg-source, which unpacks source packages' apt-get=dpkg-dev
  need sanitizers has_sanitizers \
    'the libraries of AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer' \
    dnf=libasan,libubsan,libtsan
}

need() { # need NAME CHECK WORDS [MANAGER=PACKAGES]...: takes the line where it is the wanted one
  # shellcheck disable=SC2254 # a name may be a pattern
  case $wanted in $1) ;; *) return 0 ;; esac
  check=$2
  words=$3
  shift 3
  packages=$*
}

look_up() { # look_up NEED: sets check, words and packages
  wanted=$1
  check=false
  words=$1
  packages=
  needs
}

is_here() { # is_here NEED
  look_up "$1"
  case $1 in crate-*) $check "${1#crate-}" ;; *) $check ;; esac
}

# By the shell alone: where something is missing, sed may be.
describe() { # describe NEED
  look_up "$1"
  case $words in
    *@*) printf '%s\n' "${words%%@*}${1#crate-}${words#*@}" ;;
    *) printf '%s\n' "$words" ;;
  esac
}

missing() { # missing NEED...: those that are not here
  found=
  for one in "$@"; do is_here "$one" || found="$found $one"; done
  echo "${found# }"
}

# ---- How to see that it is here ------------------------------------------------------------------

first_of() { # first_of COMMAND...: the first that is here
  for candidate in "$@"; do
    if command -v "$candidate" >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
}

has() { # has COMMAND...: one of them is here
  [ -n "$(first_of "$@")" ]
}

has_both() { # has_both COMMAND...: all of them are here
  for command in "$@"; do command -v "$command" >/dev/null 2>&1 || return 1; done
}

has_module() { # has_module NAME: pkg-config knows it
  pkg-config --exists "$1" >/dev/null 2>&1
}

has_header() { # has_header LANGUAGE HEADER: its compiler is here, and finds the header
  case $1 in
    c) compiler=${CC:-$(first_of cc gcc clang)} ;;
    *) compiler=${CXX:-$(first_of c++ g++ clang++)} ;;
  esac
  command -v "$compiler" >/dev/null 2>&1 &&
    printf '#include <%s>\n' "$2" | "$compiler" -x "$1" -fsyntax-only - >/dev/null 2>&1
}

has_cross_cc() { [ -n "$(cross_cc "$1")" ]; }

has_sanitizers() { # elsewhere they come with the compiler
  [ "$manager" != dnf ] || rpm -q libasan libubsan libtsan >/dev/null 2>&1
}

links() { # links COMPILER FLAG...: it makes a program with these flags
  command -v "$1" >/dev/null 2>&1 &&
    echo 'int main(void) { return 0; }' |
    "$@" -x c -o "$build/links" - >/dev/null 2>&1
}

cross_cc() { # cross_cc MACHINE: the compiler for it that is here
  first_of "$1-gcc" "$1-gcc-14" "$1-gcc-13" "$1-gcc-12"
}

has_libuv() { # by the name of pkg-config's that the caller names, or one of both
  for module in ${UVCHAN_LIBUV:-libuv libuv-static}; do
    if pkg-config --exists "$module >= 1.42" >/dev/null 2>&1; then return 0; fi
  done
  return 1
}

has_llhttp() { # as a library, or as sources where Debian 12 has them
  has_header c llhttp.h || [ -f /usr/share/include/llhttp/llhttp.h ]
}

has_http_library() { has_llhttp || has_header c http_parser.h; }

# The sources of a crate, as Debian installs them. Where there are no such packages, what builds
# with crates says what it lacks.
has_crate() { # has_crate NAME
  [ "$manager" = apt-get ] || return 0
  for crate in "/usr/share/cargo/registry/$1"-[0-9]*; do [ ! -d "$crate" ] || return 0; done
  return 1
}

# ---- Installing it -------------------------------------------------------------------------------

find_manager() {
  if [ "$(uname -s)" = Darwin ]; then first_of brew; else first_of apt-get dnf pacman apk; fi
}

# Debian's packages that are called without the version, gcc-multilib and the compilers for other
# machines, exclude each other.
gcc_version() { gcc -dumpversion 2>/dev/null || echo 12; }

package() { # package NEED: its packages' names
  look_up "$1"
  for entry in $packages; do
    case $entry in
      "$manager=") return ;;
      "$manager="*)
        printf '%s\n' "${entry#*=}" |
          sed -e "s/@/${1#crate-}/" -e "s/%/$(gcc_version)/" -e 's/,/ /g'
        return
        ;;
    esac
  done
  echo "$1"
}

first_known() { # first_known PACKAGE[|PACKAGE]...: the first that apt knows, or the last
  (
    IFS='|'
    for candidate in $1; do
      if apt-cache show "$candidate" >/dev/null 2>&1; then break; fi
    done
    echo "$candidate"
  )
}

install_packages() { # install_packages [sudo] -- PACKAGE...
  as_root=
  if [ "$1" = sudo ]; then as_root=sudo; shift; fi
  shift
  case $manager in
    apt-get)
      $as_root apt-get update || :
      # shellcheck disable=SC2046 # one package has no space
      set -- $(for one in "$@"; do first_known "$one"; done)
      $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
      ;;
    dnf) $as_root dnf install -y "$@" ;;
    pacman)
      $as_root pacman -S --needed --noconfirm "$@" ||
        $as_root pacman -Sy --needed --noconfirm "$@"
      ;;
    apk) $as_root apk add --update-cache "$@" ;;
    brew) brew install "$@" ;;
  esac
}

give_up() { # give_up WHY NEED...
  say "$1"
  shift
  for one in "$@"; do say "  - $(describe "$one")"; done
  exit 1
}

install_missing() { # install_missing NEED...
  manager=$(find_manager)
  needs=$(missing "$@")
  if [ -z "$needs" ]; then return; fi

  # shellcheck disable=SC2086 # needs and packages are words
  {
    if [ -z "$manager" ]; then
      give_up "no package manager that this script knows (apt, dnf, pacman, apk, brew); \
please install:" $needs
    fi
    packages=$(for one in $needs; do package "$one"; done | tr '\n' ' ')
    if [ -z "$packages" ]; then
      give_up 'please install (on macOS: xcode-select --install):' $needs
    fi

    rights=
    if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ]; then
      rights=$(first_of sudo)
      if [ -z "$rights" ]; then
        give_up "installing needs root, and there is no sudo. As root, install ${packages% }; \
missing is:" $needs
      fi
    fi
    quietly "installing with $manager: ${packages% }" install_packages $rights -- $packages

    needs=$(missing $needs)
    if [ -n "$needs" ]; then
      give_up "this system's packages are installed, and this is still missing:" $needs
    fi
  }
}

# ---- Building ------------------------------------------------------------------------------------

# The build directory may be there already. It is used as it is, unless it belongs to a tree at
# another place.
open_build() {
  if ! mkdir -p "$build" 2>/dev/null || [ ! -w "$build" ]; then
    fail "can't write to $build: take a copy of the tree that is yours, \
or name a directory in UVCHAN_BUILD_DIR"
  fi
  build=$(CDPATH='' cd -- "$build" && pwd)
}

configure() { # configure DIRECTORY OPTION...
  directory=$1
  shift
  cache=$directory/CMakeCache.txt
  if [ -f "$cache" ] && ! grep -qxF "CMAKE_CACHEFILE_DIR:INTERNAL=$directory" "$cache"; then
    say "$directory was configured at another place: configuring it anew"
    rm -rf "$cache" "$directory/CMakeFiles"
  fi
  # counts where no cache says otherwise
  if ! command -v make >/dev/null 2>&1; then export CMAKE_GENERATOR=Ninja; fi
  quietly "configuring $directory" cmake -S "$root" -B "$directory" "$@"
}

jobs() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }
