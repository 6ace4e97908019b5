# What demo/run.sh, test/run.sh, test/benchmark.sh and test/portability.sh share: installing what is missing, and building. They set
# `name` (for messages), `root` (the source tree) and `build` (the build directory) and then source this file. Messages go to standard
# error; the output of a step is shown where it fails.

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

# ---- What is needed, and how to see that it is here -------------------------------------------------------------------------------

syntax() { # syntax COMPILER LANGUAGE HEADER
  command -v "$1" >/dev/null 2>&1 && printf '#include <%s>\n' "$3" | "$1" -x "$2" -fsyntax-only - >/dev/null 2>&1
}

first_of() { # first_of COMMAND...: the first that is here
  for candidate in "$@"; do
    if command -v "$candidate" >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
}

links() { # links COMPILER FLAG...: it makes a program with these flags
  command -v "$1" >/dev/null 2>&1 && echo 'int main(void) { return 0; }' | "$@" -x c -o "$build/links" - >/dev/null 2>&1
}

cross_cc() { # cross_cc MACHINE: the compiler for it that is here
  first_of "$1-gcc" "$1-gcc-14" "$1-gcc-13" "$1-gcc-12"
}

# The sources of a crate, as Debian installs them. Where there are no such packages, what builds with crates says what it lacks.
has_crate() { # has_crate NAME
  for crate in "/usr/share/cargo/registry/$1"-[0-9]*; do [ ! -d "$crate" ] || return 0; done
  return 1
}

has_libuv() { # by the name of pkg-config's that the caller names, or one of both
  for module in ${UVCHAN_LIBUV:-libuv libuv-static}; do
    if pkg-config --exists "$module >= 1.42" >/dev/null 2>&1; then return 0; fi
  done
  return 1
}

is_here() { # is_here NEED
  case $1 in
    cc) syntax "${CC:-$(first_of cc gcc clang)}" c stdio.h ;;
    c++) syntax "${CXX:-$(first_of c++ g++ clang++)}" c++ cstdio ;;
    cmake) command -v cmake >/dev/null 2>&1 ;;
    make) command -v make >/dev/null 2>&1 || command -v ninja >/dev/null 2>&1 ;;
    pkg-config) command -v pkg-config >/dev/null 2>&1 ;;
    libuv) has_libuv ;;
    check | jansson | ck) pkg-config --exists "$1" >/dev/null 2>&1 ;;
    glib) pkg-config --exists glib-2.0 >/dev/null 2>&1 ;;
    concurrentqueue) syntax "${CXX:-$(first_of c++ g++ clang++)}" c++ concurrentqueue/blockingconcurrentqueue.h ;;
    http-parser) syntax "${CC:-$(first_of cc gcc clang)}" c http_parser.h ;;
    python) command -v python3 >/dev/null 2>&1 ;;
    curl | wrk | chromedriver | go | cargo | gnuplot) command -v "$1" >/dev/null 2>&1 ;;
    chromium) [ -n "$(first_of chromium chromium-browser)" ] ;;
    crate-*) [ "$manager" != apt-get ] || has_crate "${1#crate-}" ;;
    clang | dpkg-source) command -v "$1" >/dev/null 2>&1 ;;
    cc-32) links gcc -m32 ;;
    sanitizers-32) links gcc -m32 -fsanitize=address,undefined ;;
    cc-arm64) [ -n "$(cross_cc aarch64-linux-gnu)" ] ;;
    cc-s390x) [ -n "$(cross_cc s390x-linux-gnu)" ] ;;
    qemu-user) command -v qemu-aarch64 >/dev/null 2>&1 && command -v qemu-s390x >/dev/null 2>&1 ;;
    musl) command -v musl-gcc >/dev/null 2>&1 ;;
    mingw) [ -n "$(first_of x86_64-w64-mingw32-gcc-posix x86_64-w64-mingw32-gcc)" ] ;;
    wine) [ -n "$(first_of wine64 wine /usr/lib/wine/wine64)" ] ;;
    sanitizers) [ "$manager" != dnf ] || rpm -q libasan libubsan libtsan >/dev/null 2>&1 ;;
  esac
}

missing() { # missing NEED...: those that are not here
  found=
  for need in "$@"; do is_here "$need" || found="$found $need"; done
  echo "${found# }"
}

