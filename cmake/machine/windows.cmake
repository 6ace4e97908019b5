# SPDX-License-Identifier: MIT
# A toolchain file of CMake's: Windows by mingw-w64, whose programs run by Wine (Debian:
# gcc-mingw-w64-x86-64-posix, wine64).
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
find_program(CMAKE_C_COMPILER NAMES x86_64-w64-mingw32-gcc-posix x86_64-w64-mingw32-gcc)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
# the threads of the C library come from a library that Windows hasn't
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
find_program(UVCHAN_WINE NAMES wine64 wine PATHS /usr/lib/wine)
set(CMAKE_CROSSCOMPILING_EMULATOR "${UVCHAN_WINE}")
