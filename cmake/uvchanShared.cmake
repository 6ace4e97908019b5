# SPDX-License-Identifier: MIT
# The shared library. It exports the public names alone, those of uvchan.map: with their versions
# where the linker knows version scripts, and without where it has another way.
uvchan_add_library(uvchan_shared SHARED)

# Sizes and places of what a program declares stay, see the layout and abi tests: so the number of
# the ABI does. It is not the version's: libraries with smaller structures are called 1 and 1.1.
set(uvchan_abi 2)
set_target_properties(uvchan_shared PROPERTIES
  VERSION ${uvchan_abi}.${PROJECT_VERSION_MINOR}.${PROJECT_VERSION_PATCH} SOVERSION ${uvchan_abi})

set(uvchan_map "${PROJECT_SOURCE_DIR}/cmake/uvchan.map")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${uvchan_map}")
if(WIN32)
  file(STRINGS "${uvchan_map}" uvchan_names REGEX "^ +uvchan_[a-z_]+;")
  string(REGEX REPLACE "[ ;]+" "\n  " uvchan_names "${uvchan_names}")
  file(WRITE "${PROJECT_BINARY_DIR}/uvchan.def" "EXPORTS\n${uvchan_names}\n")
  target_sources(uvchan_shared PRIVATE "${PROJECT_BINARY_DIR}/uvchan.def")
elseif(APPLE)
  target_link_options(uvchan_shared PRIVATE "LINKER:-exported_symbol,_uvchan_[a-z]*")
else()
  # some linkers take no name in a script that is not there: so the question has none
  file(WRITE "${PROJECT_BINARY_DIR}/CMakeFiles/uvchan-probe.map" "{ local: *; };\n")
  set(CMAKE_REQUIRED_LINK_OPTIONS
    "-Wl,--version-script=${PROJECT_BINARY_DIR}/CMakeFiles/uvchan-probe.map")
  check_c_source_compiles("int main(void) { return 0; }" UVCHAN_HAS_VERSION_SCRIPT)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
endif()
if(UVCHAN_HAS_VERSION_SCRIPT)
  target_link_options(uvchan_shared PRIVATE "-Wl,--version-script=${uvchan_map}")
  set_target_properties(uvchan_shared PROPERTIES LINK_DEPENDS "${uvchan_map}")
endif()
