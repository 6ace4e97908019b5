# SPDX-License-Identifier: MIT
# As i386.cmake, for a processor that has no atomic operation on 8 bytes: those are calls of
# libatomic's.
include("${CMAKE_CURRENT_LIST_DIR}/i386.cmake")
string(APPEND CMAKE_C_FLAGS_INIT " -march=i486")
