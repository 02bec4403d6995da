#include "core/config.hpp"

#include <rapidjson/error/en.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "core/ascii.hpp"
#include "core/config_credential.hpp"
#include "core/config_limits.hpp"
#include "core/config_schema.hpp"
#include "core/config_store.hpp"
#include "core/object_reader.hpp"

namespace blobvalet {
namespace {

using Json = rapidjson::Value;

/// True if `value` nests at most `depth` levels and holds no text of more than 4,096 bytes. What follows
/// recurses, and so do the schema's regular expressions, by the length of what they match.
bool is_bounded(const Json& value, int depth) {
  constexpr rapidjson::SizeType kMaxText = 4096;
  if (value.IsString()) return value.GetStringLength() <= kMaxText;
  if (depth == 0) return !value.IsArray() && !value.IsObject();
  if (value.IsArray()) {
    return std::ranges::all_of(value.GetArray(),
                               [=](const Json& item) { return is_bounded(item, depth - 1); });
  }
  if (!value.IsObject()) return true;
  return std::ranges::all_of(value.GetObject(), [=](const auto& member) {
    return is_bounded(member.name, 0) && is_bounded(member.value, depth - 1);
  });
}

/// JSON lets a key stand twice, and readers take the one or the other; neither is what the operator meant.
/// All but the first are removed, so that the checks that follow see a plain object.
void remove_repeated_keys(Json& value, const std::string& path, ConfigFaults& faults) {
  if (value.IsArray()) {
    for (rapidjson::SizeType i = 0; i < value.Size(); ++i) {
      remove_repeated_keys(value[i], path + "[" + std::to_string(i) + "]", faults);
    }
  }
  if (!value.IsObject()) return;
  std::set<std::string, std::less<>> seen;
  auto member = value.MemberBegin();
  while (value.MemberEnd() - member > 0) {
    const std::string child = (path.empty() ? "" : path + ".") + printable_key(json_text(member->name));
    if (seen.emplace(json_text(member->name)).second) {
      remove_repeated_keys(member->value, child, faults);
      ++member;
    } else {
      faults.push_back({child, "stands there twice"});
      member = value.EraseMember(member);
    }
  }
}

std::vector<std::string> all_lower_case(std::vector<std::string> texts) {
  for (std::string& text : texts)
    text = lower_case(text);
  return texts;
}

/// Headers that we set ourselves, or that belong to one connection.
bool is_reserved_header(std::string_view name) {
  constexpr std::array<std::string_view, 14> kReserved{"accept",
                                                       "blobvalet-signature",
                                                       "connection",
                                                       "content-encoding",
                                                       "content-length",
                                                       "content-type",
                                                       "expect",
                                                       "host",
                                                       "keep-alive",
                                                       "proxy-connection",
                                                       "te",
                                                       "trailer",
                                                       "transfer-encoding",
                                                       "upgrade"};
  return std::ranges::find(kReserved, name) != kReserved.end();
}

/// True if every `{name}` is one that we know, and no brace stands alone.
bool is_url_template(std::string_view url) {
  constexpr std::array<std::string_view, 4> kNames{"account", "container", "blob", "uuid"};
  while (true) {
    const std::size_t brace = url.find_first_of("{}");
    if (brace == std::string_view::npos) return true;
    const std::size_t close = url.find('}', brace);
    if (url[brace] == '}' || close == std::string_view::npos) return false;
    const std::string_view name = url.substr(brace + 1, close - brace - 1);
    if (std::ranges::find(kNames, name) == kNames.end()) return false;
    url.remove_prefix(close + 1);
  }
}

/// A number from 0 to 255 in one to three digits.
bool is_ipv4_part(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && text.size() <= 3 && value <= 255;
}

bool is_ipv4(std::string_view text) {
  for (int parts_left = 4; parts_left > 0; --parts_left) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const bool last = end == text.size();
    if (!is_ipv4_part(text.substr(0, end)) || last != (parts_left == 1)) return false;
    text.remove_prefix(last ? end : end + 1);
  }
  return true;
}

/// One address, or two joined by a dash.
bool is_ipv4_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return is_ipv4(text);
  return is_ipv4(text.substr(0, dash)) && is_ipv4(text.substr(dash + 1));
}

