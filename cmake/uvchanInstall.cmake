# SPDX-License-Identifier: MIT
# What `cmake --install` puts in place: libraries, headers, the CMake package, the pkg-config file,
# and documents, in three components. The packages find the rest from where they themselves are, so
# the whole may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(uvchan_targets "")
foreach(kind static shared)
  if(TARGET uvchan_${kind})
    list(APPEND uvchan_targets uvchan_${kind})
  endif()
endforeach()
set(uvchan_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/uvchan")

install(TARGETS ${uvchan_targets} EXPORT uvchanTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT uvchan_development
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT uvchan_runtime
    NAMELINK_COMPONENT uvchan_development
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT uvchan_runtime
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES include/uvchan.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT uvchan_development)
install(DIRECTORY include/uvchan DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT uvchan_development FILES_MATCHING PATTERN "*.h" PATTERN redis.h EXCLUDE)
install(FILES docs/gdb/uvchan-gdb.py DESTINATION "${CMAKE_INSTALL_DATADIR}/uvchan"
  COMPONENT uvchan_development)
install(EXPORT uvchanTargets NAMESPACE uvchan:: DESTINATION "${uvchan_package_dir}"
  COMPONENT uvchan_development)

configure_package_config_file(cmake/uvchanConfig.cmake.in uvchanConfig.cmake
  INSTALL_DESTINATION "${uvchan_package_dir}")
write_basic_package_version_file(uvchanConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/uvchanConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/uvchanConfigVersion.cmake" cmake/uvchanLibuv.cmake
  DESTINATION "${uvchan_package_dir}" COMPONENT uvchan_development)

set(uvchan_doc_dir "${CMAKE_INSTALL_DATAROOTDIR}/doc/uvchan")
install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${uvchan_doc_dir}"
  COMPONENT uvchan_documentation)
install(DIRECTORY docs DESTINATION "${uvchan_doc_dir}" COMPONENT uvchan_documentation
  PATTERN reference EXCLUDE)

# From the directory of uvchan.pc back to the prefix, unless the directories were given as absolute
# ones.
function(uvchan_pc_path out dir)
  if(IS_ABSOLUTE "${dir}")
    set(${out} "${dir}" PARENT_SCOPE)
  else()
    set(${out} "\${prefix}/${dir}" PARENT_SCOPE)
  endif()
endfunction()

if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(uvchan_pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH uvchan_pc_up "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
  string(REGEX REPLACE "/$" "" uvchan_pc_up "${uvchan_pc_up}")
  set(uvchan_pc_prefix "\${pcfiledir}/${uvchan_pc_up}")
endif()
uvchan_pc_path(uvchan_pc_libdir "${CMAKE_INSTALL_LIBDIR}")
uvchan_pc_path(uvchan_pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
# Whoever includes uvchan.h includes uv.h and calls libuv: so libuv is required in public, and what
# the library needs beyond it is private. Where no pkg-config knows libuv, its place stands there.
set(uvchan_pc_requires "")
set(uvchan_pc_cflags "-I\${includedir}")
set(uvchan_pc_libs "-L\${libdir} -luvchan")
if(UVCHAN_LIBUV_MODULE_NAME)
  set(uvchan_pc_requires "${UVCHAN_LIBUV_MODULE_NAME} >= ${uvchan_libuv_least}")
elseif(UVCHAN_LIBUV_LIBRARY)
  string(APPEND uvchan_pc_cflags " \"-I${UVCHAN_LIBUV_INCLUDE_DIR}\"")
  string(APPEND uvchan_pc_libs " \"${UVCHAN_LIBUV_LIBRARY}\"")
elseif(uvchan_libuv_is_static)
  set(uvchan_pc_requires "libuv-static >= ${uvchan_libuv_least}")
else()
  set(uvchan_pc_requires "libuv >= ${uvchan_libuv_least}")
endif()
set(uvchan_pc_private "${CMAKE_THREAD_LIBS_INIT}")
if(UVCHAN_ATOMIC_LIBRARY)
  string(APPEND uvchan_pc_private " -l${UVCHAN_ATOMIC_LIBRARY}")
endif()
if(NOT TARGET uvchan_shared) # what is static alone needs the private part always
  string(APPEND uvchan_pc_libs " ${uvchan_pc_private}")
  set(uvchan_pc_private "")
endif()
configure_file(cmake/uvchan.pc.in uvchan.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/uvchan.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT uvchan_development)
