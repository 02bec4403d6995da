#include <rapidjson/document.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "core/app.hpp"
#include "core/base64.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/support.hpp"

// From a signature request to the SAS of a rule with bind_request.

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [{"name": "contosofiles", "endpoint": "https://contosofiles.blob.core.windows.net",
                "credential": {"type": "managed_identity"}}],
  "sas": {"version": "2026-04-06"},
  "rules": [
    {"name": "bound", "account": "contosofiles", "container": "uploads", "blobs": ["**"],
     "methods": ["PUT", "DELETE"], "bind_request": true, "verify": {"enabled": false}},
    {"name": "checked", "account": "contosofiles", "container": "pictures", "blobs": ["{user}/*"],
     "methods": ["PUT"], "bind_request": true, "verify": {"min_bytes": 10, "max_bytes": 1000, "content_types": ["image/*"],
                                    "extensions": ["png"], "require_filename": true}},
    {"name": "free", "account": "contosofiles", "container": "drop", "blobs": ["**"], "methods": ["PUT"]}
  ]
})";

const std::string kHost = "https://contosofiles.blob.core.windows.net/";

using Json = rapidjson::Value;

std::string text(const Json& object, const char* name) {
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? ""
                                     : std::string(found->value.GetString(), found->value.GetStringLength());
}

const rapidjson::Document& golden() {
  static const rapidjson::Document document = [] {
    std::ifstream file(BLOBVALET_VECTORS "/bound-grants.json", std::ios::binary);
    const std::string json{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    rapidjson::Document parsed;
    parsed.Parse(json.data(), json.size());
    BOOST_REQUIRE(!parsed.HasParseError());
    return parsed;
  }();
  return document;
}

/// The user delegation key of the vectors.
std::shared_ptr<const SigningKey> delegation_key() {
  const Json& json = golden()["userDelegationKey"];
  auto value = decode_base64(text(json, "value"));
  BOOST_REQUIRE(value.has_value());
  return std::make_shared<const SigningKey>(
      UserDelegationKey{text(json, "objectId"), text(json, "tenantId"), text(json, "start"),
                        text(json, "expiry"), text(json, "service"), text(json, "version"), "",
                        std::move(*value), at(text(json, "start")), at(text(json, "expiry"))});
}

std::shared_ptr<const Site> bound_site() {
  return std::make_shared<const Site>(config_from(kSite),
                                      std::vector<AccountKeys>{{delegation_key(), nullptr}});
}

struct Bench {
  /// `<status> <body>`
  std::string ask(std::string_view query, std::string_view user = "bob") {
    event = app.handle(signature_request(query, user), response);
    return std::to_string(static_cast<unsigned>(response.status)).append(" ").append(response.body);
  }

  FakeClock clock;
  App app{bound_site(), clock};
  Response response;
  Event event;
};

std::string asking_for(const std::string& blob_uri, const std::string& declared = "",
                       const char* verb = "PUT") {
  return "bloburi=" + escaped(blob_uri) + "&_method=" + verb + (declared.empty() ? "" : "&") + declared;
}

std::string declared(const Json& values) {
  std::string query;
  for (const auto& [name, value] : values.GetObject())
    query.append("&").append(name.GetString()).append("=").append(escaped(value.GetString()));
  return query;
}

std::string refusal(const char* status, const char* code, const char* error) {
  return std::string(status)
      .append(R"( {"error":")")
      .append(error)
      .append(R"(","code":")")
      .append(code)
      .append("\"}");
}

const std::string kPicture = "operation=put_blob&content_type=image/png&content_length=500";
const std::string kMissing = refusal("400", "missing_parameter", "operation: is missing");

/// A grant for the blob by the policy alone; it points into `blob_uri`.
SasGrant granted(const Site& site, std::string_view blob_uri, BlobVerb verb = BlobVerb::put) {
  std::string decoded;
  const auto target = site.endpoints().parse(blob_uri, BlobNames::raw, decoded);
  BOOST_REQUIRE_MESSAGE(target.has_value(), show(target));
  const auto grant =
      site.policy().decide(*target, verb, {"bob", "203.0.113.7", {}}, at("2026-03-01T12:00:00Z"));
  BOOST_REQUIRE_MESSAGE(grant.has_value(), show(grant));
  return *grant;
}

std::string sign(SasSigner& signer, const SasGrant& grant) {
  std::string out;
  signer.append_sas_uri(out, grant);
  return out;
}

bool says(std::string_view text, std::string_view name) {
  return text.find("&" + std::string(name) + "=") != std::string_view::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bound_grants_tests)

// vectors/bound-grants.mjs made them with the official SDK.
BOOST_AUTO_TEST_CASE(every_vector_of_the_official_sdk_is_what_a_request_gets) {
  Bench bench;
  bench.clock.time = at(text(golden(), "now"));
  std::size_t checked = 0;
  for (const Json& vector : golden()["vectors"].GetArray()) {
    BOOST_TEST_CONTEXT(text(vector, "name")) {
      const std::string answer =
          bench.ask(asking_for(kHost + "uploads/" + text(vector, "blob")) + declared(vector["declared"]));
      BOOST_TEST(answer.starts_with("200 " + kHost + "uploads/"));
      const std::size_t mark = answer.find('?');
      BOOST_REQUIRE(mark != std::string::npos);
      BOOST_TEST(unescaped(answer.substr(mark + 1)) == unescaped(text(vector, "query")));
      BOOST_TEST(bench.event.rule == "bound");
      ++checked;
    }
  }
  BOOST_TEST(checked == 13U);
}

BOOST_AUTO_TEST_CASE(a_rule_that_binds_wants_to_be_told) {
  struct Row {
    const char* name;
    std::string query;
    std::string answer;
  };
  const std::string blob = kHost + "uploads/a.png";
  const Row rows[] = {
      {"as the stock client asks", asking_for(blob), kMissing},
      {"half of it", asking_for(blob, "operation=put_blob&content_type=image/png"),
       refusal("400", "missing_parameter", "content_length: is missing")},
      {"twice", asking_for(blob, kPicture + "&operation=put_blob"),
       refusal("400", "duplicate_parameter",
               "query: gives operation, content_type, content_length or block_id more than once")},
      {"malformed", asking_for(blob, "operation=put_blob&content_type=png&content_length=500"),
       refusal("400", "bad_request", "content_type: must be a media type such as image/png")},
  };
  Bench bench;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(bench.ask(row.query) == row.answer);
    }
  }
}