/// Reads the document into a Config, collecting what the schema cannot see.
class ConfigReader {
 public:
  ConfigReader(const Json& document, ConfigFaults& faults) : root_(&document, ""), faults_(faults) {}

  Config read() {
    read_accounts();
    config_.blob_names = root_.text("blob_names") == "uri" ? BlobNames::uri : BlobNames::raw;
    defaults_ = read_sas(root_.object("sas"), SasOptions{});
    const ObjectReader success = root_.object("success");
    verify_defaults_ = read_verify(success.object("verify"), VerifyOptions{});
    thumbnail_default_ = read_thumbnail(success.object("thumbnail"), ThumbnailOptions{});
    read_rules();
    read_success(success);
    config_.session = read_session(root_.object("session"));
    read_keys(root_.object("keys"));
    const ObjectReader server = root_.object("server");
    config_.server.threads = server.number("threads").value_or(config_.server.threads);
    config_.server.access_log = server.boolean("access_log").value_or(config_.server.access_log);
    config_.server.audit_log = server.boolean("audit_log").value_or(config_.server.audit_log);
    read_cors(root_.object("cors"));
    config_.server.metrics_file = server.text("metrics_file").value_or(config_.server.metrics_file);
    config_.server.allow_from = read_allow_from(server, report());
    config_.server.allow_public_bind = server.boolean("allow_public_bind").value_or(false);
    config_.limits = read_limits(root_.object("limits"), report());
    return std::move(config_);
  }

 private:
  /// One fault for each place: what the schema said of it is enough.
  void fault(std::string path, std::string message) {
    if (std::ranges::find(faults_, path, &ConfigFault::path) != faults_.end()) return;
    faults_.push_back({std::move(path), std::move(message)});
  }

  [[nodiscard]] ReportFault report() {
    return [this](std::string path, std::string message) { fault(std::move(path), std::move(message)); };
  }

  void read_accounts() {
    for (const ObjectReader& object : root_.objects("accounts")) {
      Account account;
      account.name = object.text("name").value_or("");
      if (find_account(account.name)) fault(object.path_of("name"), "is the name of an earlier account");
      read_endpoint(account, object.text("endpoint"), object.path_of("endpoint"));
      const auto aliases = object.texts("aliases");
      for (std::size_t i = 0; i < aliases.size(); ++i) {
        read_endpoint(account, aliases[i], object.path_of("aliases") + "[" + std::to_string(i) + "]");
      }
      read_credential(account, object.object("credential"), report());
      read_requests(account, object);
      config_.accounts.push_back(std::move(account));
    }
  }

  void read_endpoint(Account& account, const std::optional<std::string>& text, const std::string& path) {
    if (!text) return;
    auto endpoint = EndpointUrl::parse(*text);
    if (!endpoint) {
      return fault(path, "must be http:// or https:// and a host, without user, query or fragment");
    }
    if (!endpoint_urls_.insert(endpoint->url()).second) fault(path, "is the endpoint of an account already");
    account.endpoints.push_back(std::move(*endpoint));
  }

  void read_requests(Account& account, const ObjectReader& account_object) {
    const ObjectReader object = account_object.object("requests");
    using Kind = RequestAuthorization::Kind;
    RequestAuthorization& requests = account.requests;
    const auto kind = object.text("authorization");
    requests.kind = kind == "bearer" ? Kind::bearer : kind == "shared_key" ? Kind::shared_key : Kind::sas;
    requests.token_file = object.text("token_file").value_or("");
    requests.ca_file = account_object.text("ca_file").value_or("");
    if ((requests.kind == Kind::bearer) == requests.token_file.empty()) {
      fault(object.path_of("token_file"), "must be there with authorization bearer, and only then");
    }
    const bool in_the_clear = !account.endpoints.empty() && leaves_in_the_clear(account.endpoints.front());
    if (requests.kind == Kind::bearer && in_the_clear) {
      fault(object.path_of("authorization"), "can be bearer with an https endpoint only");
    }
    if (requests.kind == Kind::shared_key && account.identity) {
      fault(object.path_of("authorization"), "can be shared_key with credential type shared_key only");
    }
  }

  [[nodiscard]] std::optional<std::size_t> find_account(std::string_view name) const {
    const auto found = std::ranges::find(config_.accounts, name, &Account::name);
    if (found == config_.accounts.end()) return std::nullopt;
    return static_cast<std::size_t>(found - config_.accounts.begin());
  }

