#include "core/declared_put.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// `put_blob type=... length=... block=...`, or the refusal.
std::string outcome(std::string_view query) {
  std::string buffer = "left from the request before";
  const auto put = DeclaredPut::parse(query, buffer);
  if (!put) return show(put.error());
  constexpr const char* kNames[] = {"put_blob", "put_block", "put_block_list"};
  std::string text = kNames[static_cast<std::size_t>(put->operation)];
  text.append(" type=").append(put->content_type).append(" length=").append(put->content_length);
  text.append(" block=").append(put->block_id);
  BOOST_TEST(put->body_bytes ==
             (put->content_length.empty() ? 0 : std::stoull(std::string(put->content_length))));
  return text;
}

std::string blob(const std::string& type, const std::string& length) {
  return "operation=put_blob&content_type=" + escaped(type) + "&content_length=" + length;
}
std::string block(const std::string& length, const std::string& id) {
  return "operation=put_block&content_length=" + length + "&block_id=" + escaped(id);
}
std::string list(const std::string& type) {
  return "operation=put_block_list&content_type=" + escaped(type);
}

const std::string kTwice =
    "duplicate_parameter | query | gives operation, content_type, content_length or block_id more than once "
    "| ";
const std::string kBadEscape = "bad_encoding | query | has a malformed percent escape | ";
const std::string kBadOperation =
    "bad_request | operation | must be put_blob, put_block or put_block_list | ";
const std::string kBadType = "bad_request | content_type | must be a media type such as image/png | ";
const std::string kBadLength =
    "bad_request | content_length | must be a number of bytes that Azure takes in one request | ";
const std::string kBadBlock = "bad_request | block_id | must be base64 of 1 to 64 bytes | ";

std::string missing(const std::string& name) {
  return "missing_parameter | " + name + " | is missing | ";
}
std::string unused(const std::string& name) {
  return "bad_request | " + name + " | does not belong to this operation | ";
}

/// `name:value` of each bound header, `name=value` of each bound query parameter.
std::string bound(const std::string& query) {
  std::string buffer;
  const auto put = DeclaredPut::parse(query, buffer);
  BOOST_REQUIRE_MESSAGE(put.has_value(), show(put));
  const RequestBinding binding(*put);
  std::string text;
  for (const auto& [name, value] : binding.headers())
    text.append(name).append(":").append(value).append(" ");
  for (const auto& [name, value] : binding.query_parameters())
    text.append(name).append("=").append(value).append(" ");
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(declared_put_tests)

BOOST_AUTO_TEST_CASE(what_a_client_says_is_read) {
  const std::string longest = "application/" + std::string(243, 'x');
  const std::string id_of_64_bytes = repeated("AAAA", 21) + "AA==";
  struct Row {
    const char* name;
    std::string query;
    std::string put;
  };
  const Row rows[] = {
      {"a whole blob", blob("image/png", "5"), "put_blob type=image/png length=5 block="},
      {"among the others, as the page's script sends it",
       "operation=put_blob&content_type=image%2Fpng&content_length=5&bloburi=x&_method=PUT&qqtimestamp=1",
       "put_blob type=image/png length=5 block="},
      {"in another order", "content_length=5&bloburi=x&content_type=a/b&operation=put_blob",
       "put_blob type=a/b length=5 block="},
      {"names escaped", "%6fperation=put_blob&content%5Ftype=a/b&content_length=5",
       "put_blob type=a/b length=5 block="},
      {"empty pairs and other names",
       "&&operation=put_blob&x&content_type=a/b&=&content_length=5&OPERATION=1",
       "put_blob type=a/b length=5 block="},
      {"an empty blob", blob("text/plain", "0"), "put_blob type=text/plain length=0 block="},
      {"the largest blob", blob("a/b", "5242880000"), "put_blob type=a/b length=5242880000 block="},
      {"a type in capitals", blob("Image/PNG", "5"), "put_blob type=Image/PNG length=5 block="},
      {"a type with parameters", blob("audio/webm; codecs=\"vp8, opus\"", "5"),
       "put_blob type=audio/webm; codecs=\"vp8, opus\" length=5 block="},
      {"a blank before the parameters", blob("text/plain ;charset=utf-8", "5"),
       "put_blob type=text/plain ;charset=utf-8 length=5 block="},
      {"a type of all signs", blob("!#$%&'*+-.^_`|~/0aZ", "5"),
       "put_blob type=!#$%&'*+-.^_`|~/0aZ length=5 block="},
      {"the longest type", blob(longest, "5"), "put_blob type=" + longest + " length=5 block="},
      {"a block", block("4000000", "MDAwMDA="), "put_block type= length=4000000 block=MDAwMDA="},
      {"the largest block", block("4194304000", "MDAwMDA="),
       "put_block type= length=4194304000 block=MDAwMDA="},
      {"the smallest block", block("1", "MDAwMDA="), "put_block type= length=1 block=MDAwMDA="},
      {"an id with plus and slash", block("1", "+/+/"), "put_block type= length=1 block=+/+/"},
      {"the longest id", block("1", id_of_64_bytes), "put_block type= length=1 block=" + id_of_64_bytes},
      {"a list", list("text/csv"), "put_block_list type=text/csv length= block="},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.query) == row.put);
    }
  }
}

