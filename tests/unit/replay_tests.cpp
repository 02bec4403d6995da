#include <boost/test/unit_test.hpp>
#include <string>

#include "core/replay.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kAccounts = R"({
  "accounts": [
    { "name": "acme", "endpoint": "https://acme.blob.core.windows.net", "aliases": ["https://cdn.acme.example"],
      "credential": CREDENTIAL } ],
  "success": { "verify": { "enabled": VERIFY, "max_bytes": 100, "extensions": ["txt"] } },
  "rules": [RULES] })";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

Replay replay_with(std::string_view rules, bool verify = false) {
  std::string json =
      replaced(replaced(std::string(kAccounts), "VERIFY", verify ? "true" : "false"), "RULES", rules);
  // Only what an identity's key signs can be bound to a request.
  const bool binds = rules.find("bind_request") != std::string_view::npos;
  json =
      replaced(std::move(json), "CREDENTIAL",
               binds ? R"({ "type": "managed_identity" })" : R"({ "type": "shared_key", "key_file": "k" })");
  return Replay(SiteRules(config_from(json)));
}

constexpr std::string_view kOwn =
    R"({ "name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"], "methods": ["PUT", "DELETE"] })";

/// A granted request of bob's.
LoggedRequest granted(std::string_view blob = "bob/a.txt") {
  LoggedRequest line;
  line.time = "2026-03-01T12:00:00Z";
  line.endpoint = "signature";
  line.user = "bob";
  line.remote_addr = "203.0.113.7";
  line.verb = "PUT";
  line.account = "acme";
  line.container = "uploads";
  line.blob = blob;
  line.rule = "own";
  line.permissions = "cw";
  line.expires = "2026-03-01T12:15:00Z";
  line.lifetime_seconds = 900;
  line.code = "ok";
  return line;
}

LoggedRequest refused(std::string_view blob, std::string_view code = "not_allowed") {
  LoggedRequest line = granted(blob);
  line.rule = line.permissions = line.expires = {};
  line.lifetime_seconds.reset();
  line.code = code;
  line.reason = "no pattern matches the name";
  return line;
}

/// The same, refused with `code` behind the rules.
LoggedRequest coded(LoggedRequest line, std::string_view code) {
  line.code = code;
  line.permissions = line.expires = {};
  line.lifetime_seconds.reset();
  return line;
}

LoggedRequest callback(std::string_view code = "ok") {
  LoggedRequest line = granted();
  line.endpoint = "success";
  line.permissions = line.expires = {};
  line.lifetime_seconds.reset();
  line.code = code;
  return line;
}

LoggedRequest with(LoggedRequest line, void (*change)(LoggedRequest&)) {
  change(line);
  return line;
}

std::string show(const Replayed& replayed) {
  switch (replayed.kind) {
    case Replayed::Kind::same: return "same";
    case Replayed::Kind::not_ruled: return "not ruled";
    case Replayed::Kind::unjudged: return "unjudged: " + replayed.why;
    default: return replayed.before + " -> " + replayed.after;
  }
}

struct Row {
  const char* name;
  LoggedRequest line;
  std::string rules;
  std::string expected;
};

void check(std::span<const Row> rows, bool verify = false) {
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Replay replay = replay_with(row.rules, verify);
      BOOST_TEST(show(replay.judge(row.line)) == row.expected);
    }
  }
}

/// kOwn with further members.
std::string own(std::string_view more) {
  return replaced(std::string(kOwn), "\"methods\"", std::string(more) + ", \"methods\"");
}
std::string own_for(std::string_view pattern) {
  return replaced(std::string(kOwn), "{user}/**", pattern);
}

constexpr const char* kGranted = "granted by own (cw, 900 s)";

}  // namespace

BOOST_AUTO_TEST_SUITE(replay_tests)

