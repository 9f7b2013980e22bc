// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report_io.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace maru {

/// The ranks that run together. Every member function except send, receive and abort is collective: all ranks of this
/// world call it, in the same order. Failures of the transport are thrown as Error(incomplete).
class World {
public:
  virtual ~World() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  virtual void barrier() = 0;
  /// Everyone leaves with the root's bytes.
  virtual void broadcast(Bytes& bytes, int root = 0) = 0;
  /// On rank 0 the bytes of every rank, by rank; elsewhere empty.
  virtual std::vector<Bytes> gather(std::span<std::byte const> bytes) = 0;
  /// Element by element, in place; the same length on every rank.
  virtual void all_reduce_max(std::span<double> values) = 0;
  virtual void send(int to, std::span<std::byte const> bytes) = 0;
  /// Waits for exactly bytes.size() bytes from one rank.
  virtual void receive(int from, std::span<std::byte> bytes) = 0;
  /// The ranks that give the same colour form a world, ordered by their rank here.
  virtual std::unique_ptr<World> split(int color) = 0;
  /// Ends the whole job at once with this exit code, from any thread, as far as the launcher allows.
  [[noreturn]] virtual void abort(int code) noexcept = 0;
  /// The transport and its version ("Open MPI 4.1.4"); empty without one.
  virtual std::string transport() const { return {}; }

  /// Whether every rank says yes. What one rank knows alone must never decide whether a collective is entered.
  bool all_agree(bool mine);
  std::string broadcast_text(std::string text, int root = 0);
  std::vector<std::string> gather_text(std::string const& text);
};

/// A world of one.
std::unique_ptr<World> solo_world();

/// Runs `body` on `ranks` threads, each with its own rank of one world; for tests. Rethrows the first failure, after
/// all threads ended; a rank that throws makes the others' next collective call throw too.
void run_thread_world(int ranks, std::function<void(World&)> const& body);

/// MPI_COMM_WORLD. Initialises MPI on first use (funneled threads) and ends it when the world is destroyed.
std::unique_ptr<World> mpi_world();

} // namespace maru
