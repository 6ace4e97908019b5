# SPDX-License-Identifier: MIT
# What the fuzzer has found worth keeping, run without it; sh test/fuzz.sh looks for more.
file(GLOB fuzz_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.c")
file(GLOB fuzz_inputs CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/corpus/*")
add_executable(fuzz-replay ${fuzz_sources})
target_link_libraries(fuzz-replay PRIVATE uvchan_static Threads::Threads)
uvchan_add_test(fuzz-replay $<TARGET_FILE:fuzz-replay> ${fuzz_inputs})
