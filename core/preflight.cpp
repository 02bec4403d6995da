#include "core/preflight.hpp"

#include <algorithm>

#include "core/ascii.hpp"
#include "core/azure_error_code.hpp"
#include "core/cors_rules.hpp"

namespace blobvalet {
namespace {

/// True if a list in a header of the answer has the item, or is `*`. Names of methods are compared exactly.
bool lists(std::string_view list, std::string_view item, bool any_case) {
  return std::ranges::any_of(cors_items(list), [&](std::string_view listed) {
    return listed == "*" || (any_case ? lower_case(listed) == lower_case(item) : listed == item);
  });
}

}  // namespace

HttpCall Preflight::call(const std::string& ca_file) const {
  HttpCall call;
  call.method = "OPTIONS";
  call.url = url;
  call.ca_file = ca_file;
  call.connect_timeout = std::chrono::seconds(3);
  call.timeout = std::chrono::seconds(10);
  call.headers = {"Origin: " + origin, "Access-Control-Request-Method: " + method};
  std::string names;
  for (const std::string& header : headers)
    names.append(names.empty() ? "" : ",").append(header);
  if (!names.empty()) call.headers.push_back("Access-Control-Request-Headers: " + names);
  return call;
}

std::string Preflight::objection(const HttpAnswer& answer) const {
  if (answer.status < 200 || answer.status > 299) {
    const auto code = known_error_code(answer);
    return "the answer is " + std::to_string(answer.status) +
           (code ? " " + std::string(code->view()) : std::string());
  }
  const std::string_view allowed = answer.header("access-control-allow-origin");
  if (allowed.empty()) return "the answer allows no origin";
  if (allowed != "*" && allowed != origin) return "the answer allows another origin";
  // Simple methods need no permission.
  const bool is_simple = method == "GET" || method == "HEAD" || method == "POST";
  if (!is_simple && !lists(answer.header("access-control-allow-methods"), method, false))
    return "the answer does not allow " + method;
  for (const std::string& header : headers) {
    if (!lists(answer.header("access-control-allow-headers"), header, true))
      return "the answer does not allow the header " + header;
  }
  return {};
}

std::string_view describe(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::unreachable: return "it cannot be reached";
    case HttpFailure::timed_out: return "it did not answer in time";
    case HttpFailure::untrusted: return "its certificate is not trusted";
    case HttpFailure::too_large: return "its answer is too large";
    case HttpFailure::malformed: break;
  }
  return "it does not speak HTTP";
}

}  // namespace blobvalet
