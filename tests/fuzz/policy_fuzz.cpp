// The policy against a second one that asks rule after rule. Input: a line for each rule, such as
// `rAcwd|{user}/**|in/*.jpg`, and one for each question, such as
// `q4|https://acme/uploads/alice/a.jpg|alice|t1|100|image/jpeg|alice/`; the letters are explained below.
#include <algorithm>
#include <array>
#include <optional>

#include "core/blob_check.hpp"
#include "core/media_type.hpp"
#include "core/policy.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/reference.hpp"
#include "tests/fuzz/slow_pattern.hpp"

namespace blobvalet::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr UtcSeconds kNow{1'772'366'400s};
constexpr std::array<std::string_view, 3> kContainers{"uploads", "drop", "$web"};
constexpr std::size_t kMaxLines = 40;

bool has(std::string_view letters, char letter) {
  return letters.find(letter) != std::string_view::npos;
}

/// Those of `letters` that are in `of`, each once.
std::string only(std::string_view letters, std::string_view of) {
  std::string chosen;
  for (const char letter : of)
    if (has(letters, letter)) chosen += letter;
  return chosen;
}

/// A rule, and how its patterns were written.
struct Written {
  Rule rule;
  std::vector<std::string> patterns;
};

/// 1: the other account; A, B, C: a container; c, w, t: letters of a PUT; d, x: of a DELETE; a: anonymous;
/// e: empty segments; l: list; i: bound to the address; r: to an address range; b: bound to a declared PUT;
/// z: with a start; h: also http; +: lives longer; s, m: size limits; j: extensions; y: types.
Rule make_rule(std::string_view letters) {
  Rule rule;
  rule.account_index = has(letters, '1') ? 1 : 0;
  rule.container = kContainers[has(letters, 'C') ? 2 : has(letters, 'B') ? 1 : 0];
  rule.put_permissions = *SasPermissions::parse(only(letters, "cwt"));
  rule.delete_permissions = *SasPermissions::parse(only(letters, "dx"));
  rule.anonymous = has(letters, 'a');
  rule.allow_empty_segments = has(letters, 'e');
  rule.list = has(letters, 'l');
  rule.sas.bind_client_ip = has(letters, 'i');
  if (has(letters, 'r')) rule.sas.ip_range = "192.0.2.0-192.0.2.9";
  rule.bind_request = has(letters, 'b');
  if (has(letters, 'z')) rule.sas.start_backdate = 60s;
  if (has(letters, 'h')) rule.sas.protocol = "https,http";
  if (has(letters, '+')) rule.sas.put_lifetime = 3600s;
  if (has(letters, 's')) rule.verify.max_bytes = 100;
  if (has(letters, 'm')) rule.verify.min_bytes = 10;
  if (has(letters, 'j')) rule.verify.extensions = {"jpg", "png"};
  if (has(letters, 'y')) rule.verify.content_types = {"image/*", "text/plain"};
  return rule;
}

std::optional<Written> read_rule(const std::vector<std::string>& fields) {
  Written written{make_rule(fields[0]), {}};
  for (const std::string& text : std::span(fields).subspan(1)) {
    std::string fault;
    auto pattern = NamePattern::parse(text, written.rule.allow_empty_segments, fault);
    if (!pattern) continue;
    written.rule.blobs.push_back(std::move(*pattern));
    written.patterns.push_back(text);
  }
  if (written.patterns.empty()) return std::nullopt;
  return written;
}

/// Accounts with an endpoint of their own, an alias, and emulators of the same authority.
EndpointTable make_endpoints() {
  struct Row {
    std::string_view url;
    std::size_t account;
    std::string_view name;
  };
  constexpr std::array<Row, 4> kRows{{{"https://acme", 0, "acme"},
                                      {"http://127.0.0.1:10000/b", 1, "b"},
                                      {"http://127.0.0.1:10000/acme", 0, "acme"},
                                      {"https://files.example/b/c", 1, "b"}}};
  EndpointTable table;
  for (const Row& row : kRows)
    require(table.add(*EndpointUrl::parse(row.url), row.account, row.name), "endpoints differ");
  return table;
}

// The second implementation.

bool slowly_has_empty_segment(std::string_view name) {
  return ("/" + std::string(name) + "/").find("//") != std::string::npos;
}

bool slowly_allows(const Written& written, const BlobTarget& target, BlobVerb verb, const Caller& caller) {
  const Rule& rule = written.rule;
  const std::string_view name = target.blob.view();
  const bool put = verb == BlobVerb::put;
  if (rule.account_index != target.account_index || rule.container != target.container.view()) return false;
  if ((put ? rule.put_permissions : rule.delete_permissions).text().empty()) return false;
  if (!rule.anonymous && !may_be_a_segment(caller.user)) return false;
  if (slowly_has_empty_segment(name) && !rule.allow_empty_segments) return false;
  if (rule.sas.bind_client_ip && has(caller.remote_addr, ':')) return false;
  return std::ranges::any_of(written.patterns,
                             [&](const auto& text) { return slowly_matches(text, name, caller); });
}

bool slowly_lists(const Written& written, const BlobTarget& target, const Caller& caller) {
  const BlobVerb verb = written.rule.put_permissions.text().empty() ? BlobVerb::del : BlobVerb::put;
  return written.rule.list && !written.rule.anonymous && slowly_allows(written, target, verb, caller);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool slowly_has_extension(std::string_view name) {
  const std::string file = lower(split(name, '/').back());
  return file.size() > 4 && (file.ends_with(".jpg") || file.ends_with(".png"));
}

bool slowly_has_type(std::string_view type) {
  std::string bare = lower(split(type, ';').front());
  while (bare.ends_with(' '))
    bare.pop_back();
  return bare.starts_with("image/") || bare == "text/plain";
}

std::optional<Errc> slow_violation(const VerifyOptions& options, std::string_view name,
                                   const UploadHints& hints) {
  if (hints.size && *hints.size < options.min_bytes) return Errc::blob_too_small;
  if (hints.size && *hints.size > options.max_bytes.value_or(~0ULL)) return Errc::blob_too_large;
  if (!options.extensions.empty() && !slowly_has_extension(name)) return Errc::extension_not_allowed;
  const bool judges_type = !options.content_types.empty() && !hints.type.empty();
  if (judges_type && !slowly_has_type(hints.type)) return Errc::content_type_not_allowed;
  return std::nullopt;
}

// The questions.

struct Bench {
  std::vector<Written> written;
  Policy policy;

  [[nodiscard]] const Rule* rule(const Written& of) const {
    return &policy.rules()[static_cast<std::size_t>(&of - written.data())];
  }
};

struct Question {
  BlobTarget target;
  BlobVerb verb;
  Caller caller;
  UploadHints hints;
  std::string_view folder;
};

bool is_same_blob(const BlobTarget& a, const BlobTarget& b) {
  return a.account_index == b.account_index && a.container.view() == b.container.view() &&
         a.blob.view() == b.blob.view();
}

void check_grant(const SasGrant& grant, const Rule& rule, const Question& asked) {
  const bool put = asked.verb == BlobVerb::put;
  const auto lifetime = put ? rule.sas.put_lifetime : rule.sas.delete_lifetime;
  require(is_same_blob(grant.target(), asked.target), "the grant is for the blob that was asked for");
  require(grant.target().endpoint_url == asked.target.endpoint_url, "at the endpoint that was asked");
  require(grant.permissions() == (put ? rule.put_permissions : rule.delete_permissions).text(),
          "the letters are the rule's for this verb");
  require(grant.expiry() == kNow + lifetime && grant.used_until() == grant.expiry(), "it ends in time");
  require(grant.start() == (rule.sas.start_backdate ? std::optional(kNow - 60s) : std::nullopt),
          "it begins where the rule says");
  require(grant.ip() == (rule.sas.bind_client_ip ? asked.caller.remote_addr : rule.sas.ip_range),
          "from the addresses that the rule says");
  require(grant.protocol() == rule.sas.protocol, "by the protocols that the rule says");
  require(grant.lacks_binding() == (rule.bind_request && put), "a bound PUT cannot be signed yet");
}

/// Grants that are made of a grant.
void check_derived(const SasGrant& grant) {
  const std::array<std::pair<ServiceOperation, std::string_view>, 3> rows{
      {{ServiceOperation::read, "r"}, {ServiceOperation::remove, "d"}, {ServiceOperation::tag, "t"}}};
  for (const auto& [operation, letters] : rows) {
    const SasGrant own = grant.for_service(operation, kNow);
    require(is_same_blob(own.target(), grant.target()), "our own right is to the same blob");
    require(own.permissions() == letters && own.expiry() == kNow + 5min, "one letter, for five minutes");
    require(own.used_until() <= own.expiry(), "and for no longer than the callback");
  }
  const SasGrant view = grant.for_viewing("image/png", std::chrono::hours(1), kNow);
  require(is_same_blob(view.target(), grant.target()) && view.permissions() == "r", "to look at that blob");
  require(view.expiry() == kNow + std::chrono::hours(1) && view.content_type() == "image/png" &&
              view.content_disposition() == "attachment",
          "as an image and for a while");
}

void check_refusal(const Bench& bench, const Question& asked, Errc errc) {
  const bool needs_user =
      std::ranges::any_of(bench.written, [](const Written& w) { return !w.rule.anonymous; });
  Errc expected = asked.caller.user.empty() && needs_user ? Errc::login_required : Errc::not_allowed;
  if (slowly_has_empty_segment(asked.target.blob.view())) expected = Errc::bad_blob_name;
  require(errc == expected, "a refusal depends on the name's form and on being logged in only");
}

void check_decision(const Bench& bench, const Question& asked) {
  const auto allows = [&](const Written& w) {
    return slowly_allows(w, asked.target, asked.verb, asked.caller);
  };
  const auto first = std::ranges::find_if(bench.written, allows);
  const auto grant = bench.policy.decide(asked.target, asked.verb, asked.caller, kNow);
  require(grant.has_value() == (first != bench.written.end()), "the same verdict as rule after rule");
  if (!grant) return check_refusal(bench, asked, grant.error().errc);
  require(&grant->rule() == bench.rule(*first), "by the first rule that allows it");
  check_grant(*grant, first->rule, asked);
  check_derived(*grant);
  const auto name = asked.target.blob.view();
  const auto broken = broken_rule(first->rule.verify, name, asked.hints);
  const auto expected = slow_violation(first->rule.verify, name, asked.hints);
  require(broken.has_value() == expected.has_value() && (!broken || broken->errc == *expected),
          "the same violation of sizes, types and extensions");
}

void check_opinions(const Bench& bench, const Question& asked) {
  std::vector<const Rule*> allowing;
  for (const RuleOpinion& opinion : bench.policy.opinions(asked.target, asked.verb, asked.caller))
    if (opinion.objection.empty()) allowing.push_back(opinion.rule);
  std::vector<const Rule*> expected;
  for (const Written& w : bench.written)
    if (slowly_allows(w, asked.target, asked.verb, asked.caller)) expected.push_back(bench.rule(w));
  require(allowing == expected, "operators are told of the rules that allow it, in their order");
}

void check_listing(const Bench& bench, const Question& asked) {
  const auto lists = [&](const Written& w) { return slowly_lists(w, asked.target, asked.caller); };
  const auto first = std::ranges::find_if(bench.written, lists);
  const bool shown = first != bench.written.end() && asked.target.blob.view().starts_with(asked.folder);
  const auto grants = bench.policy.list(asked.target, asked.folder, asked.caller);
  if (!grants) return require(!shown, "what may be listed is");
  std::size_t admitting = 0;
  for (const ListGrant& grant : *grants) {
    require(grant.prefix().starts_with(asked.folder), "only names in the folder are listed");
    const auto admitted = grant.admit(asked.target, kNow);
    if (!admitted) continue;
    ++admitting;
    require(shown && &admitted->rule() == bench.rule(*first), "by the first rule that lists it");
    require(is_same_blob(admitted->target(), asked.target), "the grant is for the blob itself");
  }
  require(admitting == (shown ? 1 : 0), "a name is listed once, if some rule lists it");
}

/// D: a DELETE; u: the name is encoded; 4: the caller has an IPv4 address, else an IPv6 address.
void ask(const Bench& bench, std::vector<std::string> fields) {
  static const EndpointTable endpoints = make_endpoints();
  fields.resize(7);
  const std::string& letters = fields[0];
  std::string decoded;
  const auto target =
      endpoints.parse(fields[1], has(letters, 'u') ? BlobNames::uri : BlobNames::raw, decoded);
  if (!target) return;
  const std::array<NamedValue, 1> vars{{{"tenant", fields[3]}}};
  const Caller caller{fields[2], has(letters, '4') ? "192.0.2.7" : "2001:db8::7", vars};
  const auto hints = UploadHints::parse(fields[4], fields[5], std::nullopt);
  const Question asked{*target, has(letters, 'D') ? BlobVerb::del : BlobVerb::put, caller,
                       hints.value_or(UploadHints{}), fields[6]};
  check_decision(bench, asked);
  check_opinions(bench, asked);
  check_listing(bench, asked);
}

Policy make_policy(const std::vector<Written>& written) {
  std::vector<Rule> rules;
  for (const Written& w : written)
    rules.push_back(w.rule);
  return Policy(std::move(rules));
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet::fuzz;
  std::vector<Written> written;
  std::vector<std::vector<std::string>> questions;
  auto lines = split(as_text(data, size), '\n');
  lines.resize(std::min(lines.size(), kMaxLines));
  for (const std::string& line : lines) {
    const auto fields = split(line, '|');
    if (line.starts_with('q')) questions.push_back(fields);
    if (!line.starts_with('r')) continue;
    if (auto rule = read_rule(fields)) written.push_back(std::move(*rule));
  }
  auto policy = make_policy(written);
  const Bench bench{std::move(written), std::move(policy)};
  for (const auto& question : questions)
    ask(bench, question);
  return 0;
}
