#include "core/cors_rules.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr const char* kHeaders = "content-type,x-ms-blob-type,x-ms-blob-content-type,x-ms-meta-*";

Config config_with(const std::string& cors, const std::string& rules) {
  return config_from(
      R"({"accounts":[{"name":"acme","endpoint":"https://acme","credential":{"type":"shared_key","key_file":"k"}},
    {"name":"other","endpoint":"https://other","credential":{"type":"shared_key","key_file":"k"}}],"rules":[)" +
      rules + R"(],"cors":{)" + cors + "}}");
}

const std::string kRule =
    R"({"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT","DELETE"]})";

CorsNeeds needs_of(const std::string& cors, const std::string& rules = kRule,
                   const std::vector<std::string>& more = {}) {
  return cors_needs(config_with(cors, rules), 0, more);
}

CorsNeeds needs() {
  return needs_of(R"("origins":["https://a.example"])");
}

CorsRule foreign(std::string origins, std::string methods = "GET", std::string headers = "",
                 std::string exposed = "x-own") {
  return {std::move(origins), std::move(methods), std::move(headers), std::move(exposed), "60"};
}

/// Each rule as `methods|origins|headers`, ours with a star.
std::string show(const std::vector<CorsRule>& rules, const CorsNeeds& wanted) {
  std::string text;
  for (const CorsRule& rule : rules)
    text.append(text.empty() ? "" : "\n")
        .append(wanted.owns(rule) ? "*" : "")
        .append(rule.methods + "|" + rule.origins + "|" + rule.headers);
  return text;
}

std::string planned(const std::vector<CorsRule>& existing, const CorsNeeds& wanted) {
  const auto plan = plan_cors(existing, wanted);
  if (!plan) return "refused: " + plan.error();
  // Whatever is planned, planning once more finds nothing to do.
  const auto again = plan_cors(plan->rules, wanted);
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(!again->changes);
  BOOST_TEST((again->rules == plan->rules));
  return plan->changes ? show(plan->rules, wanted) : "nothing";
}

const std::string kOurs = std::string("*PUT,DELETE|https://a.example|") + kHeaders;

}  // namespace

BOOST_AUTO_TEST_SUITE(cors_rules_tests)

