#include "core/upload_success.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

const std::string kUuid = "f9a922bd-3007-4393-a76e-925fc009639c";
const std::string kForm = "blob=a.txt&uuid=" + kUuid + "&name=a.txt&container=https%3A%2F%2Fh%2Fc";

/// The four fields and the parameters, or the refusal.
std::string outcome(std::string_view form, const FormLimits& limits = {}) {
  const auto upload = UploadSuccess::parse(form, limits);
  if (!upload) return show(upload.error());
  std::string text = upload->blob + "|" + upload->uuid + "|" + upload->name + "|" + upload->container;
  for (const auto& [name, value] : upload->params)
    text.append("|").append(name).append("=").append(value);
  return text;
}

const std::string kRead = "a.txt|" + kUuid + "|a.txt|https://h/c";
constexpr const char* kBrackets = "bad_request | body | has a key with malformed brackets | ";
constexpr const char* kTwice = "duplicate_parameter | body | gives a key more than once | ";
constexpr const char* kBadEscape = "bad_encoding | body | has a malformed percent escape | ";
constexpr const char* kNoUtf8 = "bad_encoding | body | is not valid UTF-8 | ";
constexpr const char* kNul = "bad_request | body | holds a NUL | ";
constexpr const char* kTooMany = "too_many_fields | body | has too many fields | ";
constexpr const char* kTooDeep = "too_many_fields | body | nests its keys too deeply | ";

}  // namespace

BOOST_AUTO_TEST_SUITE(upload_success_tests)

BOOST_AUTO_TEST_CASE(what_the_client_posts_is_read) {
  struct Row {
    const char* name;
    std::string form;
    std::string read;
  };
  const Row rows[] = {
      {"the documentation's example",
       "blob=f9a922bd-3007-4393-a76e-925fc009639c.txt&uuid=f9a922bd-3007-4393-a76e-925fc009639c&name=rubycsv."
       "txt&"
       "container=http%3A%2F%2Ffineuploaderdev.blob.core.windows.net%2Fdev",
       "f9a922bd-3007-4393-a76e-925fc009639c.txt|f9a922bd-3007-4393-a76e-925fc009639c|rubycsv.txt|"
       "http://fineuploaderdev.blob.core.windows.net/dev"},
      {"in another order", "container=c&name=n&uuid=" + kUuid + "&blob=b", "b|" + kUuid + "|n|c"},
      {"a uuid in capitals", "blob=b&uuid=F9A922BD-3007-4393-A76E-925FC009639C&name=n&container=c",
       "b|F9A922BD-3007-4393-A76E-925FC009639C|n|c"},
      {"parameters", kForm + "&color=deep+blue&n=%2B1", kRead + "|color=deep blue|n=+1"},
      {"nested objects", kForm + "&user%5Bn%5D=1&user%5Bdeep%5D%5Bx%5D=2",
       kRead + "|user[n]=1|user[deep][x]=2"},
      {"arrays", kForm + "&tags%5B0%5D=a&tags%5B1%5D=b", kRead + "|tags[0]=a|tags[1]=b"},
      {"an array without index", kForm + "&tags[]=a", kRead + "|tags[]=a"},
      {"empty arrays and objects come as empty pairs", kForm + "&&&", kRead},
      {"empty pairs first", "&&" + kForm, kRead},
      {"null and undefined come as words", kForm + "&a=null&b=undefined", kRead + "|a=null|b=undefined"},
      {"a key without value", kForm + "&flag", kRead + "|flag="},
      {"a scaled image", kForm + "&qqparentuuid=" + kUuid + "&qqparentsize=12",
       kRead + "|qqparentuuid=" + kUuid + "|qqparentsize=12"},
      {"a name is no identity: nested ones are parameters", kForm + "&blob%5Bx%5D=evil",
       kRead + "|blob[x]=evil"},
      {"keys differ by case", kForm + "&Blob=evil", kRead + "|Blob=evil"},
      {"control characters but NUL are values", kForm + "&note=a%0d%0ab", kRead + "|note=a\r\nb"},
      {"a name of Unicode", "blob=b&uuid=" + kUuid + "&name=%F0%9F%98%80&container=c",
       "b|" + kUuid + "|\xf0\x9f\x98\x80|c"},
      {"an escaped key", "%62lob=b&uuid=" + kUuid + "&name=n&container=c", "b|" + kUuid + "|n|c"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.form) == row.read);
    }
  }
}

