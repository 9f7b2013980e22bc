# SPDX-License-Identifier: Apache-2.0
# maru_register(KIND SYMBOL SOURCE): adds SOURCE to the folder's library and SYMBOL to the table of that KIND.
# maru_write_table(KIND HEADER FUNCTION): writes the table's source and adds it to the library.
#
# A written table instead of self-registering statics: the linker drops those from static libraries.

function(maru_register kind symbol source)
  set_property(DIRECTORY APPEND PROPERTY MARU_${kind}_SYMBOLS ${symbol})
  set_property(DIRECTORY APPEND PROPERTY MARU_${kind}_SOURCES ${source})
endfunction()

function(maru_write_table target kind type header function)
  get_property(symbols DIRECTORY PROPERTY MARU_${kind}_SYMBOLS)
  get_property(sources DIRECTORY PROPERTY MARU_${kind}_SOURCES)
  list(REMOVE_DUPLICATES sources)
  set(declarations "")
  set(rows "")
  foreach(symbol IN LISTS symbols)
    string(APPEND declarations "extern ${type} const ${symbol};\n")
    string(APPEND rows "      &${symbol},\n")
  endforeach()
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${kind}_table.cpp)
  file(CONFIGURE OUTPUT ${file} @ONLY CONTENT
"// Written by maru_register; see CMakeLists.txt of the folder.
#include \"@header@\"

#include <array>
#include <span>

namespace maru {

@declarations@
std::span<@type@ const* const> @function@() {
  static constexpr std::array table{
@rows@  };
  return table;
}

} // namespace maru
")
  target_sources(${target} PRIVATE ${sources} ${file})
endfunction()
