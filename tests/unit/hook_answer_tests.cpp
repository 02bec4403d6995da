#include "core/hook_answer.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// `ok|no`, flags, error, thumbnail and members of an answer; `nothing`.
std::string read(std::string_view json, bool with_properties = false) {
  const auto answer = HookAnswer::parse(json, with_properties);
  if (!answer) return "nothing";
  std::string text = answer->success ? "ok" : "no";
  if (answer->keeps_retry) text += " keep";
  if (answer->reset) text += " reset";
  return text + "|" + answer->error + "|" + answer->thumbnail_url + "|" + answer->members;
}

struct Row {
  const char* name;
  std::string json;
  std::string read;
};

template <std::size_t N>
void check(const Row (&rows)[N]) {
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(read(row.json) == row.read);
    }
  }
}

constexpr const char* kNo = "no|The application refused the upload.||";

}  // namespace

BOOST_AUTO_TEST_SUITE(hook_answer_tests)

BOOST_AUTO_TEST_CASE(what_the_application_says_is_read) {
  const Row rows[] = {
      {"nothing", "{}", "ok|||"},
      {"white space", " \r\n\t{ } \n", "ok|||"},
      {"success", R"({"success":true})", "ok|||"},
      {"a failure", R"({"success":false})", "no|||"},
      {"an error", R"({"error":"too many"})", "no|too many||"},
      {"an error and success", R"({"success":true,"error":"too many"})", "no|too many||"},
      {"a failure and no error", R"({"error":null,"success":false})", "no|||"},
      {"no error", R"({"error":null})", "ok|||"},
      {"an empty error", R"({"error":""})", "ok|||"},
      {"a false error", R"({"error":false})", "ok|||"},
      {"error 0", R"({"error":0})", "ok|||"},
      {"error -0.0", R"({"error":-0.0})", "ok|||"},
      {"a blank error", R"({"error":" "})", "no| ||"},
      {"an error true", R"({"error":true})", kNo},
      {"an error number", R"({"error":17})", kNo},
      {"an error list", R"({"error":[]})", kNo},
      {"an error object", R"({"error":{"message":"no"}})", kNo},
      {"no success, yet no false", R"({"success":null})", "ok|||"},
      {"success 0", R"({"success":0})", "ok|||"},
      {"success in quotes", R"({"success":"false"})", "ok|||"},
      {"flags", R"({"preventRetry":true,"reset":true})", "ok reset|||"},
      {"flags that are false", R"({"preventRetry":false,"reset":false})", "ok keep|||"},
      {"flags that are no booleans", R"({"preventRetry":1,"reset":"true"})", "ok|||"},
      {"flags that are null", R"({"preventRetry":null,"reset":null})", "ok|||"},
      {"a thumbnail", R"({"thumbnailUrl":"/t/1.png"})", "ok||/t/1.png|"},
      {"a thumbnail that is no text", R"({"thumbnailUrl":["/t/1.png"]})", "ok|||"},
      {"a thumbnail that is null", R"({"thumbnailUrl":null})", "ok|||"},
      {"escapes", R"({"error":"\u00e4\n\"\ud83d\ude00"})", "no|\xc3\xa4\n\"\xf0\x9f\x98\x80||"},
  };
  check(rows);
}

BOOST_AUTO_TEST_CASE(all_else_is_passed_on) {
  const Row rows[] = {
      {"in its order", R"({"id":7,"tags":["a"],"a":{"b":null}})",
       R"(ok|||,"id":7,"tags":["a"],"a":{"b":null})"},
      {"numbers", R"({"a":-1,"b":0.5,"c":18446744073709551615,"d":true})",
       R"(ok|||,"a":-1,"b":0.5,"c":18446744073709551615,"d":true)"},
      {"fractions", R"({"a":0.1,"b":3.14159265358979,"c":1e21,"d":-2.5e-7})",
       R"(ok|||,"a":0.1,"b":3.14159265358979,"c":1e21,"d":-2.5e-7)"},
      {"nothing, times a lot", R"({"a":0e308,"b":0.0e-300})", R"(ok|||,"a":0.0,"b":0.0)"},
      {"text", R"({"a":"\u00e4\u0000\"\\\n"})", "ok|||,\"a\":\"\xc3\xa4\\u0000\\\"\\\\\\n\""},
      {"names", R"({"":1,"a\"b":2,"c\nd":3})", R"(ok|||,"":1,"a\"b":2,"c\nd":3)"},
      {"empty things", R"({"a":[],"b":{},"c":""})", R"(ok|||,"a":[],"b":{},"c":"")"},
      {"our names below", R"({"a":{"success":1,"code":2,"verified":3,"error":4}})",
       R"(ok|||,"a":{"success":1,"code":2,"verified":3,"error":4})"},
      {"our names in another case", R"({"Success":1,"CODE":2})", R"(ok|||,"Success":1,"CODE":2)"},
      {"newUuid", R"({"newUuid":"x"})", R"(ok|||,"newUuid":"x")"},
      {"properties, where they are not ours", R"({"size":1,"content_type":2,"etag":3,"last_modified":4})",
       R"(ok|||,"size":1,"content_type":2,"etag":3,"last_modified":4)"},
  };
  check(rows);
}