BOOST_AUTO_TEST_CASE(everything_else_is_refused) {
  const std::string id_of_65_bytes = repeated("AAAA", 21) + "AAA=";
  struct Row {
    const char* name;
    std::string query;
    std::string refusal;
  };
  const Row rows[] = {
      {"nothing said", "", missing("operation")},
      {"as the stock client asks", "bloburi=x&_method=PUT&qqtimestamp=1", missing("operation")},
      {"names in another case", "Operation=put_blob&content_type=a/b&content_length=5", missing("operation")},
      {"an empty operation", "operation=&content_type=a/b&content_length=5", kBadOperation},
      {"an operation in capitals", "operation=PUT_BLOB&content_type=a/b&content_length=5", kBadOperation},
      {"another operation", "operation=put_page&content_type=a/b&content_length=5", kBadOperation},
      {"a NUL behind the operation", "operation=put_blob%00&content_type=a/b&content_length=5",
       kBadOperation},

      {"a blob without type", "operation=put_blob&content_length=5", missing("content_type")},
      {"a blob without length", "operation=put_blob&content_type=a/b", missing("content_length")},
      {"a block without length", "operation=put_block&block_id=AAAA", missing("content_length")},
      {"a block without id", "operation=put_block&content_length=5", missing("block_id")},
      {"a list without type", "operation=put_block_list", missing("content_type")},
      {"a blob with a block", blob("a/b", "5") + "&block_id=AAAA", unused("block_id")},
      {"a block with a type", block("5", "AAAA") + "&content_type=a/b", unused("content_type")},
      {"a list with a length", list("a/b") + "&content_length=5", unused("content_length")},
      {"a list with a block", list("a/b") + "&block_id=AAAA", unused("block_id")},
      {"an empty value is given, too", list("a/b") + "&block_id", unused("block_id")},

      {"operation twice", list("a/b") + "&operation=put_block_list", kTwice},
      {"type twice", list("a/b") + "&content_type=a/b", kTwice},
      {"type twice, one name escaped", list("a/b") + "&content%5ftype=text/html", kTwice},
      {"type twice, one empty", list("a/b") + "&content_type=", kTwice},
      {"length twice", blob("a/b", "5") + "&content_length=6", kTwice},
      {"block twice", block("5", "AAAA") + "&block_id=AAAB", kTwice},
      {"a broken escape in a value", "operation=put_block_list&content_type=a%2", kBadEscape},
      {"a broken escape in a name", list("a/b") + "&%zz=1", kBadEscape},

      {"an empty type", list(""), kBadType},
      {"no slash", list("image"), kBadType},
      {"nothing before the slash", list("/png"), kBadType},
      {"nothing behind the slash", list("image/"), kBadType},
      {"two slashes", list("image/png/x"), kBadType},
      {"only parameters", list(";charset=utf-8"), kBadType},
      {"a blank in front", list(" image/png"), kBadType},
      {"a blank at the end", list("image/png "), kBadType},
      {"a blank at the end of parameters", list("image/png;a=b "), kBadType},
      {"a blank within", list("image/p ng"), kBadType},
      {"two types", list("image/png,text/html"), kBadType},
      {"a line feed, which would begin another signed header", list("image/png\nx-ms-blob-type:PageBlob"),
       kBadType},
      {"a line feed among the parameters", list("image/png;a=\nb"), kBadType},
      {"a line feed at the end", list("image/png\n"), kBadType},
      {"a carriage return", list("image/png;\r"), kBadType},
      {"a tab", list("image/png;\ta=b"), kBadType},
      {"a NUL", list("image/png;"s + '\0'), kBadType},
      {"DEL", list("image/png;\x7f"), kBadType},
      {"beyond ASCII", list("image/png;a=\xc3\xa4"), kBadType},
      {"a byte too long", list("application/" + std::string(244, 'x')), kBadType},

      {"an empty length", blob("a/b", ""), kBadLength},
      {"no number", blob("a/b", "five"), kBadLength},
      {"a leading zero", blob("a/b", "05"), kBadLength},
      {"two zeros", blob("a/b", "00"), kBadLength},
      {"a sign", blob("a/b", "-5"), kBadLength},
      {"a plus", blob("a/b", "%2B5"), kBadLength},
      {"a blank in front", blob("a/b", "+5"), kBadLength},
      {"a blank behind", blob("a/b", "5+"), kBadLength},
      {"hexadecimal", blob("a/b", "0x5"), kBadLength},
      {"an exponent", blob("a/b", "5e3"), kBadLength},
      {"a fraction", blob("a/b", "5.0"), kBadLength},
      {"a line feed behind", blob("a/b", "5%0A"), kBadLength},
      {"a blob a byte too large", blob("a/b", "5242880001"), kBadLength},
      {"a blob beyond 64 bits", blob("a/b", "18446744073709551616"), kBadLength},
      {"an empty block", block("0", "AAAA"), kBadLength},
      {"a block a byte too large", block("4194304001", "AAAA"), kBadLength},

      {"an empty id", block("5", ""), kBadBlock},
      {"an id without padding", block("5", "MDAwMDA"), kBadBlock},
      {"an id in the alphabet for URLs", block("5", "-_-_"), kBadBlock},
      {"an id with stray bits", block("5", "Zh=="), kBadBlock},
      {"an id encoded twice", block("5", "MDAwMDA%3D"), kBadBlock},
      {"a plus that was not escaped", "operation=put_block&content_length=5&block_id=+/+/", kBadBlock},
      {"an id with a line feed", block("5", "AAAA\n"), kBadBlock},
      {"an id a byte too long", block("5", id_of_65_bytes), kBadBlock},
      {"an id far too long", block("5", repeated("AAAA", 1000)), kBadBlock},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.query) == row.refusal);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_operation_binds_what_its_request_carries) {
  BOOST_TEST(bound(blob("image/png", "5")) ==
             "content-type:image/png content-length:5 x-ms-blob-type:BlockBlob ");
  BOOST_TEST(bound(block("5", "MDAwMDA=")) == "content-length:5 comp=block blockid=MDAwMDA= ");
  BOOST_TEST(bound(list("image/png")) == "x-ms-blob-content-type:image/png comp=blocklist ");
  BOOST_TEST(RequestBinding().headers().empty());
  BOOST_TEST(RequestBinding().query_parameters().empty());
}

BOOST_AUTO_TEST_SUITE_END()
