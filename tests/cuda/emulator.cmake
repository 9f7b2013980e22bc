# SPDX-License-Identifier: Apache-2.0
# The CUDA kernels' own source on the emulator of tests/emulator: compiled by the host's compiler, run on the CPU. Only
# headers of the toolkit are used.
set(emulator ${PROJECT_SOURCE_DIR}/tests/emulator)
set(kernels ${PROJECT_SOURCE_DIR}/kernels)
file(GLOB emulator_sources CONFIGURE_DEPENDS ${emulator}/*.cpp)
file(GLOB emulated_sources CONFIGURE_DEPENDS ${emulator}/kernels/*.cpp)
file(GLOB emulator_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/cuda/emula*_test.cpp)
add_executable(emulated_kernels ${emulator_sources} ${emulated_sources} ${emulator_tests}
  ${kernels}/cuda/buffer.cpp ${kernels}/cuda/devices.cpp ${kernels}/cuda/lane.cpp
  ${kernels}/gemm/cuda_gemm.cpp ${kernels}/gemm/cuda_naive.cpp ${kernels}/gemm/cuda_verify.cpp
  ${kernels}/memory/cuda_stream.cpp)
# Headers with inline PTX have a stand-in of the same name there, which must be found first.
target_include_directories(emulated_kernels BEFORE PRIVATE ${emulator}/shadow)
target_include_directories(emulated_kernels PRIVATE ${PROJECT_SOURCE_DIR})
target_include_directories(emulated_kernels SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
target_compile_features(emulated_kernels PRIVATE cxx_std_20)
# Every thread of a grid takes its turn: without optimisation that is a matter of minutes.
target_compile_options(emulated_kernels PRIVATE -O2)
# .cu files are written for nvcc, which has other warnings.
set_source_files_properties(${emulated_sources} PROPERTIES COMPILE_OPTIONS
  "-Wno-unknown-pragmas;-Wno-psabi;-Wno-conversion;-Wno-sign-conversion;-Wno-pedantic")
target_link_libraries(emulated_kernels PRIVATE maru_core maru_kernel_support fmt::fmt ${CMAKE_DL_LIBS}
  GTest::gtest_main)
gtest_discover_tests(emulated_kernels PROPERTIES LABELS unit TIMEOUT 300 DISCOVERY_TIMEOUT 60)