BOOST_AUTO_TEST_CASE(faulty_forms_are_refused) {
  struct Row {
    const char* name;
    std::string form;
    std::string refusal;
  };
  const Row rows[] = {
      {"nothing", "", "missing_parameter | blob | is missing | "},
      {"no blob", "uuid=" + kUuid + "&name=n&container=c", "missing_parameter | blob | is missing | "},
      {"no uuid", "blob=b&name=n&container=c", "missing_parameter | uuid | is missing | "},
      {"no name", "blob=b&uuid=" + kUuid + "&container=c", "missing_parameter | name | is missing | "},
      {"no container", "blob=b&uuid=" + kUuid + "&name=n", "missing_parameter | container | is missing | "},
      {"an empty blob", "blob=&uuid=" + kUuid + "&name=n&container=c",
       "missing_parameter | blob | is missing | "},
      {"JSON", R"({"blob":"a.txt"})", "missing_parameter | blob | is missing | "},
      {"blob twice", kForm + "&blob=b", kTwice},
      {"blob twice, the same", kForm + "&blob=a.txt", kTwice},
      {"blob twice, one key escaped", kForm + "&%62%6c%6f%62=b", kTwice},
      {"uuid twice", kForm + "&uuid=" + kUuid, kTwice},
      {"a parameter twice", kForm + "&a=1&a=1", kTwice},
      {"a nested parameter twice", kForm + "&a[b]=1&a%5Bb%5D=2", kTwice},
      {"an array without indices", kForm + "&a[]=1&a[]=2", kTwice},
      {"the empty key twice", kForm + "&=1&=2", kTwice},
      {"a lone percent sign", kForm + "&a=100%", kBadEscape},
      {"a broken escape", kForm + "&a=%4", kBadEscape},
      {"a broken escape in a key", kForm + "&%zz=1", kBadEscape},
      {"a value that is no UTF-8", kForm + "&a=%ff", kNoUtf8},
      {"a raw byte that is no UTF-8", kForm + "&a=\xff", kNoUtf8},
      {"a key that is no UTF-8", kForm + "&%ff=1", kNoUtf8},
      {"an overlong slash", kForm + "&a=%c0%af", kNoUtf8},
      {"a surrogate", kForm + "&a=%ed%a0%80", kNoUtf8},
      {"a NUL in a value", kForm + "&a=%00", kNul},
      {"a NUL in a key", kForm + "&a%00=1", kNul},
      {"a NUL in the blob", "blob=a%00.txt&uuid=" + kUuid + "&name=n&container=c", kNul},
      {"an opening bracket alone", kForm + "&a%5B=1", kBrackets},
      {"a closing bracket alone", kForm + "&a%5D=1", kBrackets},
      {"brackets the wrong way round", kForm + "&a%5Db%5B=1", kBrackets},
      {"a bracket first", kForm + "&%5Ba%5D=1", kBrackets},
      {"text behind brackets", kForm + "&a[b]c=1", kBrackets},
      {"brackets within brackets", kForm + "&a[b[c]]=1", kBrackets},
      {"brackets not closed", kForm + "&a[b][c=1", kBrackets},
      {"closed twice", kForm + "&a[b]]=1", kBrackets},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.form) == row.refusal);
    }
  }
}

// RFC 9562 section 4.
BOOST_AUTO_TEST_CASE(a_uuid_has_one_shape) {
  const std::string rows[] = {
      "x",
      "f9a922bd30074393a76e925fc009639c",
      "{f9a922bd-3007-4393-a76e-925fc009639c}",
      "f9a922bd-3007-4393-a76e-925fc009639",
      "f9a922bd-3007-4393-a76e-925fc009639c0",
      "f9a922bd-3007-4393-a76e-925fc009639g",
      "f9a922bd-3007-4393-a76e_925fc009639c",
      "f9a922b-d3007-4393-a76e-925fc009639c",
      "-9a922bd-3007-4393-a76e-925fc009639c",
      "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
      " f9a922bd-3007-4393-a76e-925fc009639c",
      "f9a922bd-3007-4393-a76e-925fc009639c ",
      "f9a922bd-3007-4393-a76e-925fc009639c\n",
      "../../../../../../../../../../../../",
  };
  for (const std::string& uuid : rows) {
    BOOST_TEST_CONTEXT(uuid) {
      BOOST_TEST(outcome("blob=b&uuid=" + escaped(uuid) + "&name=n&container=c") ==
                 "bad_uuid | uuid | must be 8-4-4-4-12 hexadecimal digits | ");
    }
  }
}

