// SPDX-License-Identifier: Apache-2.0
// Holds the tree to the arrows of docs/architecture.md and to the rules of the house that a reader of text can check.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Faults = std::vector<std::string>;

constexpr std::size_t most_lines = 400;

/// Who may include whom. Tests may include everything, and nobody includes them.
std::map<std::string_view, std::set<std::string_view>> const arrows{
    {"core", {"core"}},
    {"kernels", {"core", "kernels"}},
    {"collectors", {"core", "collectors"}},
    {"bench", {"core", "kernels", "collectors", "bench"}},
    {"analysis", {"core", "analysis"}},
    {"sizing", {"core", "sizing"}},
    {"exporters", {"core", "exporters"}},
    {"history", {"core", "history"}},
    {"modules", {"core", "kernels", "collectors", "modules"}},
    {"cli", {"core", "kernels", "collectors", "bench", "analysis", "sizing", "exporters", "history", "cli"}},
    {"tests",
     {"core", "kernels", "collectors", "modules", "bench", "analysis", "sizing", "exporters", "history", "cli",
      "tests"}},
};

struct Include {
  bool quoted = false;
  std::string_view path;
};

std::string_view folder_of(std::string_view path) { return path.substr(0, path.find('/')); }
std::string_view file_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }
bool is_header(std::string_view path) { return path.ends_with(".hpp") || path.ends_with(".cuh"); }
bool is_source(std::string_view path) { return is_header(path) || path.ends_with(".cpp") || path.ends_with(".cu"); }

bool starts_with_one_of(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return text.starts_with(prefix); });
}

std::optional<Include> include_of(std::string_view line) {
  auto const skip_blanks = [&] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  skip_blanks();
  if (!line.starts_with('#')) return {};
  line.remove_prefix(1);
  skip_blanks();
  if (!line.starts_with("include")) return {};
  line.remove_prefix(std::string_view("include").size());
  skip_blanks();
  if (!line.starts_with('"') && !line.starts_with('<')) return {};
  bool const quoted = line.front() == '"';
  auto const end = line.find(quoted ? '"' : '>', 1);
  if (end == std::string_view::npos) return {};
  return Include{quoted, line.substr(1, end - 1)};
}

bool is_vendor_header(std::string_view path) {
  return starts_with_one_of(path, {"cuda", "cublas", "cupti", "curand", "cusolver", "cusparse", "cute/", "cutlass/",
                                   "nccl", "nvml", "nvtx", "nvToolsExt", "generated_cuda"});
}

/// A vendor's headers stay in the files that are named after them; everything else must build without its toolkit.
bool may_include_vendor(std::string_view path) {
  auto const folder = folder_of(path);
  if (folder == "tests") return path.find("/cuda") != std::string_view::npos || path.ends_with(".cu");
  if (folder != "kernels" && folder != "collectors" && folder != "modules") return false;
  if (path.ends_with(".cu") || path.ends_with(".cuh")) return true;
  for (auto rest = path; !rest.empty();) {
    auto const part = folder_of(rest);
    if (starts_with_one_of(part, {"cuda", "cublas", "cupti", "nccl", "nvml"})) return true;
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  }
  return false;
}

bool may_include_mpi(std::string_view path) {
  return path == "core/world_mpi.cpp" || path.starts_with("kernels/collective/mpi") || folder_of(path) == "tests";
}

/// Empty when this file may include that one, else why not.
std::string fault_of(std::string_view path, Include const& include) {
  auto const folder = folder_of(path);
  auto const target = folder_of(include.path);
  bool const ours = include.path.find('/') != std::string_view::npos && arrows.contains(target);
  auto const text = std::string(include.path);
  if (include.quoted && !ours) return "\"" + text + "\" does not name a file of ours from the root";
  if (!include.quoted && ours) return "<" + text + "> is ours and belongs in quotes";
  auto const allowed = arrows.find(folder);
  if (ours && allowed != arrows.end() && !allowed->second.contains(target))
    return std::string(folder) + " must not include " + std::string(target) + " (" + text + ")";
  if (is_vendor_header(include.path) && !may_include_vendor(path)) return "a vendor's header: " + text;
  if (include.path == "mpi.h" && !may_include_mpi(path)) return "mpi.h outside of what speaks MPI";
  if (include.path == "sqlite3.h" && path != "history/sqlite.cpp") return "sqlite3.h outside of history/sqlite.cpp";
  if (include.path.starts_with("nlohmann") && is_header(path) && path != "core/json_tree.hpp")
    return "the JSON library in a header: " + text;
  if (include.path == "core/json_tree.hpp" && folder != "core" && folder != "tests")
    return "core/json_tree.hpp outside of core";
  return {};
}

