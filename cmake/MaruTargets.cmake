# SPDX-License-Identifier: Apache-2.0
# maru_library(NAME SOURCES…): a folder's static library, with includes from the root of the tree.
function(maru_library name)
  add_library(maru_${name} STATIC ${ARGN})
  add_library(maru::${name} ALIAS maru_${name})
  set_target_properties(maru_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(maru_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/maru>)
  target_compile_features(maru_${name} PUBLIC cxx_std_20)
endfunction()
