# The shared library. Where the linker knows version scripts it exports the public names alone.
# With a static libuv inside, it would bring a second one into each program.
if("${UVCHAN_LIBUV_LINK_LIBRARIES};${UVCHAN_LIBUV_LIBRARY}"
  MATCHES "(^|[;/:])(lib)?uv(_a)?\\.a(;|$)")
  message(STATUS "libuv is a static library here: uvchan is not built as a shared one")
  set(UVCHAN_BUILD_SHARED OFF)
  return()
endif()

add_library(uvchan_shared SHARED ${UVCHAN_SOURCES})
uvchan_library(uvchan_shared)
# Sizes and places of what a program declares stay, see the layout and abi tests: so the number of the
# ABI does. It is not the version's: 1 and 1.1 are the names of libraries with smaller structures.
set(uvchan_abi 2)
set_target_properties(uvchan_shared PROPERTIES
  VERSION ${uvchan_abi}.${PROJECT_VERSION_MINOR}.${PROJECT_VERSION_PATCH} SOVERSION ${uvchan_abi}
  LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}" WINDOWS_EXPORT_ALL_SYMBOLS ON)
add_library(uvchan::uvchan_shared ALIAS uvchan_shared)

set(uvchan_map "${PROJECT_SOURCE_DIR}/cmake/uvchan.map")
set(CMAKE_REQUIRED_LINK_OPTIONS "-Wl,--version-script=${uvchan_map}")
check_c_source_compiles("int main(void) { return 0; }" UVCHAN_HAS_VERSION_SCRIPT)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(UVCHAN_HAS_VERSION_SCRIPT)
  target_link_options(uvchan_shared PRIVATE "-Wl,--version-script=${uvchan_map}")
  set_target_properties(uvchan_shared PROPERTIES LINK_DEPENDS "${uvchan_map}")
endif()
