# SPDX-License-Identifier: MIT
# A toolchain file of CMake's: 64-bit Arm, whose programs run by qemu-user (Debian:
# gcc-12-aarch64-linux-gnu, libc6-dev-arm64-cross).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
find_program(CMAKE_C_COMPILER NAMES aarch64-linux-gnu-gcc aarch64-linux-gnu-gcc-14
  aarch64-linux-gnu-gcc-13 aarch64-linux-gnu-gcc-12)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
