# SPDX-License-Identifier: MIT
# A toolchain file of CMake's: big endian, whose programs run by qemu-user (Debian:
# gcc-12-s390x-linux-gnu, libc6-dev-s390x-cross).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
find_program(CMAKE_C_COMPILER
  NAMES s390x-linux-gnu-gcc s390x-linux-gnu-gcc-14 s390x-linux-gnu-gcc-13 s390x-linux-gnu-gcc-12)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-s390x -L /usr/s390x-linux-gnu)
