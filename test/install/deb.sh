#!/bin/sh
# SPDX-License-Identifier: MIT
# deb.sh CMAKE GENERATOR COMPILER: `cpack -G DEB` makes three packages of Debian's, for the shared
# library, for building with it, and for reading; unpacked, they link a program that runs; and
# lintian, where it is here, has no error to tell.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2"
compiler=$3
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
  -DUVCHAN_BUILD_TESTS=OFF -DUVCHAN_BUILD_DEMOS=OFF -DUVCHAN_BUILD_SERVER=OFF
quietly "$cmake" --build "$work/build" --parallel 2
cd "$work/build"
quietly "$cpack" -G DEB

for package in libuvchan2 libuvchan-dev libuvchan-doc; do
  [ "$(find . -maxdepth 1 -name "${package}_*.deb" | wc -l)" -eq 1 ] || fail "there is no $package"
  quietly dpkg-deb -x "./${package}"_*.deb "$work/system"
  [ -s "$work/system/usr/share/doc/$package/copyright" ] || fail "$package has no licence"
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

libraries=$(dirname -- "$(find "$work/system" -name libuvchan.a)")
flags=$(PKG_CONFIG_PATH="$libraries/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}" \
  pkg-config --cflags --libs uvchan)
# shellcheck disable=SC2086 # the flags are words
quietly "$compiler" "$root/test/install/consumer/main.c" -o "$work/program" $flags -pthread
LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$work/program"

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
  echo 'deb.sh: three packages link a program that runs; lintian tells no error'
else
  echo 'deb.sh: three packages link a program that runs; lintian is not here'
fi
