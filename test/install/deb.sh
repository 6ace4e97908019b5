#!/bin/sh
# SPDX-License-Identifier: MIT
# deb.sh CMAKE GENERATOR COMPILER [REDIS]: `cpack -G DEB` makes three packages of Debian's, for the
# shared library, for building with it, and for reading; with REDIS two more, for uvchan-redis;
# unpacked, they link a program that runs; and lintian, where it is here, has no error to tell.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2"
compiler=$3
redis=${4:+ON}
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"
cpack=$(dirname -- "$cmake")/cpack
[ -x "$cpack" ] || leave_out 'there is no cpack beside cmake'
command -v dpkg-deb >/dev/null 2>&1 || leave_out 'there is no dpkg-deb here (Debian: dpkg)'
[ "$module" = libuv ] || leave_out 'libuv is a static one, and uvchan not a shared library'

export DEBFULLNAME='A Builder' DEBEMAIL=builder@packages.debian.org
quietly "$cmake" -S "$root" -B "$work/build" -DCMAKE_C_COMPILER="$compiler" \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_INSTALL_PREFIX=/usr \
  -DUVCHAN_BUILD_TESTS=OFF -DUVCHAN_BUILD_DEMOS=OFF -DUVCHAN_BUILD_SERVER=OFF \
  -DUVCHAN_BUILD_REDIS="${redis:-OFF}"
quietly "$cmake" --build "$work/build" --parallel 2
cd "$work/build"
quietly "$cpack" -G DEB

packages='libuvchan2 libuvchan-dev libuvchan-doc'
if [ -n "$redis" ]; then packages="$packages libuvchan-redis1 libuvchan-redis-dev"; fi
mkdir "$work/system"
for package in $packages; do
  [ "$(find . -maxdepth 1 -name "${package}_*.deb" | wc -l)" -eq 1 ] || fail "there is no $package"
  quietly dpkg-deb -x "./${package}"_*.deb "$work/$package"
  cp -R "$work/$package/." "$work/system"
  [ -s "$work/$package/usr/share/doc/$package/copyright" ] || fail "$package has no licence"
done

says() { # says PACKAGE FIELD PATTERN
  dpkg-deb -f "./$1"_*.deb "$2" | grep -e "$3" >/dev/null || {
    dpkg-deb -f "./$1"_*.deb
    fail "$1: $2 is not: $3"
  }
}

says libuvchan2 Depends 'libuv1 (>='
says libuvchan2 Depends 'libc6 (>='
says libuvchan-dev Depends 'libuvchan2 (= 1\.[0-9.]*-1)'
says libuvchan-dev Depends 'libuv1-dev (>= 1\.42)'
says libuvchan-doc Architecture all
dpkg-deb -I ./libuvchan2_*.deb shlibs | grep '^libuvchan 2 libuvchan2 (>= ' >/dev/null ||
  fail 'libuvchan2 does not say what programs that use it depend on'
owns() { # owns PACKAGE PATTERN
  dpkg-deb -c "./$1"_*.deb | grep -e "$2" >/dev/null || fail "$1 has no $2"
}
owns libuvchan2 '/libuvchan\.so\.2 ->'
owns libuvchan-dev '/libuvchan\.so ->'
owns libuvchan-dev '/libuvchan\.a$'
owns libuvchan-dev '/include/uvchan/typed\.h$'
owns libuvchan-doc '/doc/uvchan/README\.md$'

# The core's have nothing of uvchan-redis, and need nothing that it needs.
if grep -rqsa -e hiredis "$work/libuvchan2" "$work/libuvchan-dev/usr/lib"/*/*uvchan.* ||
  find "$work/libuvchan2" "$work/libuvchan-dev" | grep redis; then
  fail "a package of uvchan's knows uvchan-redis"
fi
for package in libuvchan2 libuvchan-dev; do
  if dpkg-deb -f "./${package}"_*.deb Depends | grep redis; then fail "$package needs hiredis"; fi
done
if [ -n "$redis" ]; then
  says libuvchan-redis1 Depends 'libuvchan2 (>= 1\.'
  says libuvchan-redis1 Depends 'libhiredis[0-9.]* (>='
  says libuvchan-redis1 Depends 'libuv1 (>='
  says libuvchan-redis-dev Depends 'libuvchan-redis1 (= 1\.[0-9.]*-1)'
  says libuvchan-redis-dev Depends 'libuvchan-dev (= 1\.[0-9.]*-1)'
  says libuvchan-redis-dev Depends 'libhiredis-dev (>= 0\.14)'
  dpkg-deb -I ./libuvchan-redis1_*.deb shlibs |
    grep '^libuvchan-redis 1 libuvchan-redis1 (>= ' >/dev/null ||
    fail 'libuvchan-redis1 does not say what programs that use it depend on'
  owns libuvchan-redis1 '/libuvchan-redis\.so\.1 ->'
  for file in libuvchan-redis\\.so libuvchan-redis\\.a pkgconfig/uvchan-redis\\.pc \
    include/uvchan/redis\\.h uvchanRedisTargets\\.cmake; do
    owns libuvchan-redis-dev "/$file"
  done
fi

libraries=$(dirname -- "$(find "$work/system" -name libuvchan.a)")
export PKG_CONFIG_PATH="$libraries/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
links() { # links MODULE SOURCE: a program that runs
  # shellcheck disable=SC2046 # the flags are words
  quietly "$compiler" "$root/test/install/consumer/$2" -o "$work/program" \
    $(pkg-config --cflags --libs "$1") -pthread
  "$work/program" || fail "$2 does not run"
}
links uvchan main.c
if [ -n "$redis" ]; then links uvchan-redis redis.c; fi

# The man pages are there where they could be made, and man finds a name's.
pages=$work/system/usr/share/man
if [ -d "$pages" ] && command -v man >/dev/null 2>&1; then
  man -M "$pages" uvchan_send_wait | grep uvchan_send_wait >/dev/null ||
    fail 'man finds no page of uvchan_send_wait'
fi

if command -v lintian >/dev/null 2>&1; then
  lintian --allow-root --tag-display-limit 0 ./*.deb >"$work/lintian" 2>&1 || :
  head -n 20 "$work/lintian"
  if grep -q "^E:" "$work/lintian"; then fail 'lintian tells errors'; fi
  echo "deb.sh: $(echo "$packages" | wc -w) packages link a program that runs; lintian tells no error"
else
  echo "deb.sh: $(echo "$packages" | wc -w) packages link a program that runs; lintian is not here"
fi