  /// `options` comes in with the defaults and goes out with what the object says otherwise.
  SasOptions read_sas(const ObjectReader& object, SasOptions options) {
    if (const auto text = object.text("version")) {
      if (const auto version = SasVersion::parse(*text)) {
        options.version = *version;
      } else {
        fault(object.path_of("version"), "must be a date from " + std::string(SasVersion::kOldest) + " to " +
                                             std::string(SasVersion::kNewest));
      }
    }
    using std::chrono::seconds;
    if (const auto n = object.number("put_lifetime_seconds")) options.put_lifetime = seconds(*n);
    if (const auto n = object.number("delete_lifetime_seconds")) options.delete_lifetime = seconds(*n);
    if (const auto n = object.number("start_backdate_seconds")) {
      options.start_backdate = seconds(*n);
    } else if (object.has("start_backdate_seconds")) {
      options.start_backdate.reset();
    }
    options.protocol = object.text("protocol").value_or(options.protocol);
    options.bind_client_ip = object.boolean("bind_client_ip").value_or(options.bind_client_ip);
    options.ip_range = object.text("ip_range").value_or(options.ip_range);
    options.encryption_scope = object.text("encryption_scope").value_or(options.encryption_scope);
    check_sas(object, options);
    return options;
  }

  /// Only what this object says: the defaults are checked once, where they stand.
  void check_sas(const ObjectReader& object, const SasOptions& options) {
    const bool says_ip = object.has("ip_range") || object.has("bind_client_ip");
    if (says_ip && options.bind_client_ip && !options.ip_range.empty()) {
      fault(object.path_of("ip_range"), "cannot be combined with bind_client_ip");
    }
    const bool says_scope = object.has("encryption_scope") || object.has("version");
    if (says_scope && !options.encryption_scope.empty() && !options.version.signs_encryption_scope()) {
      fault(object.path_of("encryption_scope"), "needs version 2020-12-06 or later");
    }
    if (object.has("ip_range") && !is_ipv4_range(options.ip_range)) {
      fault(object.path_of("ip_range"), "must be an IPv4 address, or two joined by -");
    }
  }

  void read_rules() {
    std::set<std::string> names;
    for (const ObjectReader& object : root_.objects("rules")) {
      Rule rule;
      rule.name = object.text("name").value_or("");
      if (!names.insert(rule.name).second) fault(object.path_of("name"), "is the name of an earlier rule");
      rule.container = object.text("container").value_or("");
      if (object.text("container") && !ContainerName::parse(rule.container)) {
        fault(object.path_of("container"), "must be 3 to 63 of a-z, 0-9 and single -, or $root or $web");
      }
      rule.anonymous = object.boolean("anonymous").value_or(false);
      rule.allow_empty_segments = object.boolean("allow_empty_segments").value_or(false);
      rule.sas = read_sas(object.object("sas"), defaults_);
      rule.limit = read_rate_limit(object, report());
      read_checks(rule, object);
      read_rule_account(rule, object);
      read_patterns(rule, object);
      read_permissions(rule, object);
      read_binding(rule, object);
      read_list(rule, object);
      config_.rules.push_back(std::move(rule));
    }
  }

  /// `options` as in read_sas().
  VerifyOptions read_verify(const ObjectReader& object, VerifyOptions options) {
    options.enabled = object.boolean("enabled").value_or(options.enabled);
    options.deadline = object.milliseconds("deadline_ms").value_or(options.deadline);
    options.connect_timeout = object.milliseconds("connect_timeout_ms").value_or(options.connect_timeout);
    options.on_azure_failure = read_on_failure(object, "on_azure_failure", options.on_azure_failure);
    if (const auto text = object.text("on_violation")) {
      options.on_violation = text == "delete" ? OnViolation::remove
                             : text == "tag"  ? OnViolation::tag
                                              : OnViolation::keep;
    }
    options.min_bytes = object.large_number("min_bytes").value_or(options.min_bytes);
    if (object.has("max_bytes")) options.max_bytes = object.large_number("max_bytes");
    if (object.has("content_types")) options.content_types = all_lower_case(object.texts("content_types"));
    if (object.has("extensions")) options.extensions = all_lower_case(object.texts("extensions"));
    options.magic = object.boolean("magic").value_or(options.magic);
    options.require_filename = object.boolean("require_filename").value_or(options.require_filename);
    options.size_parameter = object.text("size_parameter").value_or(options.size_parameter);
    options.answer_properties = object.boolean("answer_properties").value_or(options.answer_properties);
    // Only what this object says, as with SAS options.
    const bool says_size = object.has("min_bytes") || object.has("max_bytes");
    if (says_size && options.max_bytes && *options.max_bytes < options.min_bytes) {
      fault(object.path_of("max_bytes"), "is less than min_bytes");
    }
    return options;
  }

