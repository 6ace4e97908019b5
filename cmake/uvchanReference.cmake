# SPDX-License-Identifier: MIT
# The reference, as man pages and HTML, made from the public headers where Python and docutils are
# here; a name that is not described fails the build. UVCHAN_BUILD_REFERENCE says whether: where
# nobody has set it, at the top, where they are here.
if(NOT DEFINED UVCHAN_BUILD_REFERENCE)
  set(UVCHAN_BUILD_REFERENCE ${uvchan_is_top})
endif()
if(NOT UVCHAN_BUILD_REFERENCE)
  return()
endif()

find_package(Python3 COMPONENTS Interpreter QUIET)
find_program(UVCHAN_RST2MAN rst2man)
find_program(UVCHAN_RST2HTML5 rst2html5)
mark_as_advanced(UVCHAN_RST2MAN UVCHAN_RST2HTML5)
if(NOT Python3_Interpreter_FOUND OR NOT UVCHAN_RST2MAN OR NOT UVCHAN_RST2HTML5)
  message(STATUS "The man pages are left out: they need Python and docutils "
                 "(Debian: python3-docutils)")
  return()
endif()

set(uvchan_reference "${PROJECT_BINARY_DIR}/reference")
file(GLOB uvchan_described CONFIGURE_DEPENDS include/*.h include/uvchan/*.h docs/examples/*.c)
add_custom_command(OUTPUT "${uvchan_reference}/made"
  COMMAND "${CMAKE_COMMAND}" -E rm -rf "${uvchan_reference}"
  COMMAND "${Python3_EXECUTABLE}" -B "${PROJECT_SOURCE_DIR}/docs/reference/reference.py"
    --out "${uvchan_reference}" --version "${PROJECT_VERSION}"
  COMMAND "${CMAKE_COMMAND}" -E touch "${uvchan_reference}/made"
  DEPENDS docs/reference/reference.py ${uvchan_described}
  COMMENT "Making the reference" VERBATIM)
add_custom_target(uvchan_reference ALL DEPENDS "${uvchan_reference}/made")

install(DIRECTORY "${uvchan_reference}/man3" DESTINATION "${CMAKE_INSTALL_MANDIR}"
  COMPONENT uvchan_documentation)
install(DIRECTORY "${uvchan_reference}/html" DESTINATION "${uvchan_doc_dir}"
  COMPONENT uvchan_documentation)