BOOST_AUTO_TEST_CASE(names_of_ours_are_left_out) {
  const Row rows[] = {
      {"code", R"({"code":"ok"})", "ok|||"},
      {"verified", R"({"verified":true})", "ok|||"},
      {"success, whatever it is", R"({"success":{"a":1}})", "ok|||"},
      {"written with escapes", R"({"\u0063ode":1,"veri\u0066ied":2})", "ok|||"},
      {"between others", R"({"a":1,"code":2,"b":3,"verified":4})", R"(ok|||,"a":1,"b":3)"},
  };
  check(rows);
  BOOST_TEST(read(R"({"size":1,"content_type":2,"etag":3,"last_modified":4,"a":5})", true) ==
             R"(ok|||,"a":5)");
  BOOST_TEST(read(R"({"a":{"size":1,"etag":3}})", true) == R"(ok|||,"a":{"size":1,"etag":3})");
}

BOOST_AUTO_TEST_CASE(of_what_comes_twice_the_first_counts) {
  const Row rows[] = {
      {"success", R"({"success":false,"success":true})", "no|||"},
      {"success the other way", R"({"success":true,"success":false})", "ok|||"},
      {"an error", R"({"error":"a","error":null})", "no|a||"},
      {"an error the other way", R"({"error":null,"error":"a"})", "ok|||"},
      {"a flag", R"({"preventRetry":true,"preventRetry":false})", "ok|||"},
      {"another", R"({"a":1,"b":2,"a":3})", R"(ok|||,"a":1,"b":2)"},
      {"below", R"({"a":{"x":1,"x":2}})", R"(ok|||,"a":{"x":1})"},
      {"in a list", R"({"a":[{"x":1,"x":2}]})", R"(ok|||,"a":[{"x":1}])"},
      {"written in two ways", R"({"a":1,"\u0061":2})", R"(ok|||,"a":1)"},
      {"three times", R"({"a":1,"a":2,"a":3})", R"(ok|||,"a":1)"},
  };
  check(rows);
}

BOOST_AUTO_TEST_CASE(what_would_reach_a_prototype_is_left_out) {
  const Row rows[] = {
      {"at the top", R"({"__proto__":{"admin":true},"a":1})", R"(ok|||,"a":1)"},
      {"below", R"({"a":{"__proto__":1,"b":2}})", R"(ok|||,"a":{"b":2})"},
      {"far below", R"({"a":{"b":{"c":{"__proto__":1}}}})", R"(ok|||,"a":{"b":{"c":{}}})"},
      {"in a list", R"({"a":[{"__proto__":1},[{"__proto__":1,"b":2}]]})", R"(ok|||,"a":[{},[{"b":2}]])"},
      {"with escapes", R"({"\u005f_proto__":1})", "ok|||"},
      {"by the constructor", R"({"constructor":{"prototype":{"x":1},"y":2}})",
       R"(ok|||,"constructor":{"y":2})"},
      {"by a constructor below", R"({"a":[{"constructor":{"prototype":1}}]})",
       R"(ok|||,"a":[{"constructor":{}}])"},
      {"twice", R"({"__proto__":1,"__proto__":2})", "ok|||"},
      {"a constructor stays", R"({"constructor":1})", R"(ok|||,"constructor":1)"},
      {"a prototype stays", R"({"prototype":{"a":1}})", R"(ok|||,"prototype":{"a":1})"},
      {"a list between", R"({"constructor":[{"prototype":1}]})", R"(ok|||,"constructor":[{"prototype":1}])"},
      {"longer by a NUL", R"({"__proto__\u0000":1})", R"(ok|||,"__proto__\u0000":1)"},
  };
  check(rows);
}

