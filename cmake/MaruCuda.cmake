# SPDX-License-Identifier: Apache-2.0
# The CUDA modules. MARU_HAS_CUDA says whether they are built; NCCL and CUPTI may be absent on their own.
set(MARU_CUDA AUTO CACHE STRING "Build the CUDA modules: AUTO (where the toolkit is found), ON or OFF")
set_property(CACHE MARU_CUDA PROPERTY STRINGS AUTO ON OFF)
set(MARU_CUDA_ARCHITECTURES "80;90a-real;100a-real;120-real" CACHE STRING
  "GPU architectures; those that the toolkit does not know are left out. 80 also gives the PTX for all later ones")

set(MARU_HAS_CUDA OFF)
if(MARU_CUDA STREQUAL "OFF")
  return()
endif()
# nvcc is often installed beside the PATH.
find_program(MARU_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
if(NOT MARU_NVCC)
  if(MARU_CUDA STREQUAL "ON")
    message(FATAL_ERROR "MARU_CUDA=ON: nvcc was not found (set CUDACXX)")
  endif()
  message(STATUS "No CUDA toolkit: the program is built without its CUDA modules")
  return()
endif()

execute_process(COMMAND ${MARU_NVCC} --list-gpu-arch OUTPUT_VARIABLE known_architectures)
set(architectures "")
foreach(architecture IN LISTS MARU_CUDA_ARCHITECTURES)
  string(REGEX MATCH "^[0-9]+" number ${architecture})
  if(known_architectures MATCHES "compute_${number}(\n|$)")
    list(APPEND architectures ${architecture})
  endif()
endforeach()
set(CMAKE_CUDA_COMPILER ${MARU_NVCC})
set(CMAKE_CUDA_ARCHITECTURES ${architectures})
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
if(MARU_CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${MARU_CCACHE})
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION) # CMake 3.25 does not know that nvcc has it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
find_package(CUDAToolkit 12.4 REQUIRED)
set(MARU_HAS_CUDA ON)

# FindCUDAToolkit of older CMakes knows neither; both lie beside the toolkit or in the system's folders.
function(maru_find_cuda_library target header library folder)
  string(TOUPPER ${library} key)
  find_path(MARU_${key}_INCLUDE ${header} HINTS ${CUDAToolkit_INCLUDE_DIRS}
    PATHS ${CUDAToolkit_LIBRARY_ROOT}/extras/CUPTI/include)
  find_library(MARU_${key}_LIBRARY ${library} HINTS ${CUDAToolkit_LIBRARY_DIR}
    PATHS ${CUDAToolkit_LIBRARY_ROOT}/extras/CUPTI/lib64)
  if(MARU_${key}_INCLUDE AND MARU_${key}_LIBRARY)
    add_library(${target} INTERFACE)
    target_include_directories(${target} SYSTEM INTERFACE ${MARU_${key}_INCLUDE})
    target_link_libraries(${target} INTERFACE ${MARU_${key}_LIBRARY})
  else()
    message(STATUS "CUDA modules: ${library} was not found, what needs it is left out")
  endif()
endfunction()
maru_find_cuda_library(maru_nccl_api nccl.h nccl "")
maru_find_cuda_library(maru_cupti_api cupti.h cupti "")
maru_find_cuda_library(maru_nvperf_api cupti_profiler_host.h nvperf_host "")

# maru_cuda_module(NAME SOURCES…): libmaru_NAME.so where the program looks for it.
function(maru_cuda_module name kind)
  add_library(maru_${name} ${kind} ${ARGN})
  target_compile_features(maru_${name} PRIVATE cxx_std_20)
  target_include_directories(maru_${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
  target_compile_options(maru_${name} PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;--expt-relaxed-constexpr;-lineinfo;-Xcompiler=-Wall,-Wextra>")
  target_link_libraries(maru_${name} PRIVATE maru_core maru_kernel_support fmt::fmt CUDA::cudart)
  set_target_properties(maru_${name} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/maru
    BUILD_RPATH_USE_ORIGIN ON INSTALL_RPATH "$ORIGIN"
    CXX_VISIBILITY_PRESET default)
  add_dependencies(maru_modules maru_${name})
  install(TARGETS maru_${name} LIBRARY DESTINATION lib/maru COMPONENT program)
endfunction()
