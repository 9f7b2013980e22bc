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

# maru_compile_in(HEADER TYPE TABLE FILES…): writes a header with the files' texts, each under its name without folder
# and ending.
function(maru_compile_in header type table)
  set(rows "")
  foreach(file IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    get_filename_component(name ${file} NAME_WE)
    string(FIND "${text}" ")TEXT\"" end)
    if(NOT end EQUAL -1)
      message(FATAL_ERROR "${file} would end the string that it is put into")
    endif()
    # With its length: counting a long text is more than a constant expression may do.
    string(APPEND rows "    {\"${name}\", R\"TEXT(${text})TEXT\"sv},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/${header} @ONLY CONTENT
"// Written by maru_compile_in; see CMakeLists.txt of the folder.
#pragma once

#include <string_view>

namespace maru {
using std::literals::string_view_literals::operator\"\"sv;
struct @type@ {
  std::string_view name, text;
};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \"-Woverlength-strings\" // C++ promises 65,536 bytes; the compilers take more
inline constexpr @type@ @table@[] = {
@rows@};
#pragma GCC diagnostic pop
} // namespace maru
")
endfunction()
