#include "core/nginx_warnings.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

/// An nginx as the shipped files make it, in parts that rows change.
struct Parts {
  std::string main = "";
  std::string connections = "worker_connections 4096;";
  std::string upstream = "keepalive 128;";
  std::string buffers = "large_client_header_buffers 2 64k;";
  std::string origins = R"("https://app.example" 1;)";
  std::string http = "";
  std::string server = R"(auth_basic x; set $blobvalet_user $remote_user;)";
  std::string common = "client_max_body_size 64k; fastcgi_keep_conn on; fastcgi_read_timeout 10s;";
  std::string params = "";
  std::string config = "";
  std::string session = "";  ///< a location
  bool lists = false;        ///< a rule does
};

std::string dump_of(const Parts& p) {
  const std::string all = "fastcgi_param BLOBVALET_USER $blobvalet_user;" + p.params + p.common;
  return "# configuration file /etc/nginx/nginx.conf:\n" + p.main + "events {" + p.connections +
         "}\nhttp {\nupstream blobvalet_signature { server unix:/s;" + p.upstream +
         "}\nmap $http_origin $blobvalet_listed { default \"\";" + p.origins + "}" + p.buffers + p.http +
         "\nserver { server_name up.example;" + p.server +
         "\nlocation = /s { fastcgi_param BLOBVALET_ENDPOINT signature;" + all +
         "}\nlocation = /c { fastcgi_param BLOBVALET_ENDPOINT success;" + all + "}" + p.session + "}}";
}

Config config_with(const std::string& more, bool lists = false) {
  return config_from(
      R"({"accounts":[{"name":"acme","endpoint":"https://acme","credential":{"type":"shared_key","key_file":"k"}}],
    "rules":[{"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"],"list":)" +
      std::string(lists ? "true" : "false") + "}]" + (more.empty() ? "" : "," + more) + "}");
}

std::string codes(const Parts& parts) {
  const auto nginx = NginxConfig::parse(dump_of(parts));
  BOOST_REQUIRE_MESSAGE(nginx.has_value(), (nginx ? "" : nginx.error()));
  std::string text;
  for (const Warning& warning : nginx_warnings(config_with(parts.config, parts.lists), *nginx)) {
    BOOST_TEST(!warning.field.empty());
    BOOST_TEST(!warning.mend.empty());
    text.append(text.empty() ? "" : " ").append(warning.code);
  }
  return text;
}

/// Common directives with another read time-out.
std::string waiting(const std::string& time) {
  return "client_max_body_size 64k; fastcgi_keep_conn on;" + time;
}
std::string bodies(const std::string& size) {
  return "fastcgi_keep_conn on; fastcgi_read_timeout 10s;" + size;
}

/// A location for sessions.
std::string session(const std::string& directives = "fastcgi_keep_conn on; fastcgi_read_timeout 10s;") {
  return "location = /l { fastcgi_param BLOBVALET_ENDPOINT session; fastcgi_param BLOBVALET_USER "
         "$blobvalet_user;" +
         directives + "}";
}

const char* const kHook = R"("success":{"hook":{"url":"https://a","secret_file":"s","timeout_ms":3000}})";
const char* const kSlowHook = R"("success":{"hook":{"url":"https://a","secret_file":"s","timeout_ms":6000}})";
const char* const kSlowEvents =
    R"("success":{"hook":{"url":"https://a","secret_file":"s","timeout_ms":9000,"mode":"async"}})";

}  // namespace

BOOST_AUTO_TEST_SUITE(nginx_warnings_tests)

