# SPDX-License-Identifier: MIT
# The demo programs.
if(UVCHAN_BUILD_DEMOS AND UNIX) # the scripts know its signals and its ends of lines
  file(GLOB demo_tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/demo-*.sh")
  foreach(script IN LISTS demo_tests)
    get_filename_component(name "${script}" NAME_WE)
    uvchan_add_test(${name} "${SH_EXECUTABLE}" "${script}" "${PROJECT_BINARY_DIR}/demo")
  endforeach()
endif()
