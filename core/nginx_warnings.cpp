#include "core/nginx_warnings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace blobvalet {
namespace {

using std::chrono::milliseconds;

// The longest legal name, percent-encoded twice, and what else stands in the request line.
constexpr std::uint64_t kLongestRequestLine = 25'600;
// How long a callback may wait for its turn.
constexpr milliseconds kLongestQueue{2000};

// nginx's own defaults.
constexpr std::uint64_t kDefaultBody = 1'048'576;
constexpr std::uint64_t kDefaultHeaderBuffer = 8192;
constexpr std::uint64_t kDefaultReadTimeout = 60'000;
constexpr std::uint64_t kDefaultConnections = 512;

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::uint64_t number_of(const NginxDirective* directive, std::size_t arg, std::uint64_t fallback) {
  if (directive == nullptr || directive->args.size() <= arg) return fallback;
  return number<std::uint64_t>(directive->args[arg]).value_or(fallback);
}

std::uint64_t size_of(const NginxDirective* directive, std::size_t arg, std::uint64_t fallback) {
  if (directive == nullptr || directive->args.size() <= arg) return fallback;
  return nginx_size(directive->args[arg]).value_or(fallback);
}

std::string place_of(const NginxDirective* directive, const NginxLocation& location) {
  return directive != nullptr ? directive->place : location.scopes.back()->place;
}

bool is_request_variable(std::string_view name) {
  constexpr std::array<std::string_view, 4> kPrefixes{"$http_", "$cookie_", "$arg_", "$request"};
  constexpr std::array<std::string_view, 6> kNames{"$args",         "$query_string", "$uri",
                                                   "$document_uri", "$is_args",      "$request_uri"};
  return std::ranges::any_of(kPrefixes, [&](std::string_view p) { return name.starts_with(p); }) ||
         std::ranges::find(kNames, name) != kNames.end();
}

bool is_variable_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The variables in a text, such as `$host` and `${host}`, without braces.
std::vector<std::string> variables_in(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at)) {
    ++at;
    if (at < text.size() && text[at] == '{') ++at;
    std::size_t end = at;
    while (end < text.size() && is_variable_character(text[end]))
      ++end;
    names.push_back("$" + std::string(text.substr(at, end - at)));
    at = end;
  }
  return names;
}

/// Collects the warnings of one nginx.
class Collector {
 public:
  Collector(const Config& config, const NginxConfig& nginx)
      : config_(config), nginx_(nginx), locations_(blobvalet_locations(nginx)) {}

  Warnings collect() {
    if (!has("signature")) {
      warn("no_snippet", "nginx", "no location passes requests to blobvalet",
           "put \"include snippets/blobvalet.conf;\" into the site's server {}, and reload nginx");
    }
    for (const NginxLocation& location : locations_) {
      if (location.endpoint == "signature" || location.endpoint == "success") look_at(location);
      if (location.endpoint == "session" && lists()) look_at(location);
    }
    if (lists() && !locations_.empty() && !has("session")) {
      warn("no_session", "nginx", "a rule has list, but no location passes requests to blobvalet as session",
           "put \"include snippets/blobvalet.conf;\" into the site's server {}, or a location with "
           "snippets/blobvalet-session.conf, and reload nginx");
    }
    if (!locations_.empty()) look_at_whole();
    return std::move(warnings_);
  }

 private:
  [[nodiscard]] bool has(std::string_view endpoint) const {
    return std::ranges::find(locations_, endpoint, &NginxLocation::endpoint) != locations_.end();
  }

  [[nodiscard]] bool lists() const { return std::ranges::any_of(config_.rules, &Rule::list); }

  /// Once for each place: what two locations inherit is one mistake.
  void warn(const char* code, std::string field, std::string what, std::string mend) {
    Warning warning{code, std::move(field), std::move(what), std::move(mend)};
    const auto is_same = [&](const Warning& w) { return w.code == warning.code && w.field == warning.field; };
    if (std::ranges::none_of(warnings_, is_same)) warnings_.push_back(std::move(warning));
  }

