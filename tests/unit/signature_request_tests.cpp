#include "core/signature_request.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// `PUT <bloburi>`, or the refusal.
std::string outcome(std::string_view query) {
  std::string buffer = "left from the request before";
  const auto request = SignatureRequest::parse(query, buffer);
  if (!request) return show(request.error());
  return std::string(name_of(request->verb)).append(" ").append(request->blob_uri);
}

/// `<size> <type> <part>`, `-` for what was not said, or the refusal.
std::string hints(std::string_view query) {
  std::string buffer;
  const auto request = SignatureRequest::parse("bloburi=x&_method=PUT&" + std::string(query), buffer);
  if (!request) return show(request.error());
  BOOST_TEST(request->blob_uri == "x");
  const auto number = [](const auto& value) { return value ? std::to_string(*value) : "-"; };
  const UploadHints& said = request->hints;
  return number(said.size) + " " + (said.type.empty() ? "-" : std::string(said.type)) + " " +
         number(said.part);
}

constexpr const char* kTwice = "duplicate_parameter | query | gives _method or bloburi more than once | ";
constexpr const char* kHintTwice =
    "duplicate_parameter | query | gives qqsize, qqtype or qqpart more than once | ";
constexpr const char* kBadEscape = "bad_encoding | query | has a malformed percent escape | ";
constexpr const char* kBadSize =
    "bad_request | qqsize | must be a number of bytes that Azure stores in one blob | ";
constexpr const char* kBadType = "bad_request | qqtype | must be a media type such as image/png | ";
constexpr const char* kBadPart =
    "bad_request | qqpart | must be a number below 50000, as Azure takes no more parts | ";
constexpr const char* kBadMethod = "bad_method | _method | must be PUT or DELETE | ";
constexpr const char* kNoMethod = "missing_parameter | _method | is missing | ";
constexpr const char* kNoUri = "missing_parameter | bloburi | is missing | ";

}  // namespace

BOOST_AUTO_TEST_SUITE(signature_request_tests)

BOOST_AUTO_TEST_CASE(what_the_client_sends_is_read) {
  struct Row {
    const char* name;
    std::string_view query;
    std::string_view request;
  };
  const Row rows[] = {
      {"as Fine Uploader sends it",
       "bloburi=https%3A%2F%2Fh%2Fc%2Fn.txt&_method=PUT&qqtimestamp=1700000000000", "PUT https://h/c/n.txt"},
      {"in another order", "_method=DELETE&bloburi=x", "DELETE x"},
      {"plus is a space, %2B a plus", "bloburi=a+b%2Bc&_method=PUT", "PUT a b+c"},
      {"a name that Chromium sent", "bloburi=a+b%23c%3Fd%2520e%2Bf&_method=PUT", "PUT a b#c?d%20e+f"},
      {"quotes bare", "bloburi=!'()*~-_.&_method=PUT", "PUT !'()*~-_."},
      {"the same escaped", "bloburi=%21%27%28%29%2A%7E%2D%5F%2E&_method=PUT", "PUT !'()*~-_."},
      {"no timestamp", "bloburi=x&_method=PUT", "PUT x"},
      {"an empty timestamp", "bloburi=x&_method=PUT&qqtimestamp=", "PUT x"},
      {"a repeated timestamp", "qqtimestamp=1&bloburi=x&qqtimestamp=1&_method=PUT&qqtimestamp=1", "PUT x"},
      {"a timestamp that is no number", "bloburi=x&_method=PUT&qqtimestamp=%%%", "PUT x"},
      {"the page's own arguments", "tenant=a&bloburi=x&_method=PUT", "PUT x"},
      {"empty pairs", "&&bloburi=x&&&_method=PUT&", "PUT x"},
      {"escaped parameter names", "%62loburi=x&%5Fmethod=PUT", "PUT x"},
      {"an escaped verb", "bloburi=x&_method=%50UT", "PUT x"},
      {"an equals sign in the name", "bloburi=a=b==&_method=PUT", "PUT a=b=="},
      {"an empty name is left to the endpoint table", "bloburi=&_method=PUT", "PUT "},
      {"a decoded ampersand does not end it", "bloburi=a%26_method=DELETE&_method=PUT",
       "PUT a&_method=DELETE"},
      {"bytes are left to the blob's name", "bloburi=%00%ff&_method=PUT", "PUT \0\xff"sv},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.query) == row.request);
    }
  }
}

