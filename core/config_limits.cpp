#include "core/config_limits.hpp"

#include "core/config_store.hpp"

namespace blobvalet {

LimitOptions read_limits(const ObjectReader& object, const ReportFault& report) {
  LimitOptions limits;
  const ObjectReader store = object.object("store");
  check_store(store, "shared_memory",
              {"host", "port", "unix_socket", "password_file", "prefix", "timeout_ms"}, report);
  if (store.text("type") == "redis") limits.store = LimitOptions::Store::redis;
  limits.file = store.text("file").value_or(limits.file);
  read_redis(limits, store);
  limits.timeout = store.milliseconds("timeout_ms").value_or(limits.timeout);
  limits.refuse_when_unavailable = object.text("when_unavailable") == "refuse";
  return limits;
}

std::optional<RateLimit> read_rate_limit(const ObjectReader& rule, const ReportFault& report) {
  if (!rule.has("limit")) return std::nullopt;
  const ObjectReader object = rule.object("limit");
  const auto requests = object.number("requests");
  const auto seconds = object.number("per_seconds");
  // The schema has said so already.
  if (!requests || !seconds || *requests == 0 || *seconds == 0) return std::nullopt;
  RateLimit limit;
  limit.interval = std::chrono::nanoseconds(std::chrono::seconds(*seconds)) / *requests;
  limit.burst = object.number("burst").value_or(*requests);
  constexpr std::chrono::hours kLongestSpan{24 * 30};
  if (limit.burst > kLongestSpan / limit.interval)
    report(object.path_of("burst"), "would take more than 30 days to be there again");
  return limit;
}

std::vector<IpNetwork> read_allow_from(const ObjectReader& server, const ReportFault& report) {
  std::vector<IpNetwork> networks;
  const auto texts = server.texts("allow_from");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string path = server.path_of("allow_from") + "[" + std::to_string(i) + "]";
    const auto network = IpNetwork::parse(texts[i]);
    if (!network) {
      report(
          path,
          "must be an address, or a network such as 10.0.0.0/24 or fd00::/64 with zeros behind its prefix");
    } else if (texts[i].ends_with("/0")) {
      report(path, "would let everybody in");
    } else {
      networks.push_back(*network);
    }
  }
  return networks;
}

SessionOptions read_session(const ObjectReader& object) {
  SessionOptions options;
  options.max_files = object.number("max_files").value_or(static_cast<unsigned>(options.max_files));
  options.max_blobs = object.number("max_blobs").value_or(static_cast<unsigned>(options.max_blobs));
  options.deadline = object.milliseconds("deadline_ms").value_or(options.deadline);
  options.connect_timeout = object.milliseconds("connect_timeout_ms").value_or(options.connect_timeout);
  return options;
}

}  // namespace blobvalet