  static OnFailure read_on_failure(const ObjectReader& object, const char* name, OnFailure fallback) {
    const auto text = object.text(name);
    if (!text) return fallback;
    return text == "accept" ? OnFailure::accept : OnFailure::refuse;
  }

  /// Unlike read_sas(), takes the whole object or none of it.
  ThumbnailOptions read_thumbnail(const ObjectReader& object, ThumbnailOptions fallback) {
    const auto type = object.text("type");
    if (!type) return fallback;
    using Kind = ThumbnailOptions::Kind;
    ThumbnailOptions options;
    options.kind = type == "read_sas" ? Kind::read_sas : type == "template" ? Kind::url_template : Kind::none;
    const auto lifetime = object.number("lifetime_seconds");
    if (lifetime) options.lifetime = std::chrono::seconds(*lifetime);
    if (lifetime && options.kind != Kind::read_sas) {
      fault(object.path_of("lifetime_seconds"), "is for type read_sas only");
    }
    options.url = object.text("url").value_or("");
    if ((options.kind == Kind::url_template) == options.url.empty()) {
      fault(object.path_of("url"), "must be there with type template, and only then");
    } else if (!is_url_template(options.url)) {
      fault(object.path_of("url"), "may hold {account}, {container}, {blob} and {uuid}, and no other brace");
    }
    return options;
  }

  void read_checks(Rule& rule, const ObjectReader& object) {
    rule.verify = read_verify(object.object("verify"), verify_defaults_);
    rule.thumbnail = read_thumbnail(object.object("thumbnail"), thumbnail_default_);
    if (rule.thumbnail.kind != ThumbnailOptions::Kind::none && !rule.verify.enabled) {
      fault(object.path_of("thumbnail"),
            "needs verify.enabled, or nobody knows whether the blob is an image");
    }
    if (rule.verify.on_violation == OnViolation::tag && !rule.sas.version.has_tags()) {
      fault(object.path_of("verify.on_violation"), "can be tag from sas.version 2019-12-12 on");
    }
  }

  void read_hook(const ObjectReader& object) {
    HookOptions hook;
    hook.url = object.text("url").value_or("");
    hook.unix_socket = object.text("unix_socket").value_or("");
    hook.ca_file = object.text("ca_file").value_or("");
    hook.mode = object.text("mode") == "async" ? HookOptions::Mode::async : HookOptions::Mode::sync;
    hook.secret = read_secret_source(object, kSecretMembers, report());
    hook.timeout = object.milliseconds("timeout_ms").value_or(hook.timeout);
    hook.connect_timeout = object.milliseconds("connect_timeout_ms").value_or(hook.connect_timeout);
    hook.retries = object.number("retries").value_or(hook.retries);
    hook.forward_headers = all_lower_case(object.texts("forward_headers"));
    hook.on_failure = read_on_failure(object, "on_failure", hook.on_failure);
    hook.delete_granted = object.boolean("delete_granted").value_or(hook.delete_granted);
    hook.max_attempts = object.number("max_attempts").value_or(hook.max_attempts);
    hook.parallel_deliveries = object.number("parallel_deliveries").value_or(hook.parallel_deliveries);
    read_store(hook.store, object.object("store"));
    check_hook(object, hook);
    config_.success.hook = std::move(hook);
  }