BOOST_AUTO_TEST_CASE(what_is_no_object_is_nothing) {
  const Row rows[] = {
      {"empty", "", "nothing"},
      {"white space", " \n", "nothing"},
      {"a list", "[]", "nothing"},
      {"a list of objects", R"([{"success":true}])", "nothing"},
      {"text", R"("ok")", "nothing"},
      {"a number", "1", "nothing"},
      {"true", "true", "nothing"},
      {"null", "null", "nothing"},
      {"HTML", "<html></html>", "nothing"},
      {"cut off", R"({"a":1)", "nothing"},
      {"cut off in a text", R"({"a":"b)", "nothing"},
      {"something behind it", "{} x", "nothing"},
      {"two objects", "{}{}", "nothing"},
      {"a NUL behind it", "{}\0"s, "nothing"},
      {"a NUL and more behind it", "{}\0 x"s, "nothing"},
      {"a NUL in a text", "{\"a\":\"b\0c\"}"s, "nothing"},
      {"a NUL before it", "\0{}"s, "nothing"},
      {"a comma at the end", R"({"a":1,})", "nothing"},
      {"single quotes", "{'a':1}", "nothing"},
      {"names without quotes", "{a:1}", "nothing"},
      {"a comment", "{} // yes", "nothing"},
      {"not a number", R"({"a":NaN})", "nothing"},
      {"infinity", R"({"a":Infinity})", "nothing"},
      {"a number beyond all bounds", R"({"a":1e999})", "nothing"},
      {"a number just beyond them", R"({"a":[11e308]})", "nothing"},
      {"a number that begins with 0", R"({"a":01})", "nothing"},
      {"a raw line feed in a text", "{\"a\":\"b\nc\"}", "nothing"},
      {"an unknown escape", R"({"a":"\x"})", "nothing"},
      {"a cut escape", R"({"a":"\u00"})", "nothing"},
      {"no UTF-8", "{\"a\":\"\xff\"}", "nothing"},
      {"no UTF-8 in a name", "{\"\xff\":1}", "nothing"},
      {"Latin-1", "{\"a\":\"\xe4\"}", "nothing"},
      {"an overlong form", "{\"a\":\"\xc0\xaf\"}", "nothing"},
      {"a surrogate in bytes", "{\"a\":\"\xed\xa0\x80\"}", "nothing"},
      {"a high surrogate alone", R"({"a":"\ud800"})", "nothing"},
      {"a low surrogate alone", R"({"a":"\udc00"})", "nothing"},
      {"a low surrogate alone in a name", R"({"\udc00":1})", "nothing"},
      {"a low surrogate alone, below", R"({"a":[{"b":"\udfff"}]})", "nothing"},
      {"surrogates the wrong way round", R"({"a":"\ude00\ud83d"})", "nothing"},
      {"UTF-16", "{\0}\0"s, "nothing"},
  };
  check(rows);
}

BOOST_AUTO_TEST_CASE(depth_is_bounded) {
  const auto lists = [](std::size_t n) { return repeated("[", n) + repeated("]", n); };
  const auto objects = [](std::size_t n) { return repeated(R"({"a":)", n) + "1" + repeated("}", n); };
  static_assert(HookAnswer::kMaxDepth == 32);
  BOOST_TEST(read(R"({"a":)" + lists(31) + "}") == R"(ok|||,"a":)" + lists(31));
  BOOST_TEST(read(R"({"a":)" + lists(32) + "}") == "nothing");
  BOOST_TEST(read(objects(32)) == R"(ok|||,"a":)" + objects(31));
  BOOST_TEST(read(objects(33)) == "nothing");
  BOOST_TEST(read(R"({"__proto__":)" + lists(32) + "}") == "nothing");
  BOOST_TEST(read(R"({"a":)" + lists(30000) + "}") == "nothing");
  BOOST_TEST(read(objects(10000)) == "nothing");
  BOOST_TEST(read(repeated("[", 60000)) == "nothing");
}

BOOST_AUTO_TEST_CASE(texts_are_written_as_json) {
  struct Text {
    const char* name;
    std::string text;
    std::string json;
  };
  const Text rows[] = {
      {"empty", "", R"("")"},
      {"plain", "abc", R"("abc")"},
      {"quotes", "a\"b", R"("a\"b")"},
      {"backslash", "a\\b", R"("a\\b")"},
      {"control characters", "\x01\n\x1f", R"("\u0001\n\u001F")"},
      {"a NUL", "a\0b"s, R"("a\u0000b")"},
      {"UTF-8", "\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
      {"no UTF-8", "a\xff\xc3\xa4z", R"("a???z")"},
      {"a character cut off", "a\xc3", R"("a?")"},
  };
  for (const Text& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(json_string(row.text) == row.json);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
