#include "core/sas_url.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

/// `scheme host path name=value&name=value`, with a dash for what is empty.
std::string show(const std::optional<SasUrl>& url) {
  if (!url) return "nothing";
  const auto shown = [](const std::string& text) { return text.empty() ? "-" : text; };
  std::string text = shown(url->scheme) + " " + shown(url->host) + " " + shown(url->path) + " ";
  for (std::size_t i = 0; i < url->parameters.size(); ++i) {
    const SasUrl::Parameter& parameter = url->parameters[i];
    text.append(i == 0 ? "" : "&").append(parameter.name).append(parameter.is_malformed ? "!" : "=");
    text.append(parameter.value);
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sas_url_tests)

BOOST_AUTO_TEST_CASE(what_people_paste_is_read) {
  const struct {
    const char* name;
    std::string_view text;
    std::string expected;
  } kRows[] = {
      {"a URL", "https://acme.blob.core.windows.net/c/a%20b?sp=cw&sig=x%2By",
       "https acme.blob.core.windows.net /c/a%20b sp=cw&sig=x+y"},
      {"a URL without SAS", "http://127.0.0.1:10000/dev/c/a", "http 127.0.0.1:10000 /dev/c/a "},
      {"upper case", "https://ACME.Example/C/A?sig=A", "https acme.example /C/A sig=A"},
      {"no path", "https://acme.example?sig=A", "https acme.example - sig=A"},
      {"a question mark in the name", "https://acme.example/c/what?.txt?sig=A",
       "https acme.example /c/what?.txt sig=A"},
      {"words before and behind", "see https://acme.example/c/a?sig=A please",
       "https acme.example /c/a sig=A"},
      {"a malformed escape", "https://acme.example/c/a?sig=%4", "https acme.example /c/a sig!%4"},
      {"a query with a signature", "sp=cw&sig=A", "- - - sp=cw&sig=A"},
      {"a query with its question mark", "?sp=cw&sig=A", "- - - sp=cw&sig=A"},
      {"a query's first line", "  'sp=cw&sig=A'\nsp=d&sig=B", "- - - sp=cw&sig=A"},
      {"a query without a signature", "?sp=cw", "nothing"},
      {"words", "no address at all", "nothing"},
      {"another scheme", "ftp://acme.example/c/a", "nothing"},
      {"nothing", "", "nothing"},
      {"blanks", " \t\r\n", "nothing"},
  };
  for (const auto& row : kRows)
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(show(SasUrl::parse(row.text)) == row.expected);
    }
}

BOOST_AUTO_TEST_CASE(account_container_and_blob_are_found) {
  const struct {
    const char* name;
    std::string_view url;
    std::string_view endpoint_path;
    std::string_view account;
    std::string expected;  ///< `account|container|blob|encoded blob`
  } kRows[] = {
      {"a configured account", "https://cdn.acme.example/c/a%20b", "", "acme", "acme|c|a b|a%20b"},
      {"by its host", "https://acme.blob.core.windows.net/c/a", "", "", "acme|c|a|a"},
      {"the secondary", "https://acme-secondary.blob.core.windows.net/c/a", "", "", "acme|c|a|a"},
      {"by Internet routing", "https://acme-internetrouting.blob.core.windows.net/c/a", "", "", "acme|c|a|a"},
      {"by Microsoft routing", "https://acme-microsoftrouting.blob.core.windows.net/c/a", "", "",
       "acme|c|a|a"},
      {"by the emulator's path", "http://127.0.0.1:10000/dev/c/a", "/dev", "", "dev|c|a|a"},
      {"folders", "https://acme.example/c/a/b/c", "", "acme", "acme|c|a/b/c|a/b/c"},
      {"the container alone", "https://acme.example/c", "", "acme", "acme|c||"},
      {"the container with a slash", "https://acme.example/c/", "", "acme", "acme|c||"},
      {"no path", "https://acme.example", "", "acme", "acme|||"},
      {"the endpoint alone", "http://127.0.0.1:10000/dev", "/dev", "", "dev|||"},
      {"a malformed escape", "https://acme.example/c/100%", "", "acme", "acme|c|100%|100%"},
  };
  for (const auto& row : kRows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto found = locate(SasUrl::parse(row.url).value(), row.endpoint_path, row.account);
      BOOST_TEST(found.account + "|" + found.container + "|" + found.blob + "|" + found.encoded_blob ==
                 row.expected);
    }
  }
}

BOOST_AUTO_TEST_CASE(emulators_have_the_account_in_the_path) {
  const std::pair<std::string_view, std::string_view> kRows[] = {
      {"http://127.0.0.1:10000/dev/c/a", "/dev"}, {"http://localhost:10000/dev/c/a", "/dev"},
      {"http://localhost/dev", "/dev"},           {"http://127.0.0.1", ""},
      {"http://azurite:10000/dev/c/a", ""},       {"https://acme.blob.core.windows.net/c/a", ""},
  };
  for (const auto& [url, expected] : kRows)
    BOOST_TEST(guess_endpoint_path(SasUrl::parse(url).value()) == expected, url);
}

BOOST_AUTO_TEST_CASE(times_in_the_forms_that_the_service_takes) {
  const std::pair<std::string_view, std::string_view> kRows[] = {
      {"2026-03-01", "2026-03-01T00:00:00Z"},
      {"2026-03-01T12:15Z", "2026-03-01T12:15:00Z"},
      {"2026-03-01T12:15:01Z", "2026-03-01T12:15:01Z"},
      {"2026-03-01T12:15:01.1Z", "2026-03-01T12:15:01Z"},
      {"2026-03-01T12:15:01.1234567Z", "2026-03-01T12:15:01Z"},
      {"2026-03-01T12:15:01.12345678Z", ""},
      {"2026-03-01T12:15:01.12x4Z", ""},
      {"2026-03-01T12:15:01.Z", ""},
      {"2026-03-01T12:15:01", ""},
      {"2026-03-01T12:15:01+01:00", ""},
      {"2026-02-30", ""},
      {"tomorrow", ""},
      {"", ""},
  };
  for (const auto& [text, expected] : kRows) {
    const auto time = parse_sas_time(text);
    BOOST_TEST((time ? std::string(UtcText(*time).view()) : std::string()) == expected, text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
