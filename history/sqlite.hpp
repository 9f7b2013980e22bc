// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace maru {

/// A thin owner of SQLite's handles, for this folder only. A failure is an Error of one line that begins with the
/// database's path and ends with SQLite's own text:
///   Damaged           for a malformed database, and one without what a statement names
///   Locked            for a lock that is never let go
///   Error(usage)      for a file that is no database, or cannot be opened
///   Error(incomplete) for what else the machine refuses: a full disk, a read-only file
class Database {
public:
  enum class Mode { read, write, immutable };
  /// Immutable reads without locks, for media that cannot be written to. `write` creates a missing file.
  Database(std::string path, Mode mode);

  /// One or more statements without parameters or results.
  void run(char const* sql);
  std::int64_t number(char const* sql);
  std::string text(char const* sql);
  std::string const& path() const { return path_; }
  /// False where the header names a form of the file that there is none of: SQLite takes such a file for one that can
  /// only be read.
  bool has_known_form() const;
  /// Whether what was to be written to can only be read.
  bool read_only() const;
  std::int64_t last_row() const;
  /// Rows that the latest INSERT, UPDATE or DELETE changed.
  bool changed() const;

private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement. Values are bound, never written into the text. Text is copied.
class Statement {
public:
  Statement(Database& database, std::string_view sql);

  /// Begins anew with these parameters.
  template <class... Values> Statement& operator()(Values const&... values) {
    finish();
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }
  /// Whether there is a (further) row.
  bool step();
  /// The only number of the only row; absent when there is no row.
  std::optional<std::int64_t> one();

  /// Lets go of the rows that were not asked for, and of the lock on them.
  void finish();

  std::int64_t number(int column) const;
  double real(int column) const;
  bool is_null(int column) const;
  std::string text(int column) const;

private:
  void bind(int index, std::int64_t value);
  void bind(int index, int value) { bind(index, std::int64_t{value}); }
  void bind(int index, bool value) { bind(index, std::int64_t{value}); }
  void bind(int index, double value);
  void bind(int index, std::optional<double> const& value);
  void bind(int index, std::string_view value);
  void bind(int index, std::string const& value) { bind(index, std::string_view(value)); }
  void bind(int index, char const* value) { bind(index, std::string_view(value)); }

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };

  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// BEGIN IMMEDIATE: the lock is taken before anything is read, so that what is read is still true when it is written.
/// Rolls back unless committed.
class Transaction {
public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(Transaction const&) = delete;
  Transaction& operator=(Transaction const&) = delete;
  void commit();

private:
  Database* database_;
};

} // namespace maru
