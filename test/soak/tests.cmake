# SPDX-License-Identifier: MIT
# Some seconds of the soak; sh test/soak.sh takes as long as is asked for.
file(GLOB soak_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.c")
add_executable(soak ${soak_sources})
target_link_libraries(soak PRIVATE uvchan_static Threads::Threads)
uvchan_add_test(soak $<TARGET_FILE:soak> 3)
