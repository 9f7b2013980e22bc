// SPDX-License-Identifier: Apache-2.0
#include "cli/history_view.hpp"
#include "exporters/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace maru {
namespace {

using Json = nlohmann::ordered_json;

Json optional(std::optional<double> const& value) { return value ? Json(*value) : Json(); }

Json json_of(Software const& software) {
  return {{"driver", one_line(software.driver)},
          {"kernel", one_line(software.kernel)},
          {"mpi", one_line(software.mpi)},
          {"maru", one_line(software.maru)}};
}

Json json_of(RunEntry const& run) {
  return {{"run", one_line(run.run)},   {"cluster", one_line(run.cluster)},
          {"started", run.at},          {"complete", run.complete},
          {"plan", one_line(run.plan)}, {"plan_digest", one_line(run.plan_digest)},
          {"hosts", run.hosts},         {"ranks", run.ranks},
          {"values", run.values},       {"software", json_of(run.software)}};
}

Json json_of(Series const& series) {
  return {{"cluster", one_line(series.cluster)},
          {"host", one_line(series.host)},
          {"local_rank", series.local_rank},
          {"ranks", series.ranks},
          {"threads", series.threads},
          {"model", one_line(series.model)},
          {"device_uuid", one_line(series.device_uuid)},
          {"metric", one_line(series.metric)},
          {"unit", one_line(series.unit)},
          {"higher_is_better", series.higher_is_better}};
}

Json json_of(Change const& change, SeriesTrend const& of, History const& history) {
  Json json{{"at", of.points[change.at].at}, {"index", change.at}, {"level_differs", change.shifted},
            {"effect", change.effect},       {"p", change.p},      {"values_before", change.before},
            {"values_after", change.after}};
  json["software_before"] = change.known ? json_of(history.software(of.points[change.at - 1].software)) : Json();
  json["software_after"] = change.known ? json_of(history.software(of.points[change.at].software)) : Json();
  return json;
}

Json json_of(SeriesTrend const& of, History const& history) {
  auto json = json_of(of.series);
  json["n"] = of.trend.n;
  json["first"] = of.trend.first;
  json["latest"] = of.trend.latest;
  json["latest_over_past"] = optional(of.trend.of_past ? std::optional(*of.trend.of_past + 1) : std::nullopt);
  json["min"] = of.trend.min;
  json["max"] = of.trend.max;
  json["changes"] = Json::array();
  for (auto const& change : of.trend.changes) json["changes"].push_back(json_of(change, of, history));
  json["points"] = Json::array();
  for (auto const& point : of.points)
    json["points"].push_back({{"at", point.at},
                              {"value", point.value},
                              {"low", optional(point.ci ? std::optional(point.ci->low) : std::nullopt)},
                              {"high", optional(point.ci ? std::optional(point.ci->high) : std::nullopt)},
                              {"doubtful", point.doubtful}});
  return json;
}

std::string csv_field(std::string const& raw) {
  auto field = one_line(raw);
  if (field.find_first_of(",\"") == field.npos) return field;
  std::string result = "\"";
  for (char const c : field) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

} // namespace

std::string list_json(std::vector<RunEntry> const& runs) {
  auto json = Json::array();
  for (auto const& run : runs) json.push_back(json_of(run));
  return json.dump(1) + "\n";
}

std::string trend_json(History const& history, std::vector<SeriesTrend> const& all) {
  auto json = Json::array();
  for (auto const& of : all) json.push_back(json_of(of, history));
  return json.dump(1) + "\n";
}

std::string export_csv_head() {
  return "run,cluster,started,complete,plan,plan_digest,driver,kernel,mpi,maru,host,local_rank,ranks,threads,model,"
         "device_uuid,metric,unit,value,low,high,doubtful\r\n";
}

std::string export_csv(RunEntry const& run, Series const& series, Point const& point, Software const& software) {
  std::string line;
  for (auto const& field : {run.run,
                            run.cluster,
                            number(run.at),
                            std::string(run.complete ? "1" : "0"),
                            run.plan,
                            run.plan_digest,
                            software.driver,
                            software.kernel,
                            software.mpi,
                            software.maru,
                            series.host,
                            fmt::to_string(series.local_rank),
                            fmt::to_string(series.ranks),
                            fmt::to_string(series.threads),
                            series.model,
                            series.device_uuid,
                            series.metric,
                            series.unit,
                            number(point.value),
                            point.ci ? number(point.ci->low) : std::string(),
                            point.ci ? number(point.ci->high) : std::string()})
    (line += csv_field(field)) += ',';
  return line + (point.doubtful ? "1" : "0") + "\r\n";
}

std::string export_jsonl(RunEntry const& run, Series const& series, Point const& point, Software const& software) {
  auto json = json_of(series);
  json["run"] = one_line(run.run);
  json["started"] = run.at;
  json["complete"] = run.complete;
  json["plan"] = one_line(run.plan);
  json["plan_digest"] = one_line(run.plan_digest);
  json["software"] = json_of(software);
  json["value"] = point.value;
  json["low"] = optional(point.ci ? std::optional(point.ci->low) : std::nullopt);
  json["high"] = optional(point.ci ? std::optional(point.ci->high) : std::nullopt);
  json["doubtful"] = point.doubtful;
  return json.dump() + "\n";
}

} // namespace maru