describe() { # describe NEED
  case $1 in
    cc) echo 'a C11 compiler (gcc or clang) with the headers of the C library' ;;
    c++) echo 'a C++17 compiler (g++ or clang++)' ;;
    cmake) echo 'CMake 3.16 or later' ;;
    make) echo 'make (or ninja)' ;;
    pkg-config) echo 'pkg-config (or pkgconf)' ;;
    libuv) echo 'libuv 1.42 or later, with its headers' ;;
    check) echo 'Check, the unit test framework, with its headers' ;;
    http-parser) echo 'http_parser, the HTTP parser, with its header' ;;
    jansson) echo 'Jansson, the JSON library, with its headers' ;;
    python) echo 'Python 3.8 or later' ;;
    curl) echo 'curl, the HTTP client' ;;
    wrk) echo 'wrk, the HTTP load generator' ;;
    chromium) echo 'Chromium, the browser' ;;
    chromedriver) echo 'chromedriver, which drives Chromium' ;;
    ck) echo 'Concurrency Kit, with its headers' ;;
    glib) echo 'GLib 2, with its headers' ;;
    concurrentqueue) echo 'moodycamel::ConcurrentQueue, its headers' ;;
    go) echo 'Go' ;;
    cargo) echo 'Rust, with cargo' ;;
    crate-*) echo "the crate ${1#crate-} of Rust" ;;
    gnuplot) echo 'gnuplot, which draws the plots' ;;
    clang) echo 'clang' ;;
    cc-32) echo 'the libraries with which gcc -m32 builds' ;;
    sanitizers-32) echo 'the libraries with which gcc -m32 -fsanitize=address builds' ;;
    cc-arm64) echo 'gcc for aarch64-linux-gnu' ;;
    cc-s390x) echo 'gcc for s390x-linux-gnu' ;;
    qemu-user) echo 'qemu-user, which runs programs of other machines' ;;
    musl) echo 'musl-gcc' ;;
    mingw) echo 'gcc of mingw-w64' ;;
    wine) echo 'Wine' ;;
    dpkg-source) echo 'dpkg-source, which unpacks source packages' ;;
    sources) echo 'the sources of libuv and Check' ;;
    sanitizers) echo 'the libraries of AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer' ;;
  esac
}

# ---- Installing it ------------------------------------------------------------------------------------------------------------------

find_manager() {
  if [ "$(uname -s)" = Darwin ]; then first_of brew; else first_of apt-get dnf pacman apk; fi
}

# Debian's packages that are called without the version, gcc-multilib and the compilers for other machines, exclude each other.
gcc_version() { gcc -dumpversion 2>/dev/null || echo 12; }

package() { # package NEED: its packages' names
  case $manager:$1 in
    apt-get:cc) echo gcc libc6-dev ;;
    apt-get:c++) echo g++ ;;
    apt-get:libuv) echo libuv1-dev ;;
    apt-get:http-parser | apt-get:jansson | apt-get:ck | apt-get:concurrentqueue) echo "lib$1-dev" ;;
    apt-get:glib) echo libglib2.0-dev ;;
    apt-get:go) echo golang-go ;;
    apt-get:gnuplot) echo gnuplot-nox ;;
    apt-get:crate-*) echo "librust-${1#crate-}-dev" ;;
    apt-get:python) echo python3 ;;
    apt-get:cc-32) echo "lib32gcc-$(gcc_version)-dev" libc6-dev-i386 ;;
    apt-get:sanitizers-32) echo lib32asan8 lib32ubsan1 ;;
    apt-get:cc-arm64) echo "gcc-$(gcc_version)-aarch64-linux-gnu" libc6-dev-arm64-cross ;;
    apt-get:cc-s390x) echo "gcc-$(gcc_version)-s390x-linux-gnu" libc6-dev-s390x-cross ;;
    apt-get:musl) echo musl-tools ;;
    apt-get:mingw) echo gcc-mingw-w64-x86-64-posix ;;
    apt-get:wine) echo wine64 ;;
    apt-get:dpkg-source) echo dpkg-dev ;;
    apt-get:chromedriver) echo chromium-driver ;;
    dnf:cc) echo gcc glibc-devel ;;
    dnf:c++) echo gcc-c++ ;;
    dnf:pkg-config) echo pkgconf-pkg-config ;;
    dnf:libuv | dnf:check | dnf:http-parser | dnf:jansson) echo "$1-devel" ;;
    dnf:python) echo python3 ;;
    dnf:ck) echo ck-devel ;;
    dnf:glib) echo glib2-devel ;;
    dnf:go) echo golang ;;
    dnf:concurrentqueue) echo concurrentqueue-devel ;;
    dnf:sanitizers) echo libasan libubsan libtsan ;;
    pacman:cc | pacman:c++) echo gcc ;;
    pacman:pkg-config) echo pkgconf ;;
    pacman:chromedriver) ;; # with chromium
    pacman:cargo) echo rust ;;
    pacman:glib) echo glib2 ;;
    apk:cc) echo gcc musl-dev ;;
    apk:c++) echo g++ ;;
    apk:pkg-config) echo pkgconf ;;
    apk:libuv | apk:check | apk:http-parser | apk:jansson) echo "$1-dev" ;;
    apk:python) echo python3 ;;
    apk:glib) echo glib-dev ;;
    apk:chromedriver) echo chromium-chromedriver ;;
    brew:cc | brew:c++ | brew:make) ;;
    brew:pkg-config) echo pkgconf ;;
    brew:cargo) echo rust ;;
    *) echo "$1" ;;
  esac
}