  void check_hook(const ObjectReader& object, const HookOptions& hook) {
    for (std::size_t i = 0; i < hook.forward_headers.size(); ++i) {
      if (!is_reserved_header(hook.forward_headers[i])) continue;
      fault(object.path_of("forward_headers") + "[" + std::to_string(i) + "]", "cannot be forwarded");
    }
    const bool sync = hook.mode == HookOptions::Mode::sync;
    // Whoever delivers from Redis has a lease of half a minute.
    constexpr std::chrono::milliseconds kLongestDelivery{25000};
    if (!sync && hook.timeout > kLongestDelivery) {
      fault(object.path_of("timeout_ms"), "must be at most 25000 in mode async");
    }
    // A cookie is not kept on a disk until somebody takes the message.
    for (const char* name : {"retries", "forward_headers", "on_failure"}) {
      if (!sync && object.has(name)) fault(object.path_of(name), "is for mode sync only");
    }
    for (const char* name : {"store", "max_attempts", "parallel_deliveries"}) {
      if (sync && object.has(name)) fault(object.path_of(name), "is for mode async only");
    }
  }

  void read_store(EventStoreOptions& store, const ObjectReader& object) {
    const bool redis = object.text("type") == "redis";
    store.kind = redis ? EventStoreOptions::Kind::redis : EventStoreOptions::Kind::sqlite;
    check_store(object, "sqlite", {"host", "port", "unix_socket", "password_file", "prefix"}, report());
    store.file = object.text("file").value_or(store.file);
    read_redis(store, object);
  }

  void read_keys(const ObjectReader& object) {
    KeyOptions& keys = config_.keys;
    keys.directory = object.text("directory").value_or(keys.directory);
    const auto skew = object.number("max_clock_skew_seconds");
    if (skew) keys.max_clock_skew = std::chrono::seconds(*skew);
  }

  void read_cors(const ObjectReader& object) {
    CorsOptions& cors = config_.cors;
    cors.origins = object.texts("origins");
    for (std::size_t i = 0; i < cors.origins.size(); ++i) {
      const auto origin = EndpointUrl::parse(cors.origins[i]);
      if (origin && origin->path.empty() && origin->origin == cors.origins[i]) continue;
      fault(object.path_of("origins") + "[" + std::to_string(i) + "]",
            "must be an origin as browsers send it: scheme and host in lower case, a port unless it is the "
            "usual one, and no slash at the end");
    }
    cors.parameters = object.texts("parameters");
    cors.scaling = object.boolean("scaling").value_or(cors.scaling);
    cors.literal_headers = object.text("headers") == "literal";
    if (const auto n = object.number("max_age_seconds")) cors.max_age = std::chrono::seconds(*n);
    cors.owner = object.text("owner").value_or(cors.owner);
  }

  void read_rule_account(Rule& rule, const ObjectReader& object) {
    const auto name = object.text("account");
    if (!name) return;
    const auto index = find_account(*name);
    if (!index) return fault(object.path_of("account"), "is not the name of an account");
    rule.account_index = *index;
    const auto& endpoints = config_.accounts[*index].endpoints;
    const auto is_plain = [](const EndpointUrl& e) { return e.origin.starts_with("http://"); };
    if (rule.sas.protocol == "https" && std::ranges::any_of(endpoints, is_plain)) {
      fault(object.path_of("account"), "has an http endpoint, so sas.protocol must be https,http");
    }
    // Older forms of a user delegation SAS differ between the service, its documents and its SDKs.
    if (config_.accounts[*index].identity && !rule.sas.version.signs_encryption_scope()) {
      fault(object.path_of("account"), "has an identity, so sas.version must be 2020-12-06 or later");
    }
  }

