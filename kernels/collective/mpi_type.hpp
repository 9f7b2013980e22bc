// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mpi.h>
#include <type_traits>

namespace maru {

/// Of double, float and std::int32_t.
template <class T> MPI_Datatype mpi_type() {
  if constexpr (std::is_same_v<T, double>)
    return MPI_DOUBLE;
  else if constexpr (std::is_same_v<T, float>)
    return MPI_FLOAT;
  else
    return MPI_INT32_T;
}

} // namespace maru