  void look_at(const NginxLocation& location) {
    look_at_header_buffers(location);
    look_at_read_timeout(location);
    look_at_identity(location, "BLOBVALET_USER");
    for (const NginxDirective* param : location.all("fastcgi_param")) {
      if (!param->args.empty() && param->args[0].starts_with("BLOBVALET_VAR_"))
        look_at_identity(location, param->args[0]);
    }
    const NginxDirective* keep = location.find("fastcgi_keep_conn");
    if (keep == nullptr || keep->text() != "on") {
      warn("no_keepalive", place_of(keep, location), "each request makes a connection of its own to a worker",
           "set fastcgi_keep_conn on, as snippets/blobvalet-common.conf does");
    }
    if (location.endpoint == "success") look_at_body(location);
  }

  void look_at_body(const NginxLocation& location) {
    const NginxDirective* directive = location.find("client_max_body_size");
    const std::uint64_t nginx = size_of(directive, 0, kDefaultBody);
    const std::uint64_t ours = config_.success.limits.max_body_bytes;
    if (nginx == ours) return;
    const bool is_less = nginx != 0 && nginx < ours;
    warn("body_limit", place_of(directive, location),
         is_less ? "nginx refuses callbacks which success.max_body_bytes would allow"
                 : "nginx takes in bodies which success.max_body_bytes then refuses",
         "set client_max_body_size to " + std::to_string(ours) + ", or change success.max_body_bytes");
  }

  void look_at_header_buffers(const NginxLocation& location) {
    const NginxDirective* directive = location.find("large_client_header_buffers");
    if (size_of(directive, 1, kDefaultHeaderBuffer) >= kLongestRequestLine) return;
    warn("header_buffers", place_of(directive, location),
         "nginx refuses long blob names with 414 before blobvalet sees them",
         "set large_client_header_buffers 2 64k, as conf.d/blobvalet.conf does");
  }

  /// What a worker may take at most, so that nginx does not report a failure where there is none.
  [[nodiscard]] milliseconds longest_answer(const NginxLocation& location) const {
    if (location.endpoint == "session") return kLongestQueue + config_.session.deadline;
    const auto& hook = config_.success.hook;
    const bool is_delete = location.endpoint == "signature";
    if (is_delete && !(hook && hook->delete_granted)) return milliseconds(0);
    milliseconds azure{0};
    for (const Rule& rule : config_.rules) {
      if (rule.verify.enabled && !is_delete) azure = std::max(azure, rule.verify.deadline);
    }
    const bool waits_for_hook = hook && hook->mode == HookOptions::Mode::sync;
    return kLongestQueue + azure + (waits_for_hook ? hook->timeout : milliseconds(0));
  }

  void look_at_read_timeout(const NginxLocation& location) {
    const NginxDirective* directive = location.find("fastcgi_read_timeout");
    const std::uint64_t nginx = directive == nullptr
                                    ? kDefaultReadTimeout
                                    : nginx_milliseconds(directive->text()).value_or(kDefaultReadTimeout);
    const auto needed = static_cast<std::uint64_t>(longest_answer(location).count());
    if (nginx >= needed) return;
    warn("read_timeout", place_of(directive, location),
         "nginx gives up before a worker may: 2 s until its turn, " +
             std::string(location.endpoint == "session"
                             ? "and session.deadline_ms"
                             : "success.verify.deadline_ms and success.hook.timeout_ms") +
             " are " + std::to_string(needed) + " ms together",
         "set fastcgi_read_timeout to " + std::to_string((needed + 999) / 1000) + "s or more");
  }

  // --- who the user is ---

  void look_at_identity(const NginxLocation& location, const std::string& parameter) {
    const std::string value(location.parameter(parameter));
    look_at_value(location, parameter, value, place_of(location.scopes.back(), location), 0);
  }

  /// Follows `set`, `auth_request_set` and `map` to where a value comes from.
  void look_at_value(const NginxLocation& location, const std::string& parameter, const std::string& value,
                     const std::string& place, int depth) {
    constexpr int kDeepest = 8;  // a variable may be made of itself
    if (depth > kDeepest) return;
    for (const std::string& name : variables_in(value)) {
      const auto [source, is_answer] = source_of(location, name);
      if (is_answer) {
        look_at_auth_request(location, *source);
      } else if (source != nullptr) {
        look_at_value(location, parameter, source->args.back(), source->place, depth + 1);
      } else if (const NginxDirective* map = nginx_map(nginx_, name)) {
        for (const NginxDirective& line : map->block)
          look_at_value(location, parameter, line.text(), line.place, depth + 1);
      } else {
        look_at_variable(location, parameter, name, place);
      }
    }
  }

