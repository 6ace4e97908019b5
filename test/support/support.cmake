# SPDX-License-Identifier: MIT
# What the suites share.
file(GLOB support_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.c")
add_library(uvchan_support STATIC ${support_sources})
target_include_directories(uvchan_support
  PUBLIC "${CMAKE_CURRENT_LIST_DIR}" "${PROJECT_SOURCE_DIR}/lib")
target_link_libraries(uvchan_support PUBLIC uvchan_static PkgConfig::CHECK Threads::Threads)