install_packages() { # install_packages [sudo] -- PACKAGE...
  as_root=
  if [ "$1" = sudo ]; then as_root=sudo; shift; fi
  shift
  case $manager in
    apt-get)
      $as_root apt-get update || :
      $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
      ;;
    dnf) $as_root dnf install -y "$@" ;;
    pacman) $as_root pacman -S --needed --noconfirm "$@" || $as_root pacman -Sy --needed --noconfirm "$@" ;;
    apk) $as_root apk add --update-cache "$@" ;;
    brew) brew install "$@" ;;
  esac
}

give_up() { # give_up WHY NEED...
  say "$1"
  shift
  for need in "$@"; do say "  - $(describe "$need")"; done
  exit 1
}

install_missing() { # install_missing NEED...
  manager=$(find_manager)
  needs=$(missing "$@")
  if [ -z "$needs" ]; then return; fi

  # shellcheck disable=SC2086 # needs and packages are words
  {
    if [ -z "$manager" ]; then
      give_up 'no package manager that this script knows (apt, dnf, pacman, apk, brew); please install:' $needs
    fi
    packages=$(for need in $needs; do package "$need"; done | tr '\n' ' ')
    if [ -z "$packages" ]; then give_up 'please install (on macOS: xcode-select --install):' $needs; fi

    rights=
    if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ]; then
      rights=$(first_of sudo)
      if [ -z "$rights" ]; then
        give_up "installing needs root, and there is no sudo. As root, install ${packages% }; missing is:" $needs
      fi
    fi
    quietly "installing with $manager: ${packages% }" install_packages $rights -- $packages

    needs=$(missing $needs)
    if [ -n "$needs" ]; then give_up "this system's packages are installed, and this is still missing:" $needs; fi
  }
}

# ---- Building -----------------------------------------------------------------------------------------------------------------------

# The build directory may be there already. It is used as it is, unless it belongs to a tree at another place.
open_build() {
  if ! mkdir -p "$build" 2>/dev/null || [ ! -w "$build" ]; then
    fail "can't write to $build: take a copy of the tree that is yours, or name a directory in UVCHAN_BUILD_DIR"
  fi
  build=$(CDPATH='' cd -- "$build" && pwd)
}

configure() { # configure DIRECTORY OPTION...
  directory=$1
  shift
  if [ -f "$directory/CMakeCache.txt" ] && ! grep -qxF "CMAKE_CACHEFILE_DIR:INTERNAL=$directory" "$directory/CMakeCache.txt"; then
    say "$directory was configured at another place: configuring it anew"
    rm -rf "$directory/CMakeCache.txt" "$directory/CMakeFiles"
  fi
  if ! command -v make >/dev/null 2>&1; then export CMAKE_GENERATOR=Ninja; fi # counts where no cache says otherwise
  quietly "configuring $directory" cmake -S "$root" -B "$directory" "$@"
}

jobs() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }
