#include "core/replay.hpp"

#include <algorithm>
#include <array>

#include "core/blob_check.hpp"

namespace blobvalet {
namespace {

using std::chrono::seconds;

/// What the log says of a request that no rule was asked about.
bool is_about_a_blob(const LoggedRequest& line) {
  return (line.endpoint == "signature" || line.endpoint == "success") && !line.verb.empty();
}

/// A name of which the log has the beginning only.
bool is_cut(const LoggedRequest& line) {
  constexpr std::size_t kLongest = 3096;  // see JsonLine; the last character may have up to four bytes
  return line.name_cut || line.blob_uri.size() >= kLongest;
}

bool is_one_of(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::ranges::find(codes, code) != codes.end();
}

bool is_about_declaration(std::string_view code) {
  return is_one_of(code, {"missing_parameter", "duplicate_parameter", "bad_encoding", "bad_request"});
}

/// What the size, the type and the name decide.
bool is_about_properties(std::string_view code) {
  return is_one_of(code,
                   {"blob_too_small", "blob_too_large", "extension_not_allowed", "content_type_not_allowed"});
}

/// All that blobvalet refuses because of what Azure says.
bool is_about_the_blob(std::string_view code) {
  return is_about_properties(code) ||
         is_one_of(code, {"blob_not_found", "blob_type_not_allowed", "copy_incomplete", "filename_missing",
                          "content_mismatch", "size_mismatch", "md5_mismatch", "azure_unavailable",
                          "azure_refused"});
}

std::string refusal(std::string_view code, std::string_view reason) {
  std::string text("refused: ");
  text.append(code);
  if (!reason.empty()) text.append(" (").append(reason).append(")");
  return text;
}

/// Nothing, and the segments of a blob's name: all that can make a difference for `{name}`.
std::vector<std::string_view> values_for(std::string_view name) {
  std::vector<std::string_view> values{std::string_view()};
  while (true) {
    const std::size_t end = std::min(name.find('/'), name.size());
    values.push_back(name.substr(0, end));
    if (end == name.size()) return values;
    name.remove_prefix(end + 1);
  }
}

}  // namespace

/// What the rules say, in the terms of the log.
struct Replay::Verdict {
  const Rule* rule = nullptr;  ///< null: refused
  std::string_view code;
  std::string_view reason;
  std::string_view permissions;
  seconds lifetime{};
  std::optional<seconds> backdate;
  std::string_view ip;
  bool lacks_binding = false;

  static Verdict of(const Result<SasGrant>& grant, UtcSeconds now) {
    Verdict verdict;
    if (!grant) {
      verdict.code = error_row(grant.error().errc).code.view();
      verdict.reason = grant.error().log_reason.view();
      return verdict;
    }
    verdict.rule = &grant->rule();
    verdict.permissions = grant->permissions();
    verdict.lifetime = grant->lifetime();
    if (grant->start()) verdict.backdate = now - *grant->start();
    verdict.ip = grant->ip();
    verdict.lacks_binding = grant->lacks_binding();
    return verdict;
  }

  [[nodiscard]] std::string refused() const { return refusal(code, reason); }
};

namespace {

/// What a line says of the rights that were given; nothing where it is from before the log had them.
struct GivenRights {
  std::string_view permissions;
  std::optional<seconds> lifetime;
  std::optional<seconds> backdate;
  std::string_view ip;
  bool is_bound = false;
};

std::optional<GivenRights> rights_of(const LoggedRequest& line) {
  if (line.endpoint != "signature" || line.permissions.empty() || !line.lifetime_seconds) return std::nullopt;
  GivenRights rights{line.permissions, seconds(*line.lifetime_seconds), {}, line.ip, line.bound};
  const auto starts = parse_utc(line.starts);
  const auto expires = parse_utc(line.expires);
  if (starts && expires) {
    const UtcSeconds granted_at = *expires + seconds(line.cut_short_seconds.value_or(0)) - *rights.lifetime;
    rights.backdate = granted_at - *starts;
  }
  return rights;
}

std::string grant_text(std::string_view rule, const std::optional<GivenRights>& rights) {
  std::string text("granted by ");
  text.append(rule);
  if (!rights) return text;
  text.append(" (").append(rights->permissions);
  text.append(", ").append(std::to_string(rights->lifetime->count())).append(" s");
  if (rights->backdate) {
    text.append(", from ").append(std::to_string(rights->backdate->count())).append(" s before");
  }
  if (!rights->ip.empty()) text.append(", from ").append(rights->ip);
  if (rights->is_bound) text.append(", for one declared PUT");
  return text.append(")");
}

bool are_equal(const GivenRights& a, const GivenRights& b) {
  return a.permissions == b.permissions && a.lifetime == b.lifetime && a.backdate == b.backdate &&
         a.ip == b.ip;
}

/// The declaration that the line tells of; nothing if it tells of none.
std::optional<DeclaredPut> declared_put(const LoggedRequest& line) {
  const auto operation = parse_put_operation(line.operation);
  if (!operation) return std::nullopt;
  return DeclaredPut{
      *operation, line.content_type, {}, static_cast<std::uint64_t>(line.size.value_or(0)), {}};
}

/// What the page said of the file.
UploadHints hints_of(const LoggedRequest& line) {
  UploadHints hints;
  if (line.file_size) hints.size = static_cast<std::uint64_t>(*line.file_size);
  hints.type = line.file_type;
  return hints;
}

/// What Azure said of the blob; nothing if the line does not have it.
std::optional<BlobProperties> properties_of(const LoggedRequest& line) {
  if (line.endpoint != "success" || !line.size) return std::nullopt;
  BlobProperties properties;
  properties.size_bytes = static_cast<std::uint64_t>(*line.size);
  properties.content_type = line.content_type;
  properties.blob_type = line.code == "blob_type_not_allowed" ? "other" : "BlockBlob";
  if (line.code == "copy_incomplete") properties.copy_status = "pending";
  if (line.code != "filename_missing") properties.filename = "there is one";
  return properties;
}

/// True if nothing that Azure says of a blob can break the rule.
bool takes_any_blob(const VerifyOptions& options) {
  return options.min_bytes == 0 && !options.max_bytes && options.content_types.empty() &&
         options.extensions.empty() && !options.require_filename && !options.magic;
}

std::string_view code_of(const Error& error) {
  return error_row(error.errc).code.view();
}

/// How a signature request ends once `rule` allows it: a code, or in `why` what it would take to know it.
std::string_view ending_of_signature(const LoggedRequest& line, const Rule& rule, bool lacks_binding,
                                     std::string& why) {
  const bool fails_check = is_about_properties(line.code);
  const bool fails_declaration = is_about_declaration(line.code);
  const bool is_checked = rule.verify.enabled && line.verb == name_of(BlobVerb::put);
  if (const auto broken = is_checked ? broken_rule(rule.verify, line.blob, hints_of(line)) : std::nullopt) {
    return code_of(*broken);
  }
  if (!lacks_binding) return fails_check || fails_declaration ? "ok" : line.code;
  if (fails_declaration && !line.rule.empty()) return line.code;
  const auto put = declared_put(line);
  if (!put) {
    why = "the log does not have what rule " + rule.name + " wants declared";
    return {};
  }
  const auto broken = rule.verify.enabled ? broken_rule(rule.verify, line.blob, *put) : std::nullopt;
  if (broken) return code_of(*broken);
  return fails_check ? "ok" : line.code;
}

/// The same for a callback.
std::string_view ending_of_callback(const LoggedRequest& line, const Rule& rule, std::string& why) {
  if (!rule.verify.enabled) return is_about_the_blob(line.code) ? "ok" : line.code;
  const auto properties = properties_of(line);
  if (!properties) {
    if (is_about_the_blob(line.code)) return line.code;
    if (line.rule.empty() || !takes_any_blob(rule.verify))
      why = "the log does not have what Azure says of the blob";
    return line.code;
  }
  if (const auto broken = broken_rule(rule.verify, line.blob, *properties)) return code_of(*broken);
  const bool is_cured = is_about_properties(line.code) || line.code == "filename_missing" ||
                        (line.code == "content_mismatch" && !rule.verify.magic);
  return is_cured ? "ok" : line.code;
}

}  // namespace

const Replay::Needs& Replay::needs_of(const BlobTarget& target) {
  key_.assign(target.account).append("/").append(target.container.view());
  const auto found = needs_.find(key_);
  if (found != needs_.end()) return found->second;
  Needs& needs = needs_[key_];
  for (const Rule& rule : rules_.policy().rules()) {
    if (rule.account_index != target.account_index || rule.container != target.container.view()) continue;
    for (const NamePattern& pattern : rule.blobs)
      pattern.add_parameters(needs.parameters);
    needs.client_ip |= rule.sas.bind_client_ip;
  }
  return needs;
}

/// Fills `verdict`, or returns why nobody can: the caller's values that the log lacks are tried with all that
/// they could be, and the verdict counts if it is the same for each.
std::optional<std::string> Replay::decide(const LoggedRequest& line, const BlobTarget& target, BlobVerb verb,
                                          Verdict& verdict) {
  constexpr std::size_t kMostTries = 4096;
  constexpr std::array<std::string_view, 2> kAddresses{"", "192.0.2.1"};
  const UtcSeconds now{};
  const Needs& needs = needs_of(target);
  const bool lacks_address = needs.client_ip && line.remote_addr.empty();
  const auto is_known = [&](const std::string& name) { return line.var(name).has_value(); };
  if (!lacks_address && std::ranges::all_of(needs.parameters, is_known)) {
    const Caller caller{line.user, line.remote_addr, line.vars};
    verdict = Verdict::of(rules_.policy().decide(target, verb, caller, now), now);
    return std::nullopt;
  }

  std::vector<NamedValue> vars = line.vars;
  std::string lacking;
  const std::size_t known = vars.size();
  for (const std::string& name : needs.parameters) {
    if (is_known(name)) continue;
    vars.push_back({name, {}});
    lacking.append(lacking.empty() ? "{" : ", {").append(name).append("}");
  }
  if (lacks_address) lacking.append(lacking.empty() ? "" : ", ").append("the address");
  const auto ask = [&](std::string_view address) {
    return Verdict::of(rules_.policy().decide(target, verb, {line.user, address, vars}, now), now);
  };
  verdict = ask(line.remote_addr);

  const std::string unknown = "the log has no value for " + lacking;
  const std::vector<std::string_view> values = values_for(target.blob.view());
  std::vector<std::size_t> chosen(vars.size() - known);
  for (std::size_t tries = 0; tries < kMostTries; ++tries) {
    for (const std::string_view address : kAddresses) {
      if (ask(lacks_address ? address : line.remote_addr).rule != verdict.rule) return unknown;
    }
    std::size_t digit = 0;
    while (digit < chosen.size() && ++chosen[digit] == values.size())
      chosen[digit++] = 0;
    if (digit == chosen.size()) return std::nullopt;
    for (std::size_t i = 0; i < chosen.size(); ++i)
      vars[known + i].value = values[chosen[i]];
  }
  return unknown;
}

/// The blob that the request was about, as the new configuration sees it.
Result<BlobTarget> Replay::target_of(const LoggedRequest& line) {
  if (line.blob.empty()) return rules_.endpoints().parse(line.blob_uri, rules_.blob_names(), decoded_);
  const auto container = ContainerName::parse(line.container);
  const auto blob = BlobName::parse(line.blob);
  const auto account = rules_.find_account(line.account);
  if (!container || !blob) return refuse(Errc::bad_blob_name, "", "is no name");
  if (!account) return refuse(Errc::unknown_endpoint, "", "", "the account is not configured");
  const Account& configured = rules_.accounts()[*account];
  if (!line.alias.empty()) {
    const auto is_alias = [&](const EndpointUrl& endpoint) { return endpoint.url() == line.alias; };
    if (std::ranges::none_of(configured.endpoints, is_alias)) {
      return refuse(Errc::unknown_endpoint, "", "", "the alias is not configured");
    }
  }
  return BlobTarget{*account, configured.name, {}, {}, *container, *blob};
}

Replayed Replay::judge(const LoggedRequest& line) {
  if (!is_about_a_blob(line)) return {Replayed::Kind::not_ruled, {}, {}, {}};
  const auto verb = parse_blob_verb(line.verb);
  if (!verb || (line.blob.empty() && line.blob_uri.empty())) {
    return {Replayed::Kind::unjudged, {}, {}, "the log does not say which blob it was about"};
  }
  if (is_cut(line)) return {Replayed::Kind::unjudged, {}, {}, "the log has only the beginning of the name"};
  return judge_target(line, target_of(line), *verb);
}

Replayed Replay::judge_target(const LoggedRequest& line, const Result<BlobTarget>& target, BlobVerb verb) {
  Verdict now;
  if (target) {
    if (auto why = decide(line, *target, verb, now)) {
      return {Replayed::Kind::unjudged, {}, {}, std::move(*why)};
    }
  } else {
    now.code = error_row(target.error().errc).code.view();
    now.reason = target.error().log_reason.view();
  }
  const bool was_granted = line.code == "ok";
  std::string_view code = now.code;
  std::string why;
  if (now.rule != nullptr) {
    // What refused it behind the rules may do so again.
    code = line.endpoint == "signature" ? ending_of_signature(line, *now.rule, now.lacks_binding, why)
                                        : ending_of_callback(line, *now.rule, why);
    if (line.rule.empty()) code = "ok";
    if (!why.empty()) return {Replayed::Kind::unjudged, {}, {}, std::move(why)};
  }
  const bool is_granted = code == "ok";
  const auto rights = rights_of(line);
  const std::string_view reason = now.rule == nullptr ? now.reason : std::string_view{};
  if (was_granted && !is_granted) {
    return {Replayed::Kind::refused, grant_text(line.rule, rights), refusal(code, reason), {}};
  }
  if (!is_granted) return {};
  GivenRights new_rights{now.permissions, now.lifetime, now.backdate, now.ip, now.lacks_binding};
  const bool with_rights = line.endpoint == "signature" && (rights || !was_granted);
  const auto shown = with_rights ? std::optional(new_rights) : std::nullopt;
  if (!was_granted) {
    return {Replayed::Kind::granted, refusal(line.code, line.reason), grant_text(now.rule->name, shown), {}};
  }
  if (line.rule == now.rule->name && (!rights || are_equal(*rights, new_rights))) return {};
  return {Replayed::Kind::otherwise, grant_text(line.rule, rights), grant_text(now.rule->name, shown), {}};
}

}  // namespace blobvalet
