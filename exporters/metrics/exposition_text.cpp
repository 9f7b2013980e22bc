// SPDX-License-Identifier: Apache-2.0
// Both text formats. A scrape may hold 100,000 series: one buffer, no formatter per label.
#include "exporters/metrics/expose.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <vector>

namespace maru {
namespace {

constexpr std::size_t usual_line = 288; // bytes, as a guess for the buffer

/// One line at a time, in memory of its own that stays in the processor's caches.
class Line {
public:
  void write(std::string_view text) {
    room_for(text.size());
    std::memcpy(buffer_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void write(char c) {
    room_for(1);
    buffer_[size_++] = c;
  }

  void write_escaped(std::string_view text) {
    unsigned special = 0; // without a way out, so that it is done many at a time
    for (char const c : text) special |= static_cast<unsigned>((c == '\\') | (c == '"') | (c == '\n'));
    if (special == 0) return write(text);
    for (char const c : text) {
      if (c == '\\' || c == '"' || c == '\n') write('\\');
      write(c == '\n' ? 'n' : c);
    }
  }

  void write_number(double value) {
    if (std::isnan(value)) return write("NaN");
    if (std::isinf(value)) return write(value > 0 ? "+Inf" : "-Inf");
    room_for(longest_number);
    size_ = static_cast<std::size_t>(std::to_chars(buffer_.data() + size_, buffer_.data() + buffer_.size(), value).ptr -
                                     buffer_.data());
  }

  /// Seconds with three decimals: the times are whole milliseconds.
  void write_time(double time) {
    if (!(std::abs(time) < latest)) time = 0; // a report may say anything
    auto const all = std::llround(std::abs(time) * 1000);
    if (time < 0) write('-');
    room_for(longest_number);
    size_ = static_cast<std::size_t>(
        std::to_chars(buffer_.data() + size_, buffer_.data() + buffer_.size(), all / 1000).ptr - buffer_.data());
    auto const part = static_cast<int>(all % 1000);
    write('.');
    for (int const digit : {part / 100, part / 10 % 10, part % 10}) write(static_cast<char>('0' + digit));
  }

  void write_series(std::string_view name, Series const& series) {
    write(name);
    char separator = '{';
    for (auto const& label : series) {
      write(separator);
      write(label.name);
      write("=\"");
      write_escaped(label.value);
      write('"');
      separator = ',';
    }
    if (!series.empty()) write('}');
  }

  void end(std::string& out) {
    write('\n');
    out.append(buffer_.data(), size_);
    size_ = 0;
  }

private:
  static constexpr std::size_t longest_number = 32;
  static constexpr double latest = 1e12; ///< seconds

  void room_for(std::size_t more) {
    if (size_ + more > buffer_.size()) buffer_.resize(2 * (size_ + more));
  }

  std::vector<char> buffer_ = std::vector<char>(1024);
  std::size_t size_ = 0;
};

void append_comment(std::string& out, char const* keyword, std::string_view name, std::string_view text) {
  out.append("# ").append(keyword).append(" ").append(name).append(" ").append(text).append("\n");
}

std::string reserved(Exposition const& exposition) {
  std::string out;
  out.reserve(series_count(exposition) * usual_line);
  return out;
}

} // namespace

std::string openmetrics_text(Exposition const& exposition) {
  auto out = reserved(exposition);
  Line line;
  for (auto const& family : exposition) {
    append_comment(out, "TYPE", family.row->name, name(family.row->type));
    if (*family.row->unit) append_comment(out, "UNIT", family.row->name, family.row->unit);
    append_comment(out, "HELP", family.row->name, family.row->help);
    auto const of_samples = sample_name(*family.row);
    for (auto const& sample : family.samples) {
      line.write_series(of_samples, sample.series);
      line.write(' ');
      line.write_number(sample.value);
      line.write(' ');
      line.write_time(sample.time);
      line.end(out);
    }
  }
  return out += "# EOF\n";
}

std::string prometheus_text(Exposition const& exposition) {
  auto out = reserved(exposition);
  Line line;
  for (auto const& family : exposition) {
    auto const of_samples = sample_name(*family.row);
    append_comment(out, "HELP", of_samples, family.row->help);
    append_comment(out, "TYPE", of_samples, family.row->type == MetricType::counter ? "counter" : "gauge");
    for (auto const& sample : family.samples) {
      line.write_series(of_samples, sample.series);
      line.write(' ');
      line.write_number(sample.value);
      line.end(out);
    }
  }
  return out;
}

} // namespace maru
