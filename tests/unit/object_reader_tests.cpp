#include "core/object_reader.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace std::literals;

namespace {

constexpr const char* kObject = R"({
  "text": "a\u0000b", "empty": "", "zero": 0, "most": 4294967295, "large": 4294967296,
  "largest": 18446744073709551615, "too_large": 18446744073709551616, "negative": -1, "fraction": 1.5,
  "whole_fraction": 1.0, "yes": true, "no": false, "null": null,
  "list": ["a", 1, "b", null, ["c"]], "object": {"inner": {"text": "x"}}, "objects": [{"text": "x"}, 2, {}]
})";

rapidjson::Document parsed(const char* json) {
  rapidjson::Document document;
  document.Parse(json);
  BOOST_REQUIRE(!document.HasParseError());
  return document;
}

struct Bench {
  rapidjson::Document document = parsed(kObject);
  ObjectReader root{&document, ""};
};

const std::vector<const char*> kNames = {
    "text",           "empty", "zero", "most", "large", "largest", "too_large", "negative", "fraction",
    "whole_fraction", "yes",   "no",   "null", "list",  "object",  "objects",   "absent"};

/// The members that `read` finds something in.
template <class Read>
std::string found_by(Read read) {
  const Bench bench;
  std::string names;
  for (const char* name : kNames) {
    if (read(bench.root, name)) names.append(names.empty() ? "" : " ").append(name);
  }
  return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(object_reader_tests)

// The schema check reports the wrong ones.
BOOST_AUTO_TEST_CASE(a_member_of_another_type_reads_as_absent) {
  const auto finds = [](auto method) {
    return found_by(
        [=](const ObjectReader& reader, const char* name) { return (reader.*method)(name).has_value(); });
  };
  BOOST_TEST(finds(&ObjectReader::text) == "text empty");
  BOOST_TEST(finds(&ObjectReader::number) == "zero most");
  BOOST_TEST(finds(&ObjectReader::large_number) == "zero most large largest");
  BOOST_TEST(finds(&ObjectReader::milliseconds) == "zero most");
  BOOST_TEST(finds(&ObjectReader::boolean) == "yes no");
  BOOST_TEST(found_by([](const ObjectReader& reader, const char* name) {
               return !reader.texts(name).empty();
             }) == "list");
  BOOST_TEST(found_by([](const ObjectReader& reader, const char* name) {
               return !reader.object(name).names().empty();
             }) == "object");
  BOOST_TEST(
      found_by([](const ObjectReader& reader, const char* name) { return reader.has(name); }) ==
      "text empty zero most large largest too_large negative fraction whole_fraction yes no null list object "
      "objects");
}

BOOST_AUTO_TEST_CASE(values_are_read_whole) {
  const Bench bench;
  BOOST_TEST(bench.root.text("text").value() == "a\0b"s);
  BOOST_TEST(bench.root.number("most").value() == 4294967295U);
  BOOST_TEST(bench.root.large_number("largest").value() == 18446744073709551615U);
  BOOST_TEST((bench.root.milliseconds("most").value() == 4294967295ms));
  BOOST_TEST(bench.root.boolean("yes").value());
  BOOST_TEST(!bench.root.boolean("no").value());
  BOOST_TEST(bench.root.texts("list") == (std::vector<std::string>{"a", "b"}),
             boost::test_tools::per_element());
  BOOST_TEST(bench.root.object("object").names() == std::vector<std::string>{"inner"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(paths_say_where_a_member_stands) {
  const Bench bench;
  BOOST_TEST(bench.root.path() == "");
  BOOST_TEST(bench.root.path_of("text") == "text");
  const ObjectReader inner = bench.root.object("object").object("inner");
  BOOST_TEST(inner.path() == "object.inner");
  BOOST_TEST(inner.path_of("text") == "object.inner.text");
  BOOST_TEST(inner.text("text").value() == "x");
  const auto objects = bench.root.objects("objects");
  BOOST_REQUIRE_EQUAL(objects.size(), 3U);
  BOOST_TEST(objects[0].path_of("text") == "objects[0].text");
  BOOST_TEST(objects[0].text("text").value() == "x");
  BOOST_TEST(objects[1].path() == "objects[1]");
  BOOST_TEST(objects[1].names().empty());
}

// What is missing, or is no object, has nothing in it, however deep one asks.
BOOST_AUTO_TEST_CASE(nothing_is_found_in_nothing) {
  const Bench bench;
  for (const char* name : {"absent", "null", "text", "list", "zero"}) {
    BOOST_TEST_CONTEXT(name) {
      const ObjectReader reader = bench.root.object(name).object("further");
      BOOST_TEST(reader.path() == std::string(name) + ".further");
      BOOST_TEST(reader.member("text") == nullptr);
      BOOST_TEST(!reader.has("text"));
      BOOST_TEST(!reader.text("text").has_value());
      BOOST_TEST(reader.objects("text").empty());
      BOOST_TEST(reader.names().empty());
    }
  }
  BOOST_TEST(ObjectReader(nullptr, "x").names().empty());
}

BOOST_AUTO_TEST_SUITE_END()
