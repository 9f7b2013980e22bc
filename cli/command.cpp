// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include "analysis/expectations.hpp"

namespace maru {

CLI::Option* add_value(CLI::App& app, std::string const& names, std::string& target, std::string const& kind,
                       std::string const& help) {
  return app.add_option(names, target, help)->type_name(kind)->check([](std::string const& text) {
    return text.empty() ? std::string("must not be empty") : std::string();
  });
}

std::string rendered(Exporter const& form, Report const& report) {
  return form.render(report, form.judged ? opinion(report) : Opinion());
}

} // namespace maru