/// What is wrong with one source file, as "path:line: why"; `path` is relative to the root, with forward slashes.
Faults check(std::string_view path, std::string_view text) {
  Faults faults;
  std::size_t number = 0;
  bool once = false;
  auto const report = [&](std::string_view why) {
    faults.push_back(std::string(path) + ":" + std::to_string(number) + ": " + std::string(why));
  };
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    auto const line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (number == 1 && line != "// SPDX-License-Identifier: Apache-2.0") report("the first line is not the SPDX line");
    once = once || line == "#pragma once";
    auto const include = include_of(line);
    if (!include) continue;
    auto const why = fault_of(path, *include);
    if (!why.empty()) report(why);
  }
  if (number == 0) report("empty");
  if (number > most_lines) report("longer than " + std::to_string(most_lines) + " lines");
  if (is_header(path) && !once) report("no #pragma once");
  return faults;
}

std::string read(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string join(Faults const& faults) {
  std::ostringstream text;
  for (auto const& fault : faults) text << fault << '\n';
  return text.str();
}

struct Case {
  char const* name;
  char const* path;
  char const* body; ///< after the SPDX line
  bool good;
};

constexpr std::array cases{
    Case{"core_core", "core/a.cpp", "#include \"core/b.hpp\"\n#include <vector>\n", true},
    Case{"core_kernels", "core/a.cpp", "#include \"kernels/b.hpp\"\n", false},
    Case{"core_bench_spaced", "core/a.cpp", "  #  include \"bench/b.hpp\"\n", false},
    Case{"kernels_core", "kernels/gemm/a.cpp", "#include \"core/b.hpp\"\n", true},
    Case{"kernels_bench", "kernels/gemm/a.cpp", "#include \"bench/b.hpp\"\n", false},
    Case{"kernels_collectors", "kernels/gemm/a.cpp", "#include \"collectors/b.hpp\"\n", false},
    Case{"bench_kernels", "bench/a.cpp", "#include \"kernels/b.hpp\"\n", true},
    Case{"bench_exporters", "bench/a.cpp", "#include \"exporters/b.hpp\"\n", false},
    Case{"bench_analysis", "bench/a.cpp", "#include \"analysis/b.hpp\"\n", false},
    Case{"analysis_bench", "analysis/a.cpp", "#include \"bench/b.hpp\"\n", false},
    Case{"analysis_sizing", "analysis/a.cpp", "#include \"sizing/b.hpp\"\n", false},
    Case{"sizing_analysis", "sizing/a.cpp", "#include \"analysis/b.hpp\"\n", false},
    Case{"exporters_cli", "exporters/a.cpp", "#include \"cli/b.hpp\"\n", false},
    Case{"modules_kernels", "modules/cuda/a.cpp", "#include \"kernels/b.hpp\"\n#include <cuda.h>\n", true},
    Case{"modules_bench", "modules/cuda/a.cpp", "#include \"bench/b.hpp\"\n", false},
    Case{"history_core", "history/a.cpp", "#include \"core/b.hpp\"\n", true},
    Case{"history_exporters", "history/a.cpp", "#include \"exporters/b.hpp\"\n", false},
    Case{"analysis_history", "analysis/a.cpp", "#include \"history/b.hpp\"\n", false},
    Case{"sqlite", "history/sqlite.cpp", "#include <sqlite3.h>\n", true},
    Case{"sqlite_elsewhere", "history/store.hpp", "#pragma once\n#include <sqlite3.h>\n", false},
    Case{"cli_all", "cli/a.cpp", "#include \"bench/b.hpp\"\n#include \"exporters/b.hpp\"\n", true},
    Case{"cli_tests", "cli/a.cpp", "#include \"tests/b.hpp\"\n", false},
    Case{"tests_all", "tests/unit/a.cpp", "#include \"cli/b.hpp\"\n#include <mpi.h>\n", true},
    Case{"beside", "core/a.cpp", "#include \"b.hpp\"\n", false},
    Case{"upwards", "core/a.cpp", "#include \"../core/b.hpp\"\n", false},
    Case{"ours_in_angles", "bench/a.cpp", "#include <core/b.hpp>\n", false},
    Case{"mpi_bench", "bench/a.cpp", "#include <mpi.h>\n", false},
    Case{"mpi_core", "core/world.cpp", "#include <mpi.h>\n", false},
    Case{"mpi_world", "core/world_mpi.cpp", "#include <mpi.h>\n", true},
    Case{"mpi_kernel", "kernels/collective/mpi_ring.cpp", "#include <mpi.h>\n", true},
    Case{"cuda_bench", "bench/a.cpp", "#include <cuda_runtime.h>\n", false},
    Case{"nccl_kernel", "kernels/collective/mpi.cpp", "#include <nccl.h>\n", false},
    Case{"cuda_kernel", "kernels/gemm/cuda_tiled.cpp", "#include <cuda_runtime.h>\n", true},
    Case{"cuda_folder", "kernels/gemm/cuda/tiled.cpp", "#include <cublasLt.h>\n", true},
    Case{"cupti_collector", "collectors/cupti.cpp", "#include <cupti.h>\n", true},
    Case{"cupti_host", "collectors/host.cpp", "#include <cupti.h>\n", false},
    Case{"json_header", "core/a.hpp", "#pragma once\n#include <nlohmann/json.hpp>\n", false},
    Case{"json_tree", "core/json_tree.hpp", "#pragma once\n#include <nlohmann/json.hpp>\n", true},
    Case{"json_source", "core/a.cpp", "#include <nlohmann/json.hpp>\n", true},
    Case{"json_tree_elsewhere", "exporters/a.cpp", "#include \"core/json_tree.hpp\"\n", false},
    Case{"no_pragma", "core/a.hpp", "int a;\n", false},
    Case{"in_a_comment", "core/a.cpp", "// #include \"cli/b.hpp\"\n", true},
};

class LayeringCases : public testing::TestWithParam<Case> {};

TEST_P(LayeringCases, IsJudged) {
  auto const& [name, path, body, good] = GetParam();
  auto const faults = check(path, std::string("// SPDX-License-Identifier: Apache-2.0\n") + body);
  EXPECT_EQ(faults.empty(), good) << join(faults);
}

INSTANTIATE_TEST_SUITE_P(Made, LayeringCases, testing::ValuesIn(cases),
                         [](auto const& made) { return std::string(made.param.name); });

TEST(Layering, NamesFileAndLine) {
  auto const faults = check("core/a.cpp", "// SPDX-License-Identifier: Apache-2.0\n\n#include \"cli/b.hpp\"\n");
  EXPECT_EQ(faults, (Faults{"core/a.cpp:3: core must not include cli (cli/b.hpp)"}));
}

TEST(Layering, SeesMissingLicenceAndLongFiles) {
  EXPECT_EQ(check("core/a.cpp", "int a;\n").size(), 1U);
  EXPECT_EQ(check("core/a.cpp", "").size(), 1U);
  std::string text = "// SPDX-License-Identifier: Apache-2.0\n";
  for (std::size_t i = 1; i < most_lines; ++i) text += "\n";
  EXPECT_EQ(check("core/a.cpp", text), Faults{});
  EXPECT_EQ(check("core/a.cpp", text + "\n").size(), 1U);
}

TEST(Layering, TheTreeKeepsTheRules) {
  Faults faults;
  std::size_t files = 0;
  fs::path const root = MARU_SOURCE_DIR;
  for (auto const& [folder, allowed] : arrows) {
    if (!fs::is_directory(root / folder)) continue; // a folder of later
    for (auto const& entry : fs::recursive_directory_iterator(root / folder)) {
      auto const path = fs::relative(entry.path(), root).generic_string();
      if (!entry.is_regular_file() || !is_source(file_of(path))) continue;
      ++files;
      auto const found = check(path, read(entry.path()));
      faults.insert(faults.end(), found.begin(), found.end());
    }
  }
  EXPECT_GT(files, 50U) << "the tree was not found under " << root;
  EXPECT_TRUE(faults.empty()) << join(faults);
}

} // namespace
