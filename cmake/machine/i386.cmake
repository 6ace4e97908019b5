# SPDX-License-Identifier: MIT
# A toolchain file of CMake's: 32 bits, by a compiler for x86-64 that has the libraries (Debian:
# lib32gcc-12-dev and libc6-dev-i386).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER gcc)
# The kernel's headers of one machine are those of the other, and Debian has them where 32 bits
# don't look.
set(CMAKE_C_FLAGS_INIT "-m32 -Wno-psabi -idirafter /usr/include/x86_64-linux-gnu")
