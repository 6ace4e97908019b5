# SPDX-License-Identifier: MIT
# The models.
# Programs with a main of their own, which include the sources that they are about, and have a libuv
# of their own.
file(GLOB models CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.c")
foreach(source IN LISTS models)
  get_filename_component(name "${source}" NAME_WE)
  add_executable(model-${name} "${source}")
  target_include_directories(model-${name} BEFORE
    PRIVATE "${CMAKE_CURRENT_LIST_DIR}" "${PROJECT_SOURCE_DIR}/include"
            "${PROJECT_SOURCE_DIR}/lib")
  target_link_libraries(model-${name} PRIVATE Threads::Threads ${UVCHAN_ATOMIC_LIBRARY})
  uvchan_add_test(model-${name} $<TARGET_FILE:model-${name}>)
endforeach()
