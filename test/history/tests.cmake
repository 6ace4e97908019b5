# SPDX-License-Identifier: MIT
# Histories: short random runs, each judged by a sequential channel.
file(GLOB history_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.c")
add_executable(test-history ${history_sources})
target_link_libraries(test-history PRIVATE uvchan_support)
target_sources(test-history PRIVATE $<TARGET_OBJECTS:steps_by_clock>) # its ages are the test's
uvchan_add_test(history $<TARGET_FILE:test-history>)
