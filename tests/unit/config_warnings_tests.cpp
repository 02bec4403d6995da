#include "core/config_warnings.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

struct Parts {
  std::string endpoint = "https://acme.example";
  std::string rule = R"("blobs":["{user}/**"],"methods":["PUT","DELETE"])";
  std::string more = {};
};

std::string document(const Parts& parts) {
  return R"({"accounts":[{"name":"acme","endpoint":")" + parts.endpoint +
         R"(","credential":{"type":"shared_key","key_file":"k"}}],"rules":[{"name":"r","account":"acme",)" +
         R"("container":"uploads",)" + parts.rule + "}]" + (parts.more.empty() ? "" : "," + parts.more) + "}";
}

/// `code field` of each warning.
std::string warned(const Parts& parts) {
  std::string text;
  for (const Warning& warning : config_warnings(config_from(document(parts)))) {
    BOOST_TEST(!warning.what.empty());
    BOOST_TEST(!warning.mend.empty());
    text.append(text.empty() ? "" : "\n").append(warning.code).append(" ").append(warning.field);
  }
  return text;
}

Parts rule(std::string text) {
  return {.rule = std::move(text)};
}
Parts more(std::string text) {
  return {.more = std::move(text)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config_warnings_tests)

BOOST_AUTO_TEST_CASE(each_warning_has_what_makes_it_and_what_does_not) {
  struct Row {
    const char* name;
    Parts parts;
    const char* warnings;
  };
  const std::string own = R"("blobs":["{user}/**"],)";
  const std::string both = own + R"("methods":["PUT","DELETE"])";
  const std::string hook = R"("success":{"hook":{"secret_file":"s","url":)";
  const std::vector<Row> rows{
      {"nothing weak", {}, ""},
      {"http to another machine",
       {.endpoint = "http://acme.example", .more = R"("sas":{"protocol":"https,http"})"},
       "http_endpoint accounts[0].endpoint"},
      {"http to an emulator here",
       {.endpoint = "http://127.0.0.1:10000/acme", .more = R"("sas":{"protocol":"https,http"})"},
       ""},
      {"http that no endpoint needs", more(R"("sas":{"protocol":"https,http"})"),
       "http_protocol rules[0].sas.protocol"},
      {"http that an emulator needs",
       {.endpoint = "http://localhost:10000", .more = R"("sas":{"protocol":"https,http"})"},
       ""},
      {"more than an hour to upload", more(R"("sas":{"put_lifetime_seconds":3601})"),
       "long_lifetime rules[0].sas.put_lifetime_seconds"},
      {"an hour to upload", more(R"("sas":{"put_lifetime_seconds":3600})"), ""},
      {"more than 15 minutes to delete", rule(both + R"(,"sas":{"delete_lifetime_seconds":901})"),
       "long_lifetime rules[0].sas.delete_lifetime_seconds"},
      {"15 minutes to delete", rule(both + R"(,"sas":{"delete_lifetime_seconds":900})"), ""},
      {"less than a minute to upload", more(R"("sas":{"put_lifetime_seconds":59})"),
       "short_lifetime rules[0].sas.put_lifetime_seconds"},
      {"a minute to upload", more(R"("sas":{"put_lifetime_seconds":60})"), ""},
      {"everything for everybody", rule(R"("blobs":["**"],"methods":["PUT"],"anonymous":true)"),
       "anonymous_everything rules[0].blobs\nno_delete rules[0].methods"},
      {"everything for users", rule(R"("blobs":["**"],"methods":["PUT","DELETE"])"), ""},
      {"a folder for everybody", rule(R"("blobs":["in/**"],"methods":["PUT"],"anonymous":true)"),
       "no_delete rules[0].methods"},
      {"everybody deletes", rule(R"("blobs":["in/**"],"methods":["PUT","DELETE"],"anonymous":true)"),
       "anonymous_delete rules[0].methods"},
      {"uploads that nobody can cancel (C-49)", rule(own + R"("methods":["PUT"])"),
       "no_delete rules[0].methods"},
      {"a list of what all have uploaded", rule(R"("blobs":["**"],"list":true,"methods":["PUT","DELETE"])"),
       "list_of_all rules[0].list"},
      {"a list of what all have uploaded, beside the user's own",
       rule(R"("blobs":["{user}/**","shared/*"],"list":true,"methods":["PUT","DELETE"])"),
       "list_of_all rules[0].list"},
      {"a list of a user's own", rule(own + R"("list":true,"methods":["PUT","DELETE"])"), ""},
      {"a list of a tenant's", rule(R"("blobs":["{tenant}/**"],"list":true,"methods":["PUT","DELETE"])"), ""},
      {"deletes alone", rule(own + R"("methods":["DELETE"])"), ""},
      {"no parts", rule(both + R"(,"permissions":{"PUT":"c"})"), "no_chunks rules[0].permissions.PUT"},
      {"parts", rule(both + R"(,"permissions":{"PUT":"w"})"), ""},
      {"an old version", more(R"("sas":{"version":"2019-07-07"})"), "old_version rules[0].sas.version"},
      {"a version with large parts", more(R"("sas":{"version":"2019-12-12"})"), ""},
      {"nobody looks", more(R"("success":{"verify":{"enabled":false}})"),
       "verify_disabled rules[0].verify.enabled"},
      {"nobody looks, for one rule", rule(both + R"(,"verify":{"enabled":false})"),
       "verify_disabled rules[0].verify.enabled"},
      {"nobody has to look at a delete", rule(own + R"("methods":["DELETE"],"verify":{"enabled":false})"),
       ""},
      {"nobody looks while Azure is away", more(R"("success":{"verify":{"on_azure_failure":"accept"}})"),
       "verify_skipped rules[0].verify.on_azure_failure"},
      {"nothing is believed while Azure is away",
       more(R"("success":{"verify":{"on_azure_failure":"refuse"}})"), ""},
      {"a hook by http", more(hook + R"("http://app.example/x?y=1"}})"), "http_hook success.hook.url"},
      {"a hook by https", more(hook + R"("https://app.example/x?y=1"}})"), ""},
      {"a hook on this machine", more(hook + R"("http://127.0.0.1:8080/x"}})"), ""},
      {"a hook by a socket", more(hook + R"("http://app/x","unix_socket":"/run/app.sock"}})"), ""},
      {"a page on http", more(R"("cors":{"origins":["http://www.example.com"]})"),
       "http_origin cors.origins[0]"},
      {"pages on https and on this machine",
       more(R"("cors":{"origins":["https://www.example.com","http://localhost:3000"]})"), ""},
      {"parameters that Azure refuses (C-89)", more(R"("cors":{"parameters":["my-param","ok","1st","a.b"]})"),
       "bad_parameter_name cors.parameters[0]\nbad_parameter_name cors.parameters[2]\nbad_parameter_name "
       "cors.parameters[3]"},
      {"parameters that it takes", more(R"("cors":{"parameters":["_a","caption2","Content-MD5"]})"), ""},
  };
  for (const auto& [name, parts, warnings] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(warned(parts) == warnings);
    }
  }
}

BOOST_AUTO_TEST_CASE(which_rule_deletes_what_another_uploads) {
  struct Row {
    const char* name;
    const char* put;
    const char* del;
    bool warns;
  };
  const std::vector<Row> rows{
      {"the same pattern", R"(["{user}/**"])", R"("container":"uploads","blobs":["x","{user}/**"])", false},
      {"everything", R"(["{user}/**"])", R"("container":"uploads","blobs":["**"])", false},
      {"one pattern of two", R"(["a/**","b/**"])", R"("container":"uploads","blobs":["a/**"])", true},
      {"another pattern", R"(["{user}/**"])", R"("container":"uploads","blobs":["{tenant}/**"])", true},
      {"another container", R"(["{user}/**"])", R"("container":"other","blobs":["{user}/**"])", true},
  };
  for (const auto& [name, put, del, warns] : rows) {
    const std::string text = std::string(R"("blobs":)") + put +
                             R"(,"methods":["PUT"]},{"name":"d","account":"acme",)" + del +
                             R"(,"methods":["DELETE"])";
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(warned(rule(text)) == (warns ? "no_delete rules[0].methods" : ""));
    }
  }
  // Somebody who is not logged in cannot use a rule for users.
  BOOST_TEST(
      warned(rule(
          R"("blobs":["in/*"],"methods":["PUT"],"anonymous":true},)"
          R"({"name":"d","account":"acme","container":"uploads","blobs":["in/*"],"methods":["DELETE"])")) ==
      "no_delete rules[0].methods");
}

BOOST_AUTO_TEST_SUITE_END()
