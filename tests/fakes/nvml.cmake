# SPDX-License-Identifier: Apache-2.0
# fake_nvml: an NVML that follows a script; fake_nvml_old: one of an old driver. Each in a folder of its own, under the
# name and soname by which programs load the real one.
foreach(fake IN ITEMS fake_nvml fake_nvml_old)
  add_library(${fake} SHARED ${CMAKE_CURRENT_LIST_DIR}/nvml.cpp)
  target_compile_features(${fake} PRIVATE cxx_std_20)
  target_include_directories(${fake} PRIVATE ${PROJECT_SOURCE_DIR})
  set_target_properties(${fake} PROPERTIES
    PREFIX "" OUTPUT_NAME libnvidia-ml SUFFIX .so.1 NO_SONAME ON
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fakes/${fake})
  target_link_options(${fake} PRIVATE LINKER:-soname,libnvidia-ml.so.1)
endforeach()
target_compile_definitions(fake_nvml_old PRIVATE MARU_FAKE_NVML_OLD)