// Whoever may not upload hears the same as before, whatever the query says or lacks.
BOOST_AUTO_TEST_CASE(nobody_else_learns_which_rules_bind) {
  Bench bench;
  for (const std::string& more : {""s, kPicture, "operation=nonsense"s}) {
    BOOST_TEST_CONTEXT(more) {
      const auto somewhere = bench.ask(asking_for(kHost + "nowhere/bob/a.png", more));
      BOOST_TEST(somewhere == refusal("403", "not_allowed", "bloburi: is not allowed"));
      BOOST_TEST(bench.ask(asking_for(kHost + "pictures/eve/a.png", more)) == somewhere);
      const auto nobody = bench.ask(asking_for(kHost + "nowhere/bob/a.png", more), "");
      BOOST_TEST(bench.ask(asking_for(kHost + "pictures/bob/a.png", more), "") == nobody);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_the_callback_would_refuse_is_not_signed) {
  struct Row {
    const char* name;
    const char* declared;
    const char* answer;
    const char* blob = "a.png";
  };
  const std::string too_small = refusal("422", "blob_too_small", "blob: is too small");
  const std::string too_large = refusal("422", "blob_too_large", "blob: is too large");
  const std::string wrong_type =
      refusal("422", "content_type_not_allowed", "blob: is of a type that is not allowed");
  const std::string wrong_name =
      refusal("422", "extension_not_allowed", "blob: has a file name extension that is not allowed");
  const Row rows[] = {
      {"in order", "operation=put_blob&content_type=image/png&content_length=10", "200"},
      {"the most", "operation=put_blob&content_type=image/png&content_length=1000", "200"},
      {"a small block", "operation=put_block&content_length=1&block_id=MDAwMDA=", "200"},
      {"a list", "operation=put_block_list&content_type=image/jpeg;a=b", "200"},
      {"too small", "operation=put_blob&content_type=image/png&content_length=9", too_small.c_str()},
      {"too large", "operation=put_blob&content_type=image/png&content_length=1001", too_large.c_str()},
      {"a block that is too large by itself",
       "operation=put_block&content_length=1001&block_id=MDAwMDA=", too_large.c_str()},
      {"another type", "operation=put_blob&content_type=text/html&content_length=500", wrong_type.c_str()},
      {"a list with another type", "operation=put_block_list&content_type=text/html", wrong_type.c_str()},
      {"another extension", "operation=put_blob&content_type=image/png&content_length=500",
       wrong_name.c_str(), "a.exe"},
      {"a block of a blob with another extension",
       "operation=put_block&content_length=500&block_id=MDAwMDA=", wrong_name.c_str(), "a.exe"},
  };
  Bench bench;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto answer = bench.ask(asking_for(kHost + "pictures/bob/" + row.blob, row.declared));
      BOOST_TEST((row.answer == "200"sv ? answer.substr(0, 3) : answer) == row.answer);
      BOOST_TEST(bench.event.rule == "checked");
    }
  }
}

