# SPDX-License-Identifier: Apache-2.0
# The program, and the libraries that read reports: they need no MPI, so that a viewer or a service can link them.
include(CMakePackageConfigHelpers)

install(TARGETS maru RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/maru)
install(TARGETS maru_core maru_analysis maru_exporters EXPORT maruTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT maruTargets NAMESPACE maru:: DESTINATION ${package_dir} COMPONENT development)

# The headers keep their folders, so that an include line reads the same inside and outside the tree.
set(header_dir ${CMAKE_INSTALL_INCLUDEDIR}/maru)
install(DIRECTORY core analysis exporters DESTINATION ${header_dir} COMPONENT development
  FILES_MATCHING PATTERN "*.hpp"
  PATTERN "app" EXCLUDE # no headers there, and a folder is installed even when it is empty
  PATTERN "generated" EXCLUDE
  PATTERN "publish" EXCLUDE # that library is the program's own
  # Hold the JSON and TOML libraries, which no public header shows.
  PATTERN "json_tree.hpp" EXCLUDE
  PATTERN "toml_tree.hpp" EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/generated/core/version.hpp DESTINATION ${header_dir}/core COMPONENT development)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/maruConfig.cmake.in ${PROJECT_BINARY_DIR}/maruConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 every minor version may break.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/maruConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/maruConfig.cmake ${PROJECT_BINARY_DIR}/maruConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT development)

install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program OPTIONAL)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program
  FILES_MATCHING PATTERN "*.md" PATTERN "*.json")
