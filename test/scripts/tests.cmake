# SPDX-License-Identifier: MIT
# The scripts themselves, and what they say of the sources. Where a checker is not here, its test is
# left out.
uvchan_add_script(floors floors.sh)
uvchan_add_script(scripts scripts.sh)
uvchan_add_script(server-rooms ../server/rooms.sh)
uvchan_add_script(server-embedding ../server/embedding.sh "${CMAKE_C_COMPILER}"
  "${CMAKE_CURRENT_BINARY_DIR}")
uvchan_add_script(run-demo run-demo.sh)
uvchan_add_script(run-portability run-portability.sh)
uvchan_add_script(spdx spdx.sh)
uvchan_add_script(format format.sh)
uvchan_add_script(tidy tidy.sh)
set_tests_properties(${name_prefix}format ${name_prefix}tidy PROPERTIES SKIP_RETURN_CODE 77)
set_tests_properties(${name_prefix}tidy PROPERTIES TIMEOUT 1200)
