// SPDX-License-Identifier: Apache-2.0
#include "collectors/launcher.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <set>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace maru {
namespace {

std::optional<std::int64_t> number(char const* variable) {
  char const* text = std::getenv(variable);
  if (!text) return std::nullopt;
  std::string_view const view = text;
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc{} || end != view.data() + view.size() || value < 0) return std::nullopt;
  return value;
}

// The kernel keeps 15 letters of a name.
bool is_launcher(std::string_view name) {
  static std::set<std::string_view> const launchers{
      "mpirun", "mpiexec",       "orterun",    "orted",           "prte",           "prterun",
      "prted",  "mpiexec.hydra", "pmi_proxy",  "hydra_pmi_proxy", "slurmstepd",     "srun",
      "palsd",  "jsmd",          "flux-shell", "pbs_tmrsh",       "hydra_bstrap_pr"};
  return launchers.contains(name);
}

// As the launcher numbers its processes; null where it does not.
char const* rank_text() {
  for (char const* variable : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (char const* const rank = std::getenv(variable)) return rank;
  return nullptr;
}

} // namespace

Launcher read_launcher() {
  // Open MPI's own launcher first: inside a Slurm job mpirun's ranks see Slurm's variables as well.
  if (auto const ranks = number("OMPI_COMM_WORLD_SIZE")) return {"mpirun", *ranks, true};
  // A step's own variable: SLURM_NTASKS is set in a batch script too, which is one process by right.
  if (auto const ranks = number("SLURM_STEP_NUM_TASKS");
      ranks && std::getenv("SLURM_PROCID") && std::getenv("SLURM_STEP_ID"))
    return {"srun", *ranks, std::getenv("PMIX_RANK") != nullptr};
  if (auto const ranks = number("PMI_SIZE")) return {"hydra", *ranks, false};
  return {"none", 0, std::getenv("PMIX_RANK") != nullptr};
}

// Ranks are numbered program by program. OMPI_FIRST_RANKS would say so, were it right (4.1.4 has zeros in it).
std::int64_t number_in_program() {
  auto number = whole_number(rank_text() ? rank_text() : "").value_or(0);
  char const* const sizes = std::getenv("OMPI_APP_CTX_NUM_PROCS");
  for (auto const text : words_of(sizes ? sizes : "")) {
    auto const size = whole_number(text).value_or(0);
    if (number < size) break;
    number -= size;
  }
  return number;
}

bool is_one_too_many(std::string_view parent) {
  return read_launcher().ranks > 1 && number_in_program() > 0 && is_launcher(parent);
}

std::string parent_name() {
  std::ifstream file("/proc/" + std::to_string(::getppid()) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

bool below_launcher(SystemFiles const& files, std::int64_t process) {
  constexpr int most = 256; // a made-up table may lead round and round
  for (int i = 0; i < most && process > 0; ++i) {
    auto const text = files.text(fmt::format("/proc/{}/stat", process)); // "42 (orted) S 1 …", any letters in the name
    if (!text.value) return true;
    auto const open = text.value->find('('), close = text.value->rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return true;
    if (is_launcher(std::string_view(*text.value).substr(open + 1, close - open - 1))) return true;
    auto const words = words_of(std::string_view(*text.value).substr(close + 1));
    process = words.size() < 2 ? 0 : whole_number(words[1]).value_or(0);
  }
  return false;
}

bool server_is_gone(std::string_view uri) {
  constexpr std::string_view scheme = "tcp4://";
  auto const begin = uri.find(scheme), colon = uri.rfind(':');
  if (begin == uri.npos || colon < begin + scheme.size()) return false;
  std::string const host(uri.substr(begin + scheme.size(), colon - begin - scheme.size()));
  auto const port = whole_number(uri.substr(colon + 1));
  sockaddr_in server{};
  server.sin_family = AF_INET;
  if (!port || *port < 1 || *port > 65535 || ::inet_pton(AF_INET, host.c_str(), &server.sin_addr) != 1) return false;
  server.sin_port = htons(static_cast<std::uint16_t>(*port));
  int const link = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (link < 0) return false;
  int error = ::connect(link, reinterpret_cast<sockaddr const*>(&server), sizeof server) == 0 ? 0 : errno;
  pollfd connected{link, POLLOUT, 0};
  socklen_t size = sizeof error;
  if (error == EINPROGRESS && ::poll(&connected, 1, 1000) == 1) ::getsockopt(link, SOL_SOCKET, SO_ERROR, &error, &size);
  ::close(link);
  return error == ECONNREFUSED;
}

bool server_is_gone() {
  for (char const* variable : {"PMIX_SERVER_URI4", "PMIX_SERVER_URI3", "PMIX_SERVER_URI2"})
    if (char const* const uri = std::getenv(variable)) return server_is_gone(uri);
  return false;
}

bool is_first_of_job() { return number_in_program() == 0 || !below_launcher(SystemFiles(""), ::getpid()); }

} // namespace maru