BOOST_AUTO_TEST_CASE(what_pages_need) {
  struct Row {
    const char* name;
    const char* cors;
    std::string rules;
    std::string rule;
  };
  const auto rule = [](const std::string& methods, const std::string& more = "") {
    return R"({"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":)" + methods +
           more + "}";
  };
  const std::string all = kHeaders;
  const std::string few = "content-type,x-ms-blob-type,x-ms-blob-content-type,";
  const std::vector<Row> rows{
      {"uploads and deletes", R"("origins":["https://a"])", kRule, "PUT,DELETE|https://a|" + all},
      {"uploads alone", R"("origins":["https://a"])", rule(R"(["PUT"])"), "PUT|https://a|" + all},
      {"deletes alone", R"("origins":["https://a"])", rule(R"(["DELETE"])"), "DELETE|https://a|" + all},
      {"thumbnails", R"("origins":["https://a"])", rule(R"(["PUT"])", R"(,"thumbnail":{"type":"read_sas"})"),
       "PUT,GET,HEAD|https://a|" + all},
      {"several pages, each once", R"("origins":["https://a","https://more"])", kRule,
       "PUT,DELETE|https://a,https://more|" + all},
      {"parameters under the prefix", R"("parameters":["caption"],"scaling":true)", kRule,
       "PUT,DELETE||" + all},
      {"parameters that are headers (C-88)", R"("parameters":["Content-MD5","x-ms-blob-cache-control"])",
       kRule, "PUT,DELETE||" + all + ",content-md5,x-ms-blob-cache-control"},
      {"literal headers", R"("headers":"literal")", kRule, "PUT,DELETE||" + few + "x-ms-meta-qqfilename"},
      {"literal parameters", R"("headers":"literal","parameters":["Caption","user_n"])", kRule,
       "PUT,DELETE||" + few + "x-ms-meta-qqfilename,x-ms-meta-caption,x-ms-meta-user_n"},
      {"literal scaling", R"("headers":"literal","scaling":true)", kRule,
       "PUT,DELETE||" + few +
           "x-ms-meta-qqfilename,x-ms-meta-qquuid,x-ms-meta-qqparentuuid,x-ms-meta-qqparentsize"},
      {"rules of another account", R"("origins":["https://a"])",
       R"({"name":"r","account":"other","container":"uploads","blobs":["**"],"methods":["PUT"]})",
       "|https://a|" + all},
  };
  for (const auto& [name, cors, rules, shown] : rows) {
    BOOST_TEST_CONTEXT(name) {
      const CorsRule made = needs_of(cors, rules).rule();
      BOOST_TEST(made.methods + "|" + made.origins + "|" + made.headers == shown);
    }
  }
  BOOST_TEST(needs_of(R"("origins":["https://a"])", kRule, {"https://b", "https://a"}).rule().origins ==
             "https://a,https://b");
  const CorsRule own = needs_of(R"("max_age_seconds":5,"owner":"shop")").rule();
  BOOST_TEST(own.max_age == "5");
  BOOST_TEST(own.exposed == "x-ms-request-id,x-ms-error-code,x-cors-owner-shop");
}

BOOST_AUTO_TEST_CASE(faults_of_the_configuration) {
  const std::vector<std::pair<const char*, const char*>> rows{
      {R"("origins":["https://a.example","http://localhost:3000"])", ""},
      {R"("parameters":["caption","user_n","my-param"])", ""},
      {R"("origins":["https://a.example/"])", "cors.origins[0]"},
      {R"("origins":["https://a.example","https://A.example"])", "cors.origins[1]"},
      {R"("origins":["https://a.example/page"])", "cors.origins[0]"},
      {R"("origins":["a.example.com"])", "cors.origins[0]"},
      {R"("origins":["https://user@a.example"])", "cors.origins[0]"},
      {R"("origins":["*"])", "cors.origins[0]"},
      {R"("origins":["null"])", "cors.origins[0]"},
      {R"("origins":"https://a.example")", "cors.origins"},
      {R"("parameters":["a,b"])", "cors.parameters[0]"},
      {R"("parameters":["a*"])", "cors.parameters[0]"},
      {R"("parameters":["a b"])", "cors.parameters[0]"},
      {R"("headers":"all")", "cors.headers"},
      {R"("scaling":1)", "cors.scaling"},
      {R"("max_age_seconds":86401)", "cors.max_age_seconds"},
      {R"("owner":"Shop 1")", "cors.owner"},
      {R"("owner":"")", "cors.owner"},
      {R"("more":1)", "cors.more"},
  };
  for (const auto& [cors, path] : rows) {
    const auto config = Config::parse(
        R"({"accounts":[{"name":"acme","endpoint":"https://acme","credential":{"type":"shared_key",)"
        R"("key_file":"k"}}],"rules":[)" +
        kRule + R"(],"cors":{)" + cors + "}}");
    BOOST_TEST_CONTEXT(cors) {
      BOOST_TEST((config ? std::string() : config.error().front().path) == path);
    }
  }
}

BOOST_AUTO_TEST_CASE(plans) {
  const CorsRule ours = needs().rule();
  CorsRule old = ours;
  old.origins = "https://old.example";
  CorsRule of_a_neighbour = ours;
  of_a_neighbour.exposed = "x-cors-owner-neighbour";
  of_a_neighbour.origins = "https://neighbour.example";
  const std::string all = kHeaders;
  struct Row {
    const char* name;
    std::vector<CorsRule> existing;
    std::string after;
  };
  const std::vector<Row> rows{
      {"an empty account", {}, kOurs},
      {"ours is there", {ours}, "nothing"},
      {"ours is there, behind others", {foreign("https://b.example"), ours}, "nothing"},
      {"an old one of ours", {old}, kOurs},
      {"two of ours", {ours, old}, kOurs},
      {"rules of others stay",
       {foreign("https://b.example"), foreign("https://c.example", "PUT", "x-c")},
       "GET|https://b.example|\nPUT|https://c.example|x-c\n" + kOurs},
      {"an old one among others",
       {foreign("https://b.example"), old, foreign("https://c.example")},
       "GET|https://b.example|\nGET|https://c.example|\n" + kOurs},
      {"one of a neighbour with a name of its own",
       {of_a_neighbour},
       "PUT,DELETE|https://neighbour.example|" + all + "\n" + kOurs},
      {"the same origin, other methods",
       {foreign("https://a.example", "GET,HEAD", "x-a")},
       "GET,HEAD|https://a.example|x-a\n" + kOurs},
      {"a rule of others that grants all", {foreign("https://a.example", "PUT,DELETE,GET", all)}, "nothing"},
      {"two of others that grant all together",
       {foreign("https://a.example", "PUT", all), foreign("https://a.example", "DELETE")},
       "nothing"},
      {"a wildcard that grants all",
       {foreign("*", "DELETE,GET,HEAD,MERGE,POST,OPTIONS,PUT", "*")},
       "nothing"},
      {"a wildcard of names below that grants all",
       {foreign("https://*.example", "PUT,DELETE", "*")},
       "nothing"},
      {"a header in another case",
       {foreign("https://a.example", "PUT,DELETE", "Content-Type, X-MS-*")},
       "nothing"},
      {"a rule of others that would decide, and allows too little",
       {foreign("https://a.example", "PUT", "x-a")},
       "*PUT,DELETE|https://a.example|" + all + ",x-a\nPUT|https://a.example|x-a"},
      {"a wildcard that would decide, and allows too little",
       {foreign("*", "PUT,GET", "x-w,x-ms-meta-data*")},
       "*PUT,DELETE|https://a.example|" + all + ",x-w\nPUT,GET|*|x-w,x-ms-meta-data*"},
      {"ours is first already, and has to be",
       {[&] {
          CorsRule r = ours;
          r.headers += ",x-a";
          r.exposed += ",x-own";
          return r;
        }(),
        foreign("https://a.example", "PUT", "x-a")},
       "nothing"},
      {"ours stands behind one that decides now",
       {foreign("https://a.example", "DELETE,PUT", "x-a"), ours},
       "*PUT,DELETE|https://a.example|" + all + ",x-a\nDELETE,PUT|https://a.example|x-a"},
      {"the case of an origin counts",
       {foreign("https://A.example", "PUT,DELETE", "*")},
       "PUT,DELETE|https://A.example|*\n" + kOurs},
      {"a name that only ends alike",
       {foreign("https://b-a.example", "PUT,DELETE", "*")},
       "PUT,DELETE|https://b-a.example|*\n" + kOurs},
      {"four of others",
       {foreign("https://1"), foreign("https://2"), foreign("https://3"), foreign("https://4")},
       "GET|https://1|\nGET|https://2|\nGET|https://3|\nGET|https://4|\n" + kOurs},
      {"five of others",
       {foreign("https://1"), foreign("https://2"), foreign("https://3"), foreign("https://4"),
        foreign("https://5")},
       "refused: the account has five rules already, and no more fit: remove one, or join two that belong "
       "together"},
      {"five of others that grant all",
       {foreign("https://1"), foreign("https://2"), foreign("https://3"), foreign("https://4"),
        foreign("*", "PUT,DELETE", "*")},
       "nothing"},
      {"four of others and an old one of ours",
       {foreign("https://1"), old, foreign("https://2"), foreign("https://3"), foreign("https://4")},
       "GET|https://1|\nGET|https://2|\nGET|https://3|\nGET|https://4|\n" + kOurs},
      {"no room for another rule's prefixes",
       {foreign("https://a.example", "PUT", "x-a*,x-b*")},
       "refused: a rule takes two headers that end with * at most; another rule for the same origins has "
       "more: change that one"},
      {"more than 2 KiB",
       {foreign("https://b.example", "PUT", repeated("x", 1900))},
       "refused: the rules together are longer than the 2 KiB that an account takes"},
  };
  for (const auto& [name, existing, after] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(planned(existing, needs()) == after);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_a_service_may_write_differently) {
  const CorsRule rule{"https://a,https://b", "PUT,DELETE", "x-a,x-b*", "x-c", "60"};
  struct Row {
    const char* name;
    CorsRule other;
    bool same;
  };
  const std::vector<Row> rows{
      {"the same", rule, true},
      {"another order", {"https://b,https://a", "DELETE,PUT", "x-b*,x-a", "x-c", "60"}, true},
      {"blanks", {"https://a, https://b", " PUT,DELETE", "x-a ,x-b*", "x-c", "60 "}, true},
      {"headers in another case", {"https://a,https://b", "PUT,DELETE", "X-A,X-b*", "X-C", "60"}, true},
      {"an origin in another case", {"https://A,https://b", "PUT,DELETE", "x-a,x-b*", "x-c", "60"}, false},
      {"an origin less", {"https://a", "PUT,DELETE", "x-a,x-b*", "x-c", "60"}, false},
      {"a method more", {"https://a,https://b", "PUT,DELETE,GET", "x-a,x-b*", "x-c", "60"}, false},
      {"another header", {"https://a,https://b", "PUT,DELETE", "x-a,x-b", "x-c", "60"}, false},
      {"nothing exposed", {"https://a,https://b", "PUT,DELETE", "x-a,x-b*", "", "60"}, false},
      {"another time", {"https://a,https://b", "PUT,DELETE", "x-a,x-b*", "x-c", "61"}, false},
  };
  for (const auto& [name, other, same] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(same_rules({rule}, {other}) == same);
    }
  }
  BOOST_TEST(!same_rules({rule}, {}));
  BOOST_TEST(!same_rules({rule, rows[5].other}, {rows[5].other, rule}));
}

BOOST_AUTO_TEST_CASE(nobody_loses_anything) {
  const CorsRule theirs = foreign("*", "PUT,GET", "x-theirs,x-ms-blob-*", "x-seen");
  const auto plan = plan_cors({theirs}, needs());
  BOOST_REQUIRE(plan.has_value());
  const CorsRule* deciding = deciding_rule(plan->rules, "https://a.example", "PUT");
  BOOST_REQUIRE(deciding != nullptr);
  for (const char* header : {"x-theirs", "x-ms-blob-type", "x-ms-blob-else"})
    BOOST_TEST(allows_header(*deciding, header), header);
  BOOST_TEST(deciding->exposed.ends_with(",x-seen"));
  BOOST_TEST((*deciding_rule(plan->rules, "https://a.example", "GET") == theirs));
  BOOST_TEST((*deciding_rule(plan->rules, "https://b.example", "PUT") == theirs));
}

BOOST_AUTO_TEST_CASE(too_many_for_one_rule) {
  CorsNeeds many = needs();
  for (int i = 0; i < 70; ++i)
    many.headers.push_back("h" + std::to_string(i));
  BOOST_TEST(planned({}, many).starts_with("refused: a rule takes 64 headers"));
  many = needs();
  for (int i = 0; i < 64; ++i)
    many.origins.push_back("https://" + std::to_string(i));
  BOOST_TEST(planned({}, many).starts_with("refused: a rule takes 64 origins"));
}

BOOST_AUTO_TEST_CASE(xml_there_and_back) {
  const std::vector<CorsRule> rules{foreign("*", "PUT", "x-a,x-b*", ""),
                                    {"https://a&b", "GET", "", "<x>", "0"}};
  const std::string xml = cors_rules_xml(rules);
  BOOST_TEST((parse_cors_rules(xml).value() == rules));
  BOOST_TEST(xml.find("<Logging") == std::string::npos);  // what is not sent stays as it is
  BOOST_TEST((parse_cors_rules(cors_rules_xml({})).value().empty()));
  const std::string azure =
      "\xEF\xBB\xBF<?xml version=\"1.0\" "
      "encoding=\"utf-8\"?><StorageServiceProperties><Logging><Version>1.0</Version>"
      "</Logging><Cors><CorsRule><AllowedMethods>PUT</AllowedMethods><AllowedOrigins>*</AllowedOrigins>"
      "<AllowedHeaders></AllowedHeaders><ExposedHeaders/><MaxAgeInSeconds>60</MaxAgeInSeconds></CorsRule></"
      "Cors>"
      "</StorageServiceProperties>";
  BOOST_TEST((parse_cors_rules(azure).value() == std::vector<CorsRule>{{"*", "PUT", "", "", "60"}}));
  for (const char* wrong :
       {"", "<html></html>", "{}", "<StorageServiceProperties><Cors>", "<Error><Code>x</Code></Error>"}) {
    BOOST_TEST_CONTEXT(wrong) {
      BOOST_TEST(!parse_cors_rules(wrong).has_value());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