BOOST_AUTO_TEST_CASE(only_puts_of_such_rules_are_bound) {
  Bench bench;
  for (const std::string& query :
       {asking_for(kHost + "drop/a.png"), asking_for(kHost + "drop/a.png", kPicture),
        asking_for(kHost + "drop/a.png", "operation=nonsense&operation=twice"),
        asking_for(kHost + "uploads/a.png", "", "DELETE"),
        asking_for(kHost + "uploads/a.png", "operation=nonsense", "DELETE")}) {
    BOOST_TEST_CONTEXT(query) {
      const auto answer = bench.ask(query);
      BOOST_TEST(answer.starts_with("200 https://"));
      BOOST_TEST(!says(answer, "srh"));
      BOOST_TEST(!says(answer, "srq"));
    }
  }
}

// A SAS without its binding would look like any other, so it must never come about by mistake.
BOOST_AUTO_TEST_CASE(a_grant_without_its_binding_cannot_be_signed) {
  const auto site = bound_site();
  SasSigner signer(delegation_key());
  const std::string uri = kHost + "uploads/a.png";
  const SasGrant grant = granted(*site, uri);
  BOOST_TEST(grant.lacks_binding());
  BOOST_CHECK_THROW((void)sign(signer, grant), std::logic_error);

  std::string buffer;
  const auto put = DeclaredPut::parse(kPicture, buffer);
  BOOST_REQUIRE(put.has_value());
  const SasGrant bound = grant.bound_to(*put);
  BOOST_TEST(says(sign(signer, bound), "srh"));
  SasSigner with_account_key(account_key());
  BOOST_CHECK_THROW((void)sign(with_account_key, bound), std::logic_error);

  // Our own requests, and what a page sees of the blob, are other requests.
  const auto now = at("2026-03-01T12:00:00Z");
  for (const SasGrant& own :
       {grant.for_service(ServiceOperation::read, now), bound.for_service(ServiceOperation::remove, now),
        bound.for_viewing("image/png", std::chrono::hours(1), now)}) {
    BOOST_TEST(!says(sign(signer, own), "srh"));
  }
  BOOST_TEST(!granted(*site, kHost + "uploads/a.png", BlobVerb::del).lacks_binding());
  BOOST_TEST(!granted(*site, kHost + "drop/a.png").lacks_binding());
}

BOOST_AUTO_TEST_CASE(an_older_version_cannot_bind) {
  Config config = config_from(kSite);
  config.rules[0].sas.version = *SasVersion::parse("2026-02-06");
  const Site site(std::move(config), {{delegation_key(), nullptr}});
  std::string buffer;
  const auto put = DeclaredPut::parse(kPicture, buffer);
  BOOST_REQUIRE(put.has_value());
  SasSigner signer(delegation_key());
  BOOST_CHECK_THROW((void)sign(signer, granted(site, kHost + "uploads/a.png").bound_to(*put)),
                    std::logic_error);
}

BOOST_AUTO_TEST_CASE(binding_allocates_nothing_once_it_is_warm) {
  Bench bench;
  for (const std::string& query :
       {asking_for(kHost + "uploads/a.png", kPicture),
        asking_for(kHost + "uploads/a.png", "operation=put_block&content_length=4000000&block_id=MDAwMDA%3D"),
        asking_for(kHost + "uploads/a.png", "operation=put_block_list&content_type=image/png"),
        asking_for(kHost + "uploads/a.png"), asking_for(kHost + "drop/a.png")}) {
    BOOST_TEST_CONTEXT(query) {
      (void)bench.ask(query);
      Request request;
      request.endpoint = "signature";
      request.method = "GET";
      request.query = query;
      request.user = "bob";
      const AllocationCount count;
      (void)bench.app.handle(request, bench.response);
      const std::size_t calls = count.calls();
      BOOST_TEST(calls == 0U);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
