# SPDX-License-Identifier: MIT
"""Runs the recipe of cmake/packages/conan with what it uses of Conan's, made of cmake itself.

conan.py CMAKE C-COMPILER WORK-DIRECTORY [redis]

With redis the option of that name is set.
"""

import collections
import glob
import importlib.util
import os
import shutil
import subprocess
import sys
import types

CMAKE, COMPILER, WORK, *OPTIONS = sys.argv[1:]
REDIS = "redis" in OPTIONS
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
RECIPE = os.path.join(ROOT, "cmake", "packages", "conan")


class Values(dict):
    """Options and settings."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Info:
    """What a package tells of itself, or of a part."""

    def __init__(self):
        self.properties = {}
        self.set_property = self.properties.__setitem__
        self.components = collections.defaultdict(Info)


class ConanFile:
    """What a recipe inherits."""

    def __init__(self):
        self.recipe_folder = RECIPE
        self.options = Values(shared=False, fPIC=True, redis=REDIS)
        self.settings = Values(os="Linux")
        self.needed = []
        self.cpp_info = Info()

    def requires(self, reference, **_):
        self.needed.append(reference)


class Toolchain:
    """Keeps the cache variables for the configuration."""

    def __init__(self, recipe):
        self.cache_variables = {}
        recipe.toolchain = self

    def generate(self):
        """Nothing is written: the variables go to the command line."""


class CMake:
    """Configures, builds and installs."""

    def __init__(self, recipe):
        self.recipe = recipe
        self.tree = os.path.join(WORK, "build")

    def configure(self):
        words = {True: "ON", False: "OFF"}
        variables = self.recipe.toolchain.cache_variables
        run("-S", self.recipe.source_folder, "-B", self.tree, "-DCMAKE_C_COMPILER=" + COMPILER,
            "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_INSTALL_LIBDIR=lib",
            "-DCMAKE_INSTALL_PREFIX=" + self.recipe.package_folder,
            *("-D%s=%s" % (name, words[value]) for name, value in variables.items()))

    def build(self):
        run("--build", self.tree, "--parallel", "2")

    def install(self):
        run("--install", self.tree)


class Deps:
    """Nothing: libuv is the machine's."""

    def __init__(self, recipe):
        del recipe

    def generate(self):
        """Nothing."""


def run(*words):
    done = subprocess.run([CMAKE, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode != 0:
        sys.exit("failed: %s\n%s" % (" ".join(words), done.stdout))


def copy(_, pattern, src, dst):
    for found in glob.glob(os.path.join(src, pattern)):
        target = os.path.join(dst, os.path.relpath(found, src))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.isdir(found):
            shutil.copytree(found, target)
        else:
            shutil.copy(found, target)


def load(_, path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def rmdir(_, path):
    shutil.rmtree(path)


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made


def recipe_in(path, name):
    spec = importlib.util.spec_from_file_location("recipe", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return getattr(loaded, name)()


def main():
    module("conan", ConanFile=ConanFile)
    module("conan.tools")
    module("conan.tools.build", can_run=lambda _: True)
    module("conan.tools.cmake", CMake=CMake, CMakeDeps=Deps, CMakeToolchain=Toolchain,
           cmake_layout=lambda _: None)
    module("conan.tools.files", copy=copy, load=load, rmdir=rmdir)

    recipe_in(os.path.join(RECIPE, "test_package", "conanfile.py"), "UvchanTest")
    recipe = recipe_in(os.path.join(RECIPE, "conanfile.py"), "Uvchan")
    recipe.source_folder = recipe.export_sources_folder = os.path.join(WORK, "sources")
    recipe.package_folder = os.path.join(WORK, "package")
    for step in ("set_version", "export_sources", "requirements", "layout", "generate",
                 "build", "package", "package_info"):
        getattr(recipe, step)()
    files = sorted(os.path.relpath(os.path.join(place, name), recipe.package_folder)
                   for place, _, names in os.walk(recipe.package_folder) for name in names)
    expected = ["include/uvchan.h", "include/uvchan/inspect.h", "include/uvchan/pool.h",
                "include/uvchan/private.h", "include/uvchan/typed.h", "lib/libuvchan.a",
                "licenses/LICENSE"]
    needed = ["libuv/[>=1.42 <2]"]
    parts = [recipe.cpp_info]
    if REDIS:
        expected += ["include/uvchan/redis.h", "lib/libuvchan-redis.a"]
        needed += ["hiredis/[>=0.14 <2]"]
        parts = list(recipe.cpp_info.components.values())
    assert files == sorted(expected), files
    assert recipe.needed == needed, recipe.needed
    targets = {part.properties["cmake_target_name"]: part.libs for part in parts}
    assert targets.pop("uvchan::uvchan") == ["uvchan"]
    assert targets == ({"uvchan::redis": ["uvchan-redis"]} if REDIS else {}), targets
    print(recipe.version)


if __name__ == "__main__":
    main()
