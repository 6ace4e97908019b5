# SPDX-License-Identifier: MIT
# A port of vcpkg's, which builds the tree that it lies in:
#
#   vcpkg install uvchan --overlay-ports=cmake/packages/vcpkg
#
# or, with uvchan-redis, uvchan[redis].
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

string(COMPARE EQUAL "${VCPKG_LIBRARY_LINKAGE}" dynamic UVCHAN_PORT_SHARED)
string(COMPARE EQUAL "${VCPKG_LIBRARY_LINKAGE}" static UVCHAN_PORT_STATIC)

vcpkg_check_features(OUT_FEATURE_OPTIONS UVCHAN_PORT_FEATURES FEATURES redis UVCHAN_BUILD_REDIS)

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${UVCHAN_PORT_FEATURES}
    -DUVCHAN_BUILD_SHARED=${UVCHAN_PORT_SHARED}
    -DUVCHAN_BUILD_STATIC=${UVCHAN_PORT_STATIC}
    -DUVCHAN_BUILD_TESTS=OFF
    -DUVCHAN_BUILD_DEMOS=OFF
    -DUVCHAN_BUILD_SERVER=OFF
    -DUVCHAN_BUILD_REFERENCE=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/uvchan)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE
  "${CURRENT_PACKAGES_DIR}/debug/include"
  "${CURRENT_PACKAGES_DIR}/debug/share"
  "${CURRENT_PACKAGES_DIR}/share/doc")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
