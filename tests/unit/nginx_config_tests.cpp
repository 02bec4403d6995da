#include "core/nginx_config.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace std::literals;

namespace {

const std::string kMain = "# configuration file /etc/nginx/nginx.conf:\n";

/// All directives as one text: `name[arg|arg]{...}`.
std::string show(const std::vector<NginxDirective>& block) {
  std::string text;
  for (const NginxDirective& directive : block) {
    text.append(directive.name).append("[");
    for (const std::string& arg : directive.args)
      text.append(&arg == &directive.args.front() ? "" : "|").append(arg);
    text.append("]");
    if (!directive.block.empty()) text.append("{").append(show(directive.block)).append("}");
  }
  return text;
}

std::string parsed(const std::string& dump) {
  const auto config = NginxConfig::parse(dump);
  return config ? show(config->main().block) : "fault: " + config.error();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nginx_config_tests)

BOOST_AUTO_TEST_CASE(directives) {
  struct Row {
    const char* name;
    std::string text;
    const char* shown;
  };
  const std::vector<Row> rows{
      {"nothing", "", ""},
      {"one", "user www-data;", "user[www-data]"},
      {"a block", "events { worker_connections 768; }", "events[]{worker_connections[768]}"},
      {"comments", "# a;\nuser a; # { b\n", "user[a]"},
      {"quotes", R"(a "b c" 'd;e' "f{g}";)", "a[b c|d;e|f{g}]"},
      {"an empty word", R"(default "";)", "default[]"},
      {"protected quotes", R"(a "b\"c" 'd\'e';)", "a[b\"c|d'e]"},
      {"a backslash of a pattern", R"("~^(\S+) \1$" $a;)", "~^(\\S+) \\1$[$a]"},
      {"a variable in braces", "a ${b}c;", "a[${b}c]"},
      {"a hash within a word", "a b#c;", "a[b#c]"},
      {"nested", "http { server { location = /a { b; } } }", "http[]{server[]{location[=|/a]{b[]}}}"},
      {"words on several lines", "a\n  b\n  c;", "a[b|c]"},
  };
  for (const auto& [name, text, shown] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(parsed(kMain + text) == shown);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_configuration) {
  const std::vector<std::pair<const char*, std::string>> rows{
      {"nothing", ""},
      {"not a dump", "user www-data;"},
      {"an error of nginx", "nginx: [emerg] bind() failed\n"},
      {"an end within a directive", kMain + "user a"},
      {"an end within a block", kMain + "http { a;"},
      {"a block too much", kMain + "a; }"},
      {"no name", kMain + "; a;"},
      {"a block without a name", kMain + "{ a; }"},
      {"a quote that does not end", kMain + "a \"b;"},
      {"blocks without end", kMain + blobvalet::testing::repeated("a {", 1000)},
      {"a file that includes itself", kMain + "include nginx.conf;"},
  };
  for (const auto& [name, dump] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(parsed(dump).starts_with("fault: "));
    }
  }
}

BOOST_AUTO_TEST_CASE(faults_name_file_and_line) {
  BOOST_TEST(parsed(kMain + "a;\n\nb }") == "fault: /etc/nginx/nginx.conf:3: this is no directive of nginx");
}

BOOST_AUTO_TEST_CASE(includes) {
  const std::string files =
      "# configuration file /etc/nginx/conf.d/b.conf:\nb;\n# configuration file "
      "/etc/nginx/conf.d/a.conf:\na;\n"
      "# configuration file /etc/nginx/snippets/deep.conf:\ninclude conf.d/a.conf;\n"
      "# configuration file /opt/site.conf:\nsite;\n";
  const std::vector<std::pair<std::string, const char*>> rows{
      {"include conf.d/a.conf;", "a[]"},
      {"include conf.d/*.conf;", "a[]b[]"},  // in the order of their names
      {"include /opt/site.conf;", "site[]"},
      {"include snippets/deep.conf;", "a[]"},
      {"include *.conf;", "fault: /etc/nginx/nginx.conf: nests too deep"},  // itself
      {"include none/*.conf;", ""},
      {"http { include conf.d/a.conf; }", "http[]{a[]}"},
  };
  for (const auto& [text, shown] : rows) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(parsed(kMain + text + "\n" + files) == shown);
    }
  }
}

BOOST_AUTO_TEST_CASE(locations_and_what_holds_there) {
  const auto config = NginxConfig::parse(kMain + R"(
    http {
      fastcgi_read_timeout 60s; a 1; a 2;
      upstream blobvalet_signature { server unix:/run/s.sock; server unix:/run/./s.sock backup; server 10.0.0.1:9000; }
      map $http_origin $blobvalet_listed { default ""; "https://a.example" 1; }
      server {
        server_name one; fastcgi_param BLOBVALET_ENDPOINT inherited;
        location / { fastcgi_param X y; location = /s { fastcgi_param BLOBVALET_ENDPOINT signature; fastcgi_param X z; } }
        location /other { proxy_pass http://x; }
      }
      server { server_name two; location /c { fastcgi_read_timeout 10s; fastcgi_param BLOBVALET_ENDPOINT success; } }
    })");
  BOOST_REQUIRE(config.has_value());
  const auto locations = blobvalet_locations(*config);
  BOOST_REQUIRE_EQUAL(locations.size(), 2U);
  BOOST_TEST(locations[0].endpoint == "signature");
  BOOST_TEST(locations[0].path == "/s");
  BOOST_TEST(locations[0].parameter("X") == "z");
  BOOST_TEST(locations[0].parameter("NONE") == "");
  BOOST_TEST(locations[0].find("fastcgi_read_timeout")->text() == "60s");
  BOOST_TEST(locations[0].find("a")->text() == "2");
  BOOST_TEST(locations[0].all("a").size() == 2U);
  BOOST_TEST((locations[0].find("none") == nullptr));
  BOOST_TEST(locations[1].find("fastcgi_read_timeout")->text() == "10s");
  BOOST_TEST(locations[1].server().find("server_name")->text() == "two");
  BOOST_TEST((upstream_sockets(*config, "blobvalet_signature") == std::vector<std::string>{"/run/s.sock"}));
  BOOST_TEST(upstream_sockets(*config, "none").empty());
  BOOST_REQUIRE(nginx_map(*config, "$blobvalet_listed") != nullptr);
  BOOST_TEST((nginx_map(*config, "$none") == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