BOOST_AUTO_TEST_CASE(the_form_is_bounded) {
  const auto with = [](std::size_t fields) {
    std::string form = kForm;
    for (std::size_t i = 4; i < fields; ++i)
      form.append("&p").append(std::to_string(i)).append("=x");
    return form;
  };
  BOOST_TEST(outcome(with(256)).starts_with(kRead));
  BOOST_TEST(outcome(with(257)) == kTooMany);
  BOOST_TEST(outcome(with(10000)) == kTooMany);
  BOOST_TEST(outcome(kForm, {.max_fields = 4}) == kRead);
  BOOST_TEST(outcome(kForm + "&a=1", {.max_fields = 4}) == kTooMany);
  BOOST_TEST(outcome(kForm + repeated("&", 10000)) == kRead, "empty pairs are no fields");

  const auto deep = [](std::size_t depth) { return kForm + "&a" + repeated("[b]", depth - 1) + "=1"; };
  BOOST_TEST(outcome(deep(8)).starts_with(kRead));
  BOOST_TEST(outcome(deep(9)) == kTooDeep);
  BOOST_TEST(outcome(deep(10000)) == kTooDeep);
  BOOST_TEST(outcome(kForm + "&a[b]=1", {.max_depth = 1}) == kTooDeep);
  BOOST_TEST(outcome(deep(1), {.max_depth = 1}) == kRead + "|a=1");
}

BOOST_AUTO_TEST_CASE(the_blob_uri_is_what_the_signature_request_named) {
  UploadSuccess upload;
  upload.container = "https://h/c/prefix/";
  upload.blob = "a b#c.txt";
  BOOST_TEST(upload.blob_uri() == "https://h/c/prefix//a b#c.txt");
}

BOOST_AUTO_TEST_CASE(forms_of_utf8_are_accepted) {
  constexpr const char* kRows[] = {
      "application/x-www-form-urlencoded",
      "Application/X-WWW-Form-URLEncoded",
      "application/x-www-form-urlencoded; charset=UTF-8",
      "application/x-www-form-urlencoded;charset=utf-8",
      "application/x-www-form-urlencoded ; CharSet=\"Utf-8\"",
      "application/x-www-form-urlencoded;",
      "application/x-www-form-urlencoded; boundary=x; charset=utf-8",
      " application/x-www-form-urlencoded\t",
  };
  for (const char* type : kRows) {
    BOOST_TEST_CONTEXT(type) {
      BOOST_TEST(is_form_content_type(type));
    }
  }
}

BOOST_AUTO_TEST_CASE(other_content_types_are_refused) {
  constexpr const char* kRows[] = {
      "",
      ";",
      "charset=utf-8",
      "application/json",
      "text/plain;charset=UTF-8",
      "multipart/form-data; boundary=x",
      "application/x-www-form-urlencode",
      "application/x-www-form-urlencodedx",
      "application/x-www-form-urlencoded, text/plain",
      "application/x-www-form-urlencoded text/plain",
      "text/plain; application/x-www-form-urlencoded",
      "application /x-www-form-urlencoded",
      "application/x-www-form-urlencoded; charset=iso-8859-1",
      "application/x-www-form-urlencoded; charset=utf-16",
      "application/x-www-form-urlencoded; charset=utf8",
      "application/x-www-form-urlencoded; charset=",
      "application/x-www-form-urlencoded; charset=\"utf-8",
      "application/x-www-form-urlencoded; charset=\"\"",
      "application/x-www-form-urlencoded; charset=utf-8; charset=iso-8859-1",
      "application/x-www-form-urlencoded; charset",
  };
  for (const char* type : kRows) {
    BOOST_TEST_CONTEXT(type) {
      BOOST_TEST(!is_form_content_type(type));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