  void read_patterns(Rule& rule, const ObjectReader& object) {
    const auto texts = object.texts("blobs");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string path = object.path_of("blobs") + "[" + std::to_string(i) + "]";
      std::string what;
      auto pattern = NamePattern::parse(texts[i], rule.allow_empty_segments, what);
      if (!pattern) {
        fault(path, what);
      } else if (rule.anonymous && pattern->has_parameter("user")) {
        fault(path, "has {user}, but the rule is anonymous");
      } else {
        rule.blobs.push_back(std::move(*pattern));
      }
    }
  }

  void read_permissions(Rule& rule, const ObjectReader& object) {
    const auto methods = object.texts("methods");
    const auto allows = [&](const char* method) {
      return std::ranges::find(methods, method) != methods.end();
    };
    const ObjectReader letters = object.object("permissions");
    if (allows("PUT")) rule.put_permissions = read_letters(letters, "PUT", "cw", "cwt", "cw");
    if (allows("DELETE")) rule.delete_permissions = read_letters(letters, "DELETE", "d", "dx", "d");
    for (const char* method : {"PUT", "DELETE"}) {
      if (letters.has(method) && !allows(method))
        fault(letters.path_of(method), "is not one of the rule's methods");
    }
  }

  void read_binding(Rule& rule, const ObjectReader& object) {
    rule.bind_request = object.boolean("bind_request").value_or(false);
    if (!rule.bind_request) return;
    const std::string path = object.path_of("bind_request");
    if (rule.put_permissions.text().empty()) fault(path, "is for rules with PUT only");
    if (!rule.sas.version.signs_request_headers()) {
      fault(object.path_of("sas.version"), "must be 2026-04-06 or later with bind_request");
    }
    const auto account = find_account(object.text("account").value_or(""));
    if (account && !config_.accounts[*account].identity) {
      fault(path, "needs an account with an identity: no account key can bind requests");
    }
  }

  void read_list(Rule& rule, const ObjectReader& object) {
    rule.list = object.boolean("list").value_or(false);
    if (!rule.list || !rule.anonymous) return;
    fault(object.path_of("list"), "would show strangers what others have uploaded: the rule is anonymous");
  }

  /// A handout for writing never holds `d`, one for deleting never `w`, and none ever `r`.
  SasPermissions read_letters(const ObjectReader& object, const char* method, const char* fallback,
                              std::string_view allowed, std::string_view needs_one_of) {
    const auto permissions = SasPermissions::parse(object.text(method).value_or(fallback));
    const bool useful = permissions && permissions->within(allowed) &&
                        permissions->text().find_first_of(needs_one_of) != std::string::npos;
    if (useful) return *permissions;
    fault(object.path_of(method), "must be letters of " + std::string(allowed) +
                                      ", each once, with at least one of " + std::string(needs_one_of));
    return {};
  }

  void read_success(const ObjectReader& object) {
    FormLimits& limits = config_.success.limits;
    limits.max_body_bytes =
        object.number("max_body_bytes").value_or(static_cast<unsigned>(limits.max_body_bytes));
    limits.max_fields = object.number("max_fields").value_or(static_cast<unsigned>(limits.max_fields));
    limits.max_depth = object.number("max_depth").value_or(static_cast<unsigned>(limits.max_depth));
    const auto methods = object.texts("methods");
    config_.success.accept_put = std::ranges::find(methods, "PUT") != methods.end();
    if (!methods.empty() && std::ranges::find(methods, "POST") == methods.end()) {
      fault(object.path_of("methods"), "must list POST");
    }
    config_.success.state_directory =
        object.text("state_directory").value_or(config_.success.state_directory);
    if (object.has("hook")) read_hook(object.object("hook"));
  }

  ObjectReader root_;
  ConfigFaults& faults_;
  Config config_;
  SasOptions defaults_;
  VerifyOptions verify_defaults_;
  ThumbnailOptions thumbnail_default_;
  std::set<std::string> endpoint_urls_;
};

ConfigFault syntax_fault(std::string_view json, const rapidjson::Document& document) {
  const std::string_view before = json.substr(0, document.GetErrorOffset());
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;
  return {"line " + std::to_string(line) + ", column " + std::to_string(column),
          rapidjson::GetParseError_En(document.GetParseError())};
}

}  // namespace

tl::expected<Config, ConfigFaults> Config::parse(std::string_view json) {
  ConfigFaults faults;
  if (json.find('\0') != std::string_view::npos) {
    // The parser would take it for the end.
    faults.push_back({"configuration", "holds a NUL"});
    return tl::unexpected(std::move(faults));
  }
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag>(json.data(),
                                                                                         json.size());
  if (document.HasParseError()) {
    faults.push_back(syntax_fault(json, document));
    return tl::unexpected(std::move(faults));
  }
  constexpr int kMaxDepth = 16;
  if (!is_bounded(document, kMaxDepth)) {
    faults.push_back({"configuration", "nests too deeply, or holds a text of more than 4,096 bytes"});
    return tl::unexpected(std::move(faults));
  }
  remove_repeated_keys(document, "", faults);
  check_schema(document, faults);
  Config config = ConfigReader(document, faults).read();
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return config;
}

}  // namespace blobvalet