BOOST_AUTO_TEST_CASE(each_warning_has_what_makes_it_and_what_does_not) {
  struct Row {
    const char* name;
    Parts parts;
    const char* warnings;
  };
  const std::vector<Row> rows{
      {"the shipped files", {}, ""},
      // limits that disagree
      {"bodies that the worker would take", {.common = bodies("client_max_body_size 32k;")}, "body_limit"},
      {"bodies that the worker refuses", {.common = bodies("client_max_body_size 1m;")}, "body_limit"},
      {"any bodies", {.common = bodies("client_max_body_size 0;")}, "body_limit"},
      {"nginx's usual bodies", {.common = bodies("")}, "body_limit"},
      {"the same bodies, changed in both",
       {.common = bodies("client_max_body_size 100000;"), .config = R"("success":{"max_body_bytes":100000})"},
       ""},
      {"nginx's usual request line", {.buffers = ""}, "header_buffers header_buffers"},
      {"a short request line", {.buffers = "large_client_header_buffers 4 16k;"}, "header_buffers"},
      {"a request line as long as needed", {.buffers = "large_client_header_buffers 4 25k;"}, ""},
      {"a server's own request line",
       {.server = "large_client_header_buffers 4 8k; set $blobvalet_user \"\";"},
       "header_buffers"},
      {"too little time for Azure", {.common = waiting("fastcgi_read_timeout 4s;")}, "read_timeout"},
      {"time for Azure", {.common = waiting("fastcgi_read_timeout 5s;")}, ""},
      {"nginx's usual time", {.common = waiting("")}, ""},
      {"time for Azure and the application", {.config = kHook}, ""},
      {"too little time for Azure and the application", {.config = kSlowHook}, "read_timeout"},
      {"an application that is told later", {.config = kSlowEvents}, ""},
      {"too little time for a slow Azure",
       {.config = R"("success":{"verify":{"deadline_ms":9000}})"},
       "read_timeout"},
      {"nobody asks Azure", {.config = R"("success":{"verify":{"deadline_ms":9000,"enabled":false}})"}, ""},
      {"too little time to announce a delete",
       {.common = waiting("fastcgi_read_timeout 6s;"),
        .config =
            R"("success":{"verify":{"enabled":false},"hook":{"url":"https://a","secret_file":"s","timeout_ms":4500,"delete_granted":true}})"},
       "read_timeout read_timeout"},
      {"a connection for each request", {.common = "client_max_body_size 64k;"}, "no_keepalive no_keepalive"},
      {"an upstream that keeps none", {.upstream = ""}, "no_keepalive"},
      {"too few connections", {.connections = "worker_connections 287;"}, "worker_connections"},
      {"just enough connections", {.connections = "worker_connections 288;"}, ""},
      {"nginx's usual connections", {.connections = ""}, ""},
      {"fewer files than connections", {.main = "worker_rlimit_nofile 4095;"}, "worker_connections"},
      {"as many files", {.main = "worker_rlimit_nofile 8192;"}, ""},
      // sessions
      {"a list that nobody can ask for", {.lists = true}, "no_session"},
      {"a list", {.session = session(), .lists = true}, ""},
      {"too little time for a list",
       {.session = session("fastcgi_keep_conn on; fastcgi_read_timeout 6s;"), .lists = true},
       "read_timeout"},
      {"too little time for a longer list",
       {.config = R"("session":{"deadline_ms":9000})", .session = session(), .lists = true},
       "read_timeout"},
      {"a location that nobody needs", {.session = session("fastcgi_read_timeout 1s;")}, ""},
      // who the user is
      {"nobody", {.server = R"(set $blobvalet_user "";)"}, ""},
      {"a header", {.server = "set $blobvalet_user $http_x_user;"}, "identity_from_request"},
      {"a cookie", {.server = "set $blobvalet_user $cookie_user;"}, "identity_from_request"},
      {"an argument", {.server = "set $blobvalet_user $arg_user;"}, "identity_from_request"},
      {"a header in a longer text",
       {.server = R"(set $blobvalet_user "x-${http_x_user}";)"},
       "identity_from_request"},
      {"a header by a detour",
       {.server = "set $a $http_x_user; set $blobvalet_user $a;"},
       "identity_from_request"},
      {"a header by a map",
       {.http = "map $x $a { default $http_x_user; }", .server = "set $blobvalet_user $a;"},
       "identity_from_request"},
      {"names by a map",
       {.http = R"(map $http_key $a { default ""; k alice; })", .server = "set $blobvalet_user $a;"},
       ""},
      {"a variable made of itself", {.server = "set $blobvalet_user $blobvalet_user;"}, ""},
      {"a name without a password", {.server = "set $blobvalet_user $remote_user;"}, "identity_unchecked"},
      {"a password that is switched off",
       {.server = "auth_basic off; set $blobvalet_user $remote_user;"},
       "identity_unchecked"},
      {"a session",
       {.server = "auth_request /a; auth_request_set $blobvalet_user $upstream_http_x_user;"},
       ""},
      {"a session that nobody asks for",
       {.server = "auth_request_set $blobvalet_user $upstream_http_x_user;"},
       "identity_unchecked"},
      {"a certificate", {.server = "ssl_verify_client on; set $blobvalet_user $ssl_client_s_dn;"}, ""},
      {"a certificate of anybody",
       {.server = "ssl_verify_client optional_no_ca; set $blobvalet_user $ssl_client_s_dn;"},
       "identity_unchecked"},
      {"a tenant by a header",
       {.params = "fastcgi_param BLOBVALET_VAR_TENANT $http_x_tenant;"},
       "identity_from_request identity_from_request"},
      {"a tenant by the host", {.params = "fastcgi_param BLOBVALET_VAR_TENANT $host;"}, ""},
      // which pages
      {"no page at all", {.origins = ""}, "no_origins"},
      {"pages in the configuration alone",
       {.origins = "", .config = R"("cors":{"origins":["https://up.example"]})"},
       ""},
      {"a page that nginx does not know",
       {.config = R"("cors":{"origins":["https://other.example"]})"},
       "origin_not_listed"},
      {"a page that it lists", {.config = R"("cors":{"origins":["https://app.example"]})"}, ""},
      {"a page of the site itself", {.config = R"("cors":{"origins":["https://up.example:8443"]})"}, ""},
      {"an unlisted origin by default", {.origins = "default 1;"}, "wildcard_origin no_origins"},
      {"a pattern", {.origins = R"("~^https://.*example" 1; "https://app.example" 1;)"}, "wildcard_origin"},
      {"null", {.origins = R"(null 1; "https://app.example" 1;)"}, "wildcard_origin"},
      {"an origin that is switched off", {.origins = R"(null ""; "https://app.example" 1;)"}, ""},
  };
  for (const auto& [name, parts, warnings] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(codes(parts) == warnings);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_nginx_without_blobvalet) {
  const auto nginx =
      NginxConfig::parse("# configuration file /etc/nginx/nginx.conf:\nhttp { server { location / { } } }");
  const auto warnings = nginx_warnings(config_with(""), nginx.value());
  BOOST_REQUIRE_EQUAL(warnings.size(), 1U);
  BOOST_TEST(warnings[0].code == "no_snippet");
}

BOOST_AUTO_TEST_CASE(origins_that_nginx_lists) {
  Parts parts;
  parts.origins =
      R"("https://a.example" 1; https://b.example:8443 1; "~x" 1; null 1; "https://off.example" "";)";
  const auto nginx = NginxConfig::parse(dump_of(parts));
  BOOST_TEST((listed_origins(nginx.value()) ==
              std::vector<std::string>{"https://a.example", "https://b.example:8443"}));
}

BOOST_AUTO_TEST_CASE(sizes_and_times) {
  const std::vector<std::pair<const char*, std::optional<std::uint64_t>>> sizes{
      {"0", 0},
      {"100", 100},
      {"64k", 65536},
      {"64K", 65536},
      {"2m", 2097152},
      {"1g", 1073741824},
      {"", std::nullopt},
      {"k", std::nullopt},
      {"-1", std::nullopt},
      {"1kk", std::nullopt},
      {"1.5m", std::nullopt},
      {"99999999999999999999", std::nullopt},
      {"18446744073709551615g", std::nullopt}};
  for (const auto& [text, size] : sizes) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST((nginx_size(text) == size));
    }
  }
  const std::vector<std::pair<const char*, std::optional<std::uint64_t>>> times{
      {"10s", 10000},      {"10", 10000},         {"500ms", 500},        {"1m", 60000},
      {"1m 30s", 90000},   {"1m30s", 90000},      {"1h", 3600000},       {"", std::nullopt},
      {"s", std::nullopt}, {"10x", std::nullopt}, {"-1s", std::nullopt}, {"1s x", std::nullopt}};
  for (const auto& [text, time] : times) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST((nginx_milliseconds(text) == time));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