  struct Source {
    const NginxDirective* directive;
    bool is_answer;  ///< of an auth_request
  };
  static Source source_of(const NginxLocation& location, const std::string& variable) {
    for (auto scope = location.scopes.rbegin(); scope != location.scopes.rend(); ++scope) {
      for (const NginxDirective& directive : (*scope)->block) {
        const bool is_answer = directive.name == "auth_request_set";
        const bool is_it = (is_answer || directive.name == "set") && directive.args.size() == 2;
        if (is_it && directive.args[0] == variable) return {&directive, is_answer};
      }
    }
    return {nullptr, false};
  }

  void look_at_auth_request(const NginxLocation& location, const NginxDirective& directive) {
    const NginxDirective* check = location.find("auth_request");
    if (check != nullptr && check->text() != "off") return;
    warn("identity_unchecked", directive.place,
         "nobody is asked: there is no auth_request where blobvalet's locations are",
         "put auth_request into the same server {}");
  }

  void look_at_variable(const NginxLocation& location, const std::string& parameter, const std::string& name,
                        const std::string& place) {
    if (is_request_variable(name)) {
      warn("identity_from_request", place, parameter + " is " + name + ", which the client chooses freely",
           "use a variable that nginx has checked: see snippets/blobvalet.conf");
    } else if (name == "$remote_user") {
      const NginxDirective* basic = location.find("auth_basic");
      if (basic != nullptr && basic->text() != "off") return;
      warn("identity_unchecked", place,
           parameter + " is $remote_user without auth_basic: any name with any password",
           "put auth_basic into the same server {} as blobvalet's locations");
    } else if (name.starts_with("$ssl_client_")) {
      const NginxDirective* verify = location.find("ssl_verify_client");
      if (verify != nullptr && verify->text() == "on") return;
      warn("identity_unchecked", place, parameter + " is " + name + " without ssl_verify_client on",
           "put \"ssl_verify_client on;\" into the same server {}");
    }
  }

  // --- all locations together ---

  void look_at_whole() {
    look_at_origins();
    look_at_upstreams();
  }

  void look_at_origins() {
    const NginxDirective* map = nginx_map(nginx_, "$blobvalet_listed");
    if (map == nullptr) return;
    for (const NginxDirective& entry : map->block)
      look_at_origin(entry);
    const auto listed = listed_origins(nginx_);
    if (listed.empty() && config_.cors.origins.empty()) {
      warn("no_origins", "cors.origins",
           "neither this nor blobvalet/origins.map names a page, so the account's CORS rule cannot be "
           "computed "
           "or tested",
           "list the origins of all pages here, those of this site included");
    }
    for (std::size_t i = 0; i < config_.cors.origins.size(); ++i) {
      const std::string& origin = config_.cors.origins[i];
      if (std::ranges::find(listed, origin) != listed.end() || is_own_origin(origin)) continue;
      warn("origin_not_listed", "cors.origins[" + std::to_string(i) + "]",
           "pages there may not ask for signatures: it is neither in blobvalet/origins.map nor the name of a "
           "site with blobvalet",
           "add it to blobvalet/origins.map and reload nginx, or remove it here");
    }
  }

  void look_at_origin(const NginxDirective& entry) {
    if (entry.args.empty() || entry.args[0].empty()) return;
    if (entry.name == "default" || entry.name.starts_with('~') || entry.name.starts_with('*')) {
      warn("wildcard_origin", entry.place,
           "lists origins that nobody has named: their pages act with the users' cookies",
           "list each origin by its exact name");
    } else if (entry.name == "null") {
      warn("wildcard_origin", entry.place, "\"null\" is any sandboxed frame and any local file", "remove it");
    }
  }

