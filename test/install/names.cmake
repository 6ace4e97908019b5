# SPDX-License-Identifier: MIT
# The public names, in each library.
add_executable(names "${CMAKE_CURRENT_LIST_DIR}/names.c")
target_link_libraries(names PRIVATE uvchan_static)
uvchan_add_test(names $<TARGET_FILE:names>)
