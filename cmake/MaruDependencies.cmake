# SPDX-License-Identifier: Apache-2.0
# Everything is a package of the system; nothing is downloaded. docs/dependencies.md says why each.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(OpenBLAS REQUIRED CONFIG)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(Protobuf REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG) # no version: its package file has none before 1.3

find_package(MPI REQUIRED COMPONENTS C)

# By hand: oneDNN's own package file asks for OpenCL's development files, and hwloc has none.
function(maru_find_library name header library)
  string(TOUPPER ${name} key)
  find_path(MARU_${key}_INCLUDE ${header} REQUIRED)
  find_library(MARU_${key}_LIBRARY ${library} REQUIRED)
  add_library(maru_${name} INTERFACE)
  target_include_directories(maru_${name} SYSTEM INTERFACE ${MARU_${key}_INCLUDE})
  target_link_libraries(maru_${name} INTERFACE ${MARU_${key}_LIBRARY})
endfunction()
maru_find_library(hwloc hwloc.h hwloc)
maru_find_library(onednn dnnl.hpp dnnl)
maru_find_library(snappy snappy.h snappy)