BOOST_AUTO_TEST_CASE(signature_requests) {
  const std::string before(kGranted);
  const std::string was_refused = "refused: not_allowed (no pattern matches the name)";
  const Row rows[] = {
      {"the same rules", granted(), std::string(kOwn), "same"},
      {"the same refusal", refused("amy/a"), std::string(kOwn), "same"},
      {"no pattern any more", granted(), own_for("other/**"),
       before + " -> refused: not_allowed (no pattern matches the name)"},
      {"no rule for the container", granted(), replaced(std::string(kOwn), "uploads", "archive"),
       before + " -> refused: not_allowed (no rule for this container)"},
      {"no verb", granted(), replaced(std::string(kOwn), "\"PUT\", ", ""),
       before + " -> refused: not_allowed (no rule for this verb)"},
      {"no account", with(granted(), [](LoggedRequest& l) { l.account = "gone"; }), std::string(kOwn),
       before + " -> refused: unknown_endpoint (the account is not configured)"},
      {"an alias that is there",
       with(granted(), [](LoggedRequest& l) { l.alias = "https://cdn.acme.example"; }), std::string(kOwn),
       "same"},
      {"an alias that is gone",
       with(granted(), [](LoggedRequest& l) { l.alias = "https://old.acme.example"; }), std::string(kOwn),
       before + " -> refused: unknown_endpoint (the alias is not configured)"},
      {"nobody, and a user is needed", with(granted(), [](LoggedRequest& l) { l.user = {}; }),
       std::string(kOwn), before + " -> refused: login_required (the rule needs a user)"},
      {"a pattern that is new", refused("amy/a"), own_for("*/**"),
       was_refused + " -> granted by own (cw, 900 s)"},
      {"an empty segment that is allowed", refused("bob//a", "bad_blob_name"),
       own(R"("allow_empty_segments": true)"),
       "refused: bad_blob_name (no pattern matches the name) -> granted by own (cw, 900 s)"},
      {"another rule", granted(), replaced(std::string(kOwn), "\"own\"", "\"mine\""),
       before + " -> granted by mine (cw, 900 s)"},
      {"other permissions", granted(), own(R"("permissions": {"PUT": "w"})"),
       before + " -> granted by own (w, 900 s)"},
      {"another lifetime", granted(), own(R"("sas": {"put_lifetime_seconds": 60})"),
       before + " -> granted by own (cw, 60 s)"},
      {"another start", granted(), own(R"("sas": {"start_backdate_seconds": 60})"),
       before + " -> granted by own (cw, 900 s, from 60 s before)"},
      {"the same start", with(granted(), [](LoggedRequest& l) { l.starts = "2026-03-01T11:59:00Z"; }),
       own(R"("sas": {"start_backdate_seconds": 60})"), "same"},
      {"cut short by its key",
       with(granted(),
            [](LoggedRequest& l) {
              l.starts = "2026-03-01T11:59:00Z";
              l.expires = "2026-03-01T12:10:00Z";
              l.cut_short_seconds = 300;
            }),
       own(R"("sas": {"start_backdate_seconds": 60})"), "same"},
      {"bound to the address", granted(), own(R"("sas": {"bind_client_ip": true})"),
       before + " -> granted by own (cw, 900 s, from 203.0.113.7)"},
      {"bound to an address that is IPv6",
       with(granted(), [](LoggedRequest& l) { l.remote_addr = "2001:db8::1"; }),
       own(R"("sas": {"bind_client_ip": true})"),
       before + " -> refused: not_allowed (the client's address is not IPv4)"},
      {"a log without rights",
       with(granted(),
            [](LoggedRequest& l) {
              l.permissions = {};
              l.lifetime_seconds.reset();
            }),
       own(R"("permissions": {"PUT": "w"})"), "same"},
      {"refused behind the rules", with(granted(), [](LoggedRequest& l) { l.code = "key_unavailable"; }),
       std::string(kOwn), "same"},
      {"refused behind the rules, and by them now",
       with(granted(), [](LoggedRequest& l) { l.code = "key_unavailable"; }), own_for("x/**"), "same"},
      {"before any rule", with(refused("x"), [](LoggedRequest& l) { l.verb = l.blob = {}; }),
       std::string(kOwn), "not ruled"},
      {"health", with(granted(), [](LoggedRequest& l) { l.endpoint = "health"; }), std::string(kOwn),
       "not ruled"},
  };
  check(rows);
}

