# SPDX-License-Identifier: MIT
"""A recipe of Conan's (version 2), which packs the tree that it lies in:

    conan create cmake/packages/conan --build=missing

With uvchan-redis, by `-o "uvchan/*:redis=True"`.
"""

import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir


class Uvchan(ConanFile):
    name = "uvchan"
    description = "Go-style channels for libuv programs"
    license = "MIT"
    topics = ("libuv", "channels", "concurrency", "go")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], "redis": [True, False]}
    default_options = {"shared": False, "fPIC": True, "redis": False}
    implements = ["auto_shared_fpic"]
    languages = "C"

    @property
    def _tree(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._tree, "include", "uvchan.h"))
        numbers = re.findall(r"#define UVCHAN_VERSION_(?:MAJOR|MINOR|PATCH) +(\d+)", header)
        self.version = ".".join(numbers)

    def export_sources(self):
        for part in ("CMakeLists.txt", "LICENSE", "README.md", "CHANGELOG.md",
                     "cmake/*", "docs/*", "include/*", "lib/*"):
            copy(self, part, src=self._tree, dst=self.export_sources_folder)

    def requirements(self):
        # uvchan.h includes uv.h, and who uses it calls libuv; a static libuv inside a shared uvchan
        # would be a second one in each program
        options = {"shared": True} if self.options.shared else {}
        self.requires("libuv/[>=1.42 <2]", transitive_headers=True, transitive_libs=True,
                      options=options)
        if self.options.redis:
            self.requires("hiredis/[>=0.14 <2]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["UVCHAN_BUILD_STATIC"] = not self.options.shared
        toolchain.cache_variables["UVCHAN_BUILD_SHARED"] = bool(self.options.shared)
        toolchain.cache_variables["UVCHAN_BUILD_REDIS"] = bool(self.options.redis)
        for part in ("TESTS", "DEMOS", "SERVER", "REFERENCE"):
            toolchain.cache_variables["UVCHAN_BUILD_" + part] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", src=self.source_folder,
             dst=os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        for part in ("cmake", "pkgconfig"):  # Conan writes its own
            rmdir(self, os.path.join(self.package_folder, "lib", part))
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "uvchan")
        if not self.options.redis:
            self._describe(self.cpp_info, "uvchan", "uvchan::uvchan")
            return
        # two parts, and the whole, whose name may be neither's
        self.cpp_info.set_property("cmake_target_name", "uvchan::all")
        self.cpp_info.set_property("pkg_config_name", "uvchan-all")
        core = self.cpp_info.components["uvchan"]
        self._describe(core, "uvchan", "uvchan::uvchan")
        core.requires = ["libuv::libuv"]
        redis = self.cpp_info.components["redis"]
        self._describe(redis, "uvchan-redis", "uvchan::redis")
        redis.requires = ["uvchan", "hiredis::hiredis"]

    def _describe(self, part, library, target):
        part.libs = [library]
        part.set_property("cmake_target_name", target)
        part.set_property("pkg_config_name", library)
        if self.settings.os in ("Linux", "FreeBSD"):
            part.system_libs = ["pthread"]
