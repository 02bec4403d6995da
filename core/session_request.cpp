#include "core/session_request.hpp"

#include <optional>

#include "core/form_urlencoded.hpp"
#include "core/percent_encoding.hpp"

namespace blobvalet {

Result<SessionRequest> SessionRequest::parse(std::string_view query, std::string& buffer) {
  std::optional<std::string_view> container;
  FormReader reader(query);
  while (const auto pair = reader.next()) {
    buffer.clear();
    if (!append_form_decoded(buffer, pair->name)) return malformed_escape("query");
    if (buffer != "container") continue;
    if (container) return refuse(Errc::duplicate_parameter, "query", "gives container more than once");
    container = pair->value;
  }
  if (!container) {
    return refuse(Errc::missing_parameter, "container",
                  "is missing; session.params needs it, with the value of request.endpoint");
  }
  buffer.clear();
  if (!append_form_decoded(buffer, *container)) return malformed_escape("query");
  return SessionRequest{buffer};
}

}  // namespace blobvalet