BOOST_AUTO_TEST_CASE(what_pages_say_of_files) {
  const auto said = [](LoggedRequest line, std::optional<std::int64_t> size, std::string_view type = {}) {
    line.file_size = size;
    line.file_type = type;
    return line;
  };
  const auto deleted = [](LoggedRequest line) {
    line.verb = "DELETE";
    line.permissions = "d";
    line.lifetime_seconds = 300;
    return line;
  };
  const std::string before(kGranted);
  const std::string pictures = own(R"("verify": {"content_types": ["image/*"]})");
  const Row verified[] = {
      {"nothing said", granted(), std::string(kOwn), "same"},
      {"it fits", said(granted(), 100, "text/plain"), std::string(kOwn), "same"},
      {"too large now", said(granted(), 101), std::string(kOwn), before + " -> refused: blob_too_large"},
      {"another type is wanted now", said(granted(), 1, "text/plain"), pictures,
       before + " -> refused: content_type_not_allowed"},
      {"another type is wanted now, and none was said", granted(), pictures, "same"},
      {"another extension is wanted now", granted("bob/a.exe"), std::string(kOwn),
       before + " -> refused: extension_not_allowed"},
      {"a DELETE fits always", deleted(said(granted("bob/a.exe"), 101)), std::string(kOwn), "same"},
      {"still too large", coded(said(granted(), 101), "blob_too_large"), std::string(kOwn), "same"},
      {"not too large any more", coded(said(granted(), 100), "blob_too_large"), std::string(kOwn),
       "refused: blob_too_large -> granted by own (cw, 900 s)"},
      {"not too large any more, but of a wrong type",
       coded(said(granted(), 100, "text/plain"), "blob_too_large"), pictures, "same"},
      {"limited, and too large now", coded(said(granted(), 101), "rate_limited"), std::string(kOwn), "same"},
  };
  check(verified, true);
  const Row unverified[] = {
      {"nobody looks", said(granted("bob/a.exe"), 101, "text/html"), std::string(kOwn), "same"},
      {"nobody looks any more", coded(said(granted(), 101), "blob_too_large"), std::string(kOwn),
       "refused: blob_too_large -> granted by own (cw, 900 s)"},
  };
  check(unverified);
}

BOOST_AUTO_TEST_CASE(what_pages_declare_for_one_request) {
  const auto declared = [](LoggedRequest line, std::string_view operation, std::int64_t size) {
    line.operation = operation;
    line.size = size;
    return line;
  };
  const std::string bound = own(R"("bind_request": true, "sas": {"version": "2026-04-06"})");
  const std::string before(kGranted);
  const Row verified[] = {
      {"it fits", declared(granted(), "put_blob", 100), bound, "same"},
      {"too large now", declared(granted(), "put_blob", 101), bound, before + " -> refused: blob_too_large"},
      {"a part that is too large by itself", declared(granted(), "put_block", 101), bound,
       before + " -> refused: blob_too_large"},
      {"a list of parts", declared(granted(), "put_block_list", 0), bound, "same"},
      {"not too large any more", coded(declared(granted(), "put_blob", 100), "blob_too_large"), bound,
       "refused: blob_too_large -> granted by own (cw, 900 s, for one declared PUT)"},
      {"declared badly, then as now", coded(granted(), "missing_parameter"), bound, "same"},
      {"nothing declared, and no need then", granted(), bound,
       "unjudged: the log does not have what rule own wants declared"},
      {"an operation that nobody knows", declared(granted(), "put_page", 1), bound,
       "unjudged: the log does not have what rule own wants declared"},
  };
  check(verified, true);
  const Row unverified[] = {
      {"nobody looks", declared(granted(), "put_blob", 101), bound, "same"},
      {"no need to declare any more", coded(granted(), "missing_parameter"), std::string(kOwn),
       "refused: missing_parameter -> granted by own (cw, 900 s)"},
  };
  check(unverified);
}

BOOST_AUTO_TEST_CASE(what_was_no_blob_then) {
  const auto uri = [](std::string_view text, std::string_view code) {
    LoggedRequest line = refused("", code);
    line.account = line.container = {};
    line.blob_uri = text;
    line.reason = {};
    return line;
  };
  const Row rows[] = {
      {"an alias that is new", uri("https://cdn.acme.example/uploads/bob/a", "unknown_endpoint"),
       std::string(kOwn), "refused: unknown_endpoint -> granted by own (cw, 900 s)"},
      {"still unknown", uri("https://x.example/uploads/bob/a", "unknown_endpoint"), std::string(kOwn),
       "same"},
      {"never legal", uri("https://acme.blob.core.windows.net/uploads/../a", "bad_blob_name"),
       std::string(kOwn), "same"},
      {"not logged", uri("", "unknown_endpoint"), std::string(kOwn),
       "unjudged: the log does not say which blob it was about"},
      {"logged in part",
       with(uri("https://cdn.acme.example/uploads/bob/a", "x"), [](LoggedRequest& l) { l.name_cut = true; }),
       std::string(kOwn), "unjudged: the log has only the beginning of the name"},
  };
  check(rows);
}

BOOST_AUTO_TEST_CASE(values_that_the_log_lacks) {
  static const NamedValue kTenant[] = {{"tenant", "t1"}};
  static const NamedValue kNoTenant[] = {{"tenant", ""}};
  const auto tenant = [](LoggedRequest line, std::span<const NamedValue> vars) {
    line.vars.assign(vars.begin(), vars.end());
    return line;
  };
  const std::string after = " -> refused: not_allowed (no pattern matches the name)";
  const std::string unknown = "unjudged: the log has no value for {tenant}";
  const std::string both =
      R"({ "name": "own", "account": "acme", "container": "uploads", "blobs": ["{tenant}/**", "{user}/**"], "methods": ["PUT"] })";
  const Row rows[] = {
      {"known, fits", tenant(granted("t1/a"), kTenant), own_for("{tenant}/**"), "same"},
      {"known, does not fit", tenant(granted("t2/a"), kTenant), own_for("{tenant}/**"), kGranted + after},
      {"known to be absent", tenant(granted("t1/a"), kNoTenant), own_for("{tenant}/**"), kGranted + after},
      {"unknown", granted("t1/a"), own_for("{tenant}/**"), unknown},
      {"unknown, and the user does", granted("bob/a"), both, "same"},
      {"unknown, and no tenant could help", granted("x/a/b"), own_for("y/{tenant}/**"), kGranted + after},
      {"unknown, in the middle", granted("y/t1/b"), own_for("y/{tenant}/**"), unknown},
      {"two unknown", granted("t1/eu/b"), own_for("{tenant}/{region}/**"),
       "unjudged: the log has no value for {tenant}, {region}"},
      {"two unknown, and no use", granted("t1/eu/b"), own_for("{tenant}/{region}/x"), kGranted + after},
      {"the address", with(granted(), [](LoggedRequest& l) { l.remote_addr = {}; }),
       own(R"("sas": {"bind_client_ip": true})"), "unjudged: the log has no value for the address"},
      {"another rule's", granted(),
       std::string(kOwn) + R"(, { "name": "t", "account": "acme", "container": "other",
         "blobs": ["{tenant}/**"], "methods": ["PUT"] })",
       "same"},
  };
  check(rows);
}

BOOST_AUTO_TEST_CASE(callbacks) {
  const auto sized = [](LoggedRequest line, std::int64_t size) {
    line.size = size;
    return line;
  };
  const Row unverified[] = {
      {"the same", callback(), std::string(kOwn), "same"},
      {"refused by the rules", callback(), own_for("x/**"),
       "granted by own -> refused: not_allowed (no pattern matches the name)"},
      {"another rule", callback(), replaced(std::string(kOwn), "\"own\"", "\"mine\""),
       "granted by own -> granted by mine"},
      {"what Azure said does not matter now", callback("blob_not_found"), std::string(kOwn),
       "refused: blob_not_found -> granted by own"},
      {"the hook said no", callback("hook_refused"), std::string(kOwn), "same"},
      {"before any rule", with(callback("bad_uuid"), [](LoggedRequest& l) { l.verb = l.blob = l.rule = {}; }),
       std::string(kOwn), "not ruled"},
  };
  check(unverified);
  const Row verified[] = {
      {"small enough", sized(callback(), 100), std::string(kOwn), "same"},
      {"too large", sized(callback(), 101), std::string(kOwn), "granted by own -> refused: blob_too_large"},
      {"not too small any more", sized(callback("blob_too_small"), 1), std::string(kOwn),
       "refused: blob_too_small -> granted by own"},
      {"another extension", with(sized(callback(), 1), [](LoggedRequest& l) { l.blob = "bob/a.exe"; }),
       std::string(kOwn), "granted by own -> refused: extension_not_allowed"},
      {"the hook said no, and it is too large", sized(callback("hook_refused"), 101), std::string(kOwn),
       "same"},
      {"Azure was not asked", callback(), std::string(kOwn),
       "unjudged: the log does not have what Azure says of the blob"},
      {"it was not there", callback("blob_not_found"), std::string(kOwn), "same"},
      {"refused by the rules then", with(callback("not_allowed"), [](LoggedRequest& l) { l.rule = {}; }),
       std::string(kOwn), "unjudged: the log does not have what Azure says of the blob"},
  };
  check(verified, true);
}

BOOST_AUTO_TEST_SUITE_END()