  /// True if a server with blobvalet has the host's name. Its ports do not say what browsers see.
  [[nodiscard]] bool is_own_origin(std::string_view origin) const {
    const auto url = EndpointUrl::parse(origin);
    if (!url) return false;
    std::string_view host(url->origin);
    host.remove_prefix(host.find("://") + 3);
    host = host.substr(0, host.rfind(':'));
    return std::ranges::any_of(locations_, [&](const NginxLocation& location) {
      const NginxDirective* names = location.server().find("server_name");
      return names == nullptr || std::ranges::find(names->args, host) != names->args.end() ||
             std::ranges::find(names->args, "_") != names->args.end();
    });
  }

  void look_at_upstreams() {
    const NginxDirective* http = nginx_.main().find("http");
    std::uint64_t kept = 0;
    for (const NginxDirective& upstream : http->block) {
      if (upstream.name != "upstream" || !upstream.text().starts_with("blobvalet_")) continue;
      const NginxDirective* keepalive = upstream.find("keepalive");
      kept += number_of(keepalive, 0, 0);
      if (keepalive != nullptr) continue;
      warn("no_keepalive", upstream.place, "nginx keeps no connections to the workers of this upstream",
           "put \"keepalive 128;\" into it, as conf.d/blobvalet.conf does");
    }
    const NginxDirective* events = nginx_.main().find("events");
    const NginxDirective* directive = events == nullptr ? nullptr : events->find("worker_connections");
    const std::uint64_t needed = 2 * (kept + config_.server.threads);
    if (number_of(directive, 0, kDefaultConnections) < needed) {
      warn("worker_connections", directive == nullptr ? "nginx" : directive->place,
           "one nginx process can keep its connections to the workers only at the expense of clients",
           "set worker_connections to at least " + std::to_string(needed) + "; 4096 is ample");
    }
    const NginxDirective* files = nginx_.main().find("worker_rlimit_nofile");
    if (files == nullptr || number_of(files, 0, 0) >= number_of(directive, 0, kDefaultConnections)) return;
    warn("worker_connections", files->place, "nginx may open fewer files than it may have connections",
         "set worker_rlimit_nofile to twice worker_connections");
  }

  const Config& config_;
  const NginxConfig& nginx_;
  const std::vector<NginxLocation> locations_;
  Warnings warnings_;
};

}  // namespace

Warnings nginx_warnings(const Config& config, const NginxConfig& nginx) {
  return Collector(config, nginx).collect();
}

std::vector<std::string> listed_origins(const NginxConfig& nginx) {
  std::vector<std::string> origins;
  const NginxDirective* map = nginx_map(nginx, "$blobvalet_listed");
  if (map == nullptr) return origins;
  for (const NginxDirective& entry : map->block) {
    const bool is_listed = !entry.args.empty() && !entry.args[0].empty();
    if (is_listed && EndpointUrl::parse(entry.name)) origins.push_back(entry.name);
  }
  return origins;
}

std::optional<std::uint64_t> nginx_size(std::string_view text) {
  std::uint64_t unit = 1;
  if (text.ends_with('k') || text.ends_with('K')) unit = 1024;
  if (text.ends_with('m') || text.ends_with('M')) unit = 1024ULL * 1024;
  if (text.ends_with('g') || text.ends_with('G')) unit = 1024ULL * 1024 * 1024;
  if (unit > 1) text.remove_suffix(1);
  const auto count = number<std::uint64_t>(text);
  if (!count || *count > UINT64_MAX / unit) return std::nullopt;
  return *count * unit;
}

std::optional<std::uint64_t> nginx_milliseconds(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 6> kUnits{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}, {"", 1000}}};
  std::optional<std::uint64_t> total;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = number<std::uint32_t>(text.substr(0, end));
    text.remove_prefix(end);
    const auto unit = std::ranges::find_if(
        kUnits, [&](const auto& u) { return !u.first.empty() ? text.starts_with(u.first) : true; });
    if (!count || (unit->first.empty() && !text.empty() && text.front() != ' ')) return std::nullopt;
    text.remove_prefix(unit->first.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    total = total.value_or(0) + *count * unit->second;
  }
  return total;
}

}  // namespace blobvalet
