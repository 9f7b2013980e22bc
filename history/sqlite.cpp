// SPDX-License-Identifier: Apache-2.0
#include "history/sqlite.hpp"

#include "history/damaged.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

namespace maru {
namespace {

constexpr int wait_for_a_lock = 300'000; // milliseconds; on a busy machine a fleet's report takes half a minute

using Head = std::array<unsigned char, 20>; // the last two: versions of the form, to write and to read it

/// How the file begins; nothing where it is shorter. Through SQLite's own descriptor: closing another one of the file
/// would let go of its locks.
std::optional<Head> head_of(sqlite3* handle) {
  sqlite3_file* file = nullptr;
  Head head{};
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (!file || !file->pMethods || file->pMethods->xRead(file, head.data(), head.size(), 0) != SQLITE_OK) return {};
  return head;
}

bool begins_like_one(sqlite3* handle) {
  constexpr std::string_view begin("SQLite format 3\0", 16);
  auto const head = head_of(handle);
  return head && std::equal(begin.begin(), begin.end(), head->begin());
}

[[noreturn]] void fail(std::string const& path, sqlite3* handle) {
  auto const code = sqlite3_errcode(handle) & 0xff;
  auto const system = sqlite3_system_errno(handle);
  std::string text = sqlite3_errmsg(handle);
  // SQLite's "unable to open database file" does not say why.
  if (system != 0 && (code == SQLITE_CANTOPEN || code == SQLITE_IOERR)) text = std::strerror(system);
  auto const line = fmt::format("{}: {}", path, text);
  switch (code) {
  case SQLITE_CORRUPT:
  case SQLITE_ERROR: // "no such table": the statements are ours, and so it is the file
  case SQLITE_CONSTRAINT:
  case SQLITE_MISMATCH: throw Damaged(path, text);
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_PROTOCOL: throw Locked(line);
  case SQLITE_NOTADB:
    if (begins_like_one(handle)) throw Damaged(path, "its header is damaged");
    throw Error(Exit::usage, path + ": is no database of SQLite");
  case SQLITE_CANTOPEN:
    if (system == EROFS || system == EACCES || system == ENOSPC) throw Error(Exit::incomplete, line);
    throw Error(Exit::usage, line);
  case SQLITE_FULL: throw Error(Exit::incomplete, path + ": No space left for the database");
  default: throw Error(Exit::incomplete, line);
  }
}

// SQLite tries to read what it could not make, and tells only that there is nothing to read.
void refuse_closed_folder(std::string const& path) {
  auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  std::error_code error;
  if (std::filesystem::is_directory(folder, error) && ::access(path.c_str(), F_OK) != 0 &&
      ::access(folder.c_str(), W_OK) != 0)
    throw Error(Exit::incomplete, fmt::format("{}: {}", path, std::strerror(errno)));
}

// As a URI, so that SQLite takes parameters. Everything but the plainest characters is escaped.
std::string uri(std::string const& path, bool immutable) {
  std::string text = "file:";
  if (path.starts_with('/')) text += "//"; // an empty authority, lest a path of two slashes be taken for one
  for (char const raw : path) {
    auto const c = static_cast<unsigned char>(raw);
    bool const plain =
        std::strchr("/._-", c) != nullptr || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    text += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02x}", c);
  }
  return text + (immutable ? "?immutable=1" : "");
}

// A database may come from anywhere: its own schema must not call functions or write into itself.
void trust_nothing(sqlite3* handle) {
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
}

} // namespace

void Database::Close::operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }

Database::Database(std::string path, Mode mode) : path_(std::move(path)) {
  int const flags = mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  sqlite3* handle = nullptr;
  auto const code = sqlite3_open_v2(uri(path_, mode == Mode::immutable).c_str(), &handle,
                                    flags | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, nullptr);
  handle_.reset(handle);
  if (!handle) throw Error(Exit::incomplete, path_ + ": no memory for SQLite");
  if (code != SQLITE_OK && mode == Mode::write) refuse_closed_folder(path_);
  if (code != SQLITE_OK) fail(path_, handle);
  sqlite3_busy_timeout(handle, wait_for_a_lock);
  trust_nothing(handle);
  run("PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON");
}

void Database::run(char const* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(path_, handle_.get());
}

std::int64_t Database::number(char const* sql) { return Statement(*this, sql).one().value_or(0); }

std::string Database::text(char const* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.text(0) : std::string();
}

bool Database::has_known_form() const {
  auto const head = head_of(handle_.get());
  return !head || ((*head)[18] <= 2 && (*head)[19] <= 2);
}

bool Database::read_only() const { return sqlite3_db_readonly(handle_.get(), "main") == 1; }
std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
bool Database::changed() const { return sqlite3_changes(handle_.get()) > 0; }

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

Statement::Statement(Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database.handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) !=
      SQLITE_OK)
    fail(database.path_, database.handle_.get());
  statement_.reset(statement);
}

bool Statement::step() {
  auto const code = sqlite3_step(statement_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) fail(database_->path_, database_->handle_.get());
  if (code == SQLITE_DONE) finish();
  return code == SQLITE_ROW;
}

std::optional<std::int64_t> Statement::one() {
  if (!step()) return {};
  auto const value = number(0);
  finish();
  return value;
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

std::string Statement::text(int column) const {
  auto const* text = sqlite3_column_text(statement_.get(), column);
  auto const size = sqlite3_column_bytes(statement_.get(), column);
  return text ? std::string(reinterpret_cast<char const*>(text), static_cast<std::size_t>(size)) : std::string();
}

void Statement::finish() { sqlite3_reset(statement_.get()); } // its result is that of the last step()

void Statement::bind(int index, std::int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), index, value) != SQLITE_OK) fail(database_->path_, database_->handle_.get());
}

void Statement::bind(int index, double value) {
  if (sqlite3_bind_double(statement_.get(), index, value) != SQLITE_OK)
    fail(database_->path_, database_->handle_.get());
}

void Statement::bind(int index, std::optional<double> const& value) {
  if (value) return bind(index, *value);
  if (sqlite3_bind_null(statement_.get(), index) != SQLITE_OK) fail(database_->path_, database_->handle_.get());
}

void Statement::bind(int index, std::string_view value) {
  if (sqlite3_bind_text64(statement_.get(), index, value.data() ? value.data() : "", value.size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8) != SQLITE_OK)
    fail(database_->path_, database_->handle_.get());
}

Transaction::Transaction(Database& database) : database_(&database) { database.run("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!database_) return;
  try {
    database_->run("ROLLBACK");
  } catch (Error const&) { // a full disk has rolled back by itself
  }
}

void Transaction::commit() {
  database_->run("COMMIT");
  database_ = nullptr;
}

} // namespace maru