BOOST_AUTO_TEST_CASE(everything_else_is_refused) {
  struct Row {
    const char* name;
    const char* query;
    const char* refusal;
  };
  constexpr Row kRows[] = {
      {"no query", "", kNoMethod},
      {"only separators", "&&&", kNoMethod},
      {"only the timestamp", "qqtimestamp=1", kNoMethod},
      {"no _method", "bloburi=x", kNoMethod},
      {"no bloburi", "_method=PUT", kNoUri},
      {"the name that the documentation writes", "_bloburi=x&_method=PUT", kNoUri},
      {"names in another case", "BLOBURI=x&_method=PUT", kNoUri},
      {"_METHOD", "bloburi=x&_METHOD=PUT", kNoMethod},
      {"a blank behind a parameter's name", "bloburi+=x&_method=PUT", kNoUri},
      {"method without underscore", "bloburi=x&method=PUT", kNoMethod},
      {"an empty verb", "bloburi=x&_method=", kBadMethod},
      {"a verb without equals sign", "bloburi=x&_method", kBadMethod},
      {"lower case", "bloburi=x&_method=put", kBadMethod},
      {"mixed case", "bloburi=x&_method=Delete", kBadMethod},
      {"GET", "bloburi=x&_method=GET", kBadMethod},
      {"POST", "bloburi=x&_method=POST", kBadMethod},
      {"two verbs in one", "bloburi=x&_method=PUT%2CDELETE", kBadMethod},
      {"a blank behind the verb", "bloburi=x&_method=PUT+", kBadMethod},
      {"a NUL behind the verb", "bloburi=x&_method=PUT%00", kBadMethod},
      {"a line feed behind the verb", "bloburi=x&_method=PUT%0A", kBadMethod},
      {"verb twice", "bloburi=x&_method=PUT&_method=DELETE", kTwice},
      {"verb twice, the same", "_method=PUT&bloburi=x&_method=PUT", kTwice},
      {"verb twice, one name escaped", "bloburi=x&_method=PUT&%5fmethod=DELETE", kTwice},
      {"bloburi twice", "bloburi=x&bloburi=y&_method=PUT", kTwice},
      {"bloburi twice, one empty", "bloburi=x&bloburi=&_method=PUT", kTwice},
      {"bloburi twice, one without value", "bloburi&bloburi=x&_method=PUT", kTwice},
      {"a lone percent sign in bloburi", "bloburi=100%&_method=PUT", kBadEscape},
      {"a broken escape in bloburi", "bloburi=a%2&_method=PUT", kBadEscape},
      {"no hexadecimal digits in bloburi", "bloburi=a%zz&_method=PUT", kBadEscape},
      {"a broken escape in _method", "bloburi=x&_method=%5", kBadEscape},
      {"a broken escape in a name", "bloburi=x&_method=PUT&%zz=1", kBadEscape},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.query) == row.refusal);
    }
  }
}

BOOST_AUTO_TEST_CASE(hints_are_read) {
  const struct {
    const char* name;
    std::string query;
    std::string said;
  } rows[] = {
      {"none", "", "- - -"},
      {"as blobvalet.js sends them for a part", "qqsize=1073741824&qqtype=video%2Fmp4&qqpart=17",
       "1073741824 video/mp4 17"},
      {"for a whole file", "qqtype=text%2Fplain&qqsize=5", "5 text/plain -"},
      {"an empty file", "qqsize=0", "0 - -"},
      {"the largest blob", "qqsize=209715200000000", "209715200000000 - -"},
      {"the first part", "qqpart=0", "- - 0"},
      {"the last part", "qqpart=49999", "- - 49999"},
      {"a type with parameters", "qqtype=audio%2Fwebm%3B+codecs%3D%22vp8%2C+opus%22",
       "- audio/webm; codecs=\"vp8, opus\" -"},
      {"an escaped name and value", "%71qsize=%31%32", "12 - -"},
      {"names of others", "size=-1&type=&part=x&qqfilesize=x&QQSIZE=x&qqsizes=1&qqtypes=x&qqpartindex=x",
       "- - -"},
      {"what bind_request wants", "operation=put_blob&content_type=x&content_length=y", "- - -"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(hints(row.query) == row.said);
    }
  }
}

