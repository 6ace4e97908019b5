# What `cmake --install` puts in place: libraries, headers, the CMake package and the pkg-config
# file. The last two find the rest from where they themselves are, so the whole may be moved.
include(CMakePackageConfigHelpers)

set(uvchan_targets uvchan)
if(UVCHAN_BUILD_SHARED)
  list(APPEND uvchan_targets uvchan_shared)
endif()
set(uvchan_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/uvchan")

install(TARGETS ${uvchan_targets} EXPORT uvchanTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(FILES include/uvchan.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY include/uvchan DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.h")
install(EXPORT uvchanTargets NAMESPACE uvchan:: DESTINATION "${uvchan_package_dir}")

configure_package_config_file(cmake/uvchanConfig.cmake.in uvchanConfig.cmake
  INSTALL_DESTINATION "${uvchan_package_dir}")
write_basic_package_version_file(uvchanConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/uvchanConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/uvchanConfigVersion.cmake"
              cmake/uvchanLibuv.cmake DESTINATION "${uvchan_package_dir}")

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
set(uvchan_pc_libuv libuv)
if(UVCHAN_LIBUV_MODULE_NAME)
  set(uvchan_pc_libuv "${UVCHAN_LIBUV_MODULE_NAME}")
endif()
set(uvchan_pc_private "${CMAKE_THREAD_LIBS_INIT}")
if(UVCHAN_ATOMIC_LIBRARY)
  string(APPEND uvchan_pc_private " -l${UVCHAN_ATOMIC_LIBRARY}")
endif()
configure_file(cmake/uvchan.pc.in uvchan.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/uvchan.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