BOOST_AUTO_TEST_CASE(malformed_hints_are_refused) {
  const struct {
    const char* name;
    std::string query;
    std::string refusal;
  } rows[] = {
      {"size twice", "qqsize=1&qqsize=1", kHintTwice},
      {"type twice", "qqtype=a/b&qqtype=a/b", kHintTwice},
      {"part twice", "qqpart=1&qqpart=2", kHintTwice},
      {"size twice, one name escaped", "qqsize=1&qqs%69ze=1", kHintTwice},
      {"size twice, one empty", "qqsize&qqsize=1", kHintTwice},
      {"no size", "qqsize=", kBadSize},
      {"a size without equals sign", "qqsize", kBadSize},
      {"a negative size", "qqsize=-1", kBadSize},
      {"a positive size", "qqsize=%2B1", kBadSize},
      {"a blank before the size", "qqsize=+1", kBadSize},
      {"a blank behind the size", "qqsize=1+", kBadSize},
      {"a leading zero", "qqsize=01", kBadSize},
      {"a fraction", "qqsize=1.5", kBadSize},
      {"an exponent", "qqsize=1e3", kBadSize},
      {"hexadecimal", "qqsize=0x10", kBadSize},
      {"a NUL behind the size", "qqsize=1%00", kBadSize},
      {"other digits", "qqsize=%D9%A1", kBadSize},
      {"more than Azure stores", "qqsize=209715200000001", kBadSize},
      {"more than 64 bits", "qqsize=18446744073709551617", kBadSize},
      {"NaN", "qqsize=NaN", kBadSize},
      {"undefined", "qqsize=undefined", kBadSize},
      {"no type", "qqtype=", kBadType},
      {"half a type", "qqtype=image", kBadType},
      {"no subtype", "qqtype=image%2F", kBadType},
      {"only a subtype", "qqtype=%2Fpng", kBadType},
      {"two slashes", "qqtype=a%2Fb%2Fc", kBadType},
      {"a blank behind the type", "qqtype=image%2Fpng+", kBadType},
      {"a line feed in the type", "qqtype=image%2Fpng%0A", kBadType},
      {"a NUL in the type", "qqtype=image%2Fpng%00", kBadType},
      {"no ASCII", "qqtype=image%2F%C3%A4", kBadType},
      {"two types", "qqtype=image%2Fpng%2Cimage%2Fgif", kBadType},
      {"a type that is too long", "qqtype=a%2F" + std::string(254, 'b'), kBadType},
      {"no part", "qqpart=", kBadPart},
      {"a negative part", "qqpart=-1", kBadPart},
      {"a part too many", "qqpart=50000", kBadPart},
      {"a huge part", "qqpart=4294967296", kBadPart},
      {"a part that is no number", "qqpart=last", kBadPart},
      {"a broken escape in a hint", "qqtype=image%2", kBadEscape},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(hints(row.query) == row.refusal);
    }
  }
}

BOOST_AUTO_TEST_CASE(verbs_have_one_name_each) {
  BOOST_TEST(name_of(BlobVerb::put) == "PUT");
  BOOST_TEST(name_of(BlobVerb::del) == "DELETE");
  BOOST_TEST((parse_blob_verb("PUT") == BlobVerb::put));
  BOOST_TEST((parse_blob_verb("DELETE") == BlobVerb::del));
  BOOST_TEST(!parse_blob_verb("").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
