#include "core/delegation_key_text.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr const char* kText =
    "blobvalet-user-delegation-key 1\n"
    "origin 0123abcd\n"
    "skoid f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n"
    "sktid 72f988bf-86f1-41af-91ab-2d7cd011db47\n"
    "skt 2026-03-01T11:45:00Z\n"
    "ske 2026-03-04T12:00:00Z\n"
    "sks b\n"
    "skv 2023-11-03\n"
    "value MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n";

UserDelegationKey full_key() {
  return {"f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
          "72f988bf-86f1-41af-91ab-2d7cd011db47",
          "2026-03-01T11:45:00Z",
          "2026-03-04T12:00:00Z",
          "b",
          "2023-11-03",
          "",
          secret("0123456789abcdef0123456789abcdef"),
          at("2026-03-01T11:45:00Z"),
          at("2026-03-04T12:00:00Z")};
}

/// The text with `now` in place of `old`.
std::string text_with(std::string_view old, std::string_view now) {
  std::string text(kText);
  const std::size_t found = text.find(old);
  BOOST_REQUIRE_NE(found, std::string::npos);
  return text.replace(found, old.size(), now);
}

/// All that a key has, or `none`.
std::string show(const std::optional<DelegationKeyText>& read) {
  if (!read) return "none";
  const UserDelegationKey& key = read->key;
  const UtcText not_before(key.not_before);
  const UtcText not_after(key.not_after);
  std::string text = read->origin;
  for (const std::string_view part :
       {std::string_view(key.object_id), std::string_view(key.tenant_id), std::string_view(key.start),
        std::string_view(key.expiry), std::string_view(key.service), std::string_view(key.version),
        std::string_view(key.user_tenant_id), not_before.view(), not_after.view(), reveal_text(key.value)})
    text.append(" ").append(part);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(delegation_key_text_tests)

BOOST_AUTO_TEST_CASE(a_key_is_a_line_for_each_member) {
  const SecretBytes text = delegation_key_text(full_key(), "0123abcd");
  BOOST_TEST(reveal_text(text) == kText);
}

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
  BOOST_TEST(show(DelegationKeyText::parse(kText)) ==
             "0123abcd f81d4fae-7dec-11d0-a765-00a0c91e6bf6 72f988bf-86f1-41af-91ab-2d7cd011db47 "
             "2026-03-01T11:45:00Z "
             "2026-03-04T12:00:00Z b 2023-11-03  2026-03-01T11:45:00Z 2026-03-04T12:00:00Z "
             "0123456789abcdef0123456789abcdef");
  // Secrets of all sizes.
  for (const std::size_t size : {16U, 17U, 18U, 32U, 64U}) {
    UserDelegationKey key = full_key();
    key.value = secret(std::string(size, '\xff'));
    const auto read = DelegationKeyText::parse(reveal_text(delegation_key_text(key, "o")));
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST(reveal_text(read->key.value) == std::string(size, '\xff'));
  }
}

BOOST_AUTO_TEST_CASE(any_other_text_is_no_key) {
  struct Row {
    const char* name;
    std::string text;
  };
  const std::string whole(kText);
  const Row rows[] = {
      {"empty", ""},
      {"NULs, as after a crash", std::string(whole.size(), '\0')},
      {"another form of file", text_with("key 1", "key 2")},
      {"a longer first line", text_with("key 1", "key 10")},
      {"a line in front", "\n" + whole},
      {"a byte order mark", "\xef\xbb\xbf" + whole},
      {"lines that end as on Windows", text_with("key 1\n", "key 1\r\n")},
      {"more at the end", whole + "\n"},
      {"twice", whole + whole},
      {"no origin", text_with("origin 0123abcd\n", "")},
      {"an empty origin", text_with("origin 0123abcd", "origin ")},
      {"origin alone", text_with("origin 0123abcd", "origin")},
      {"no object", text_with("skoid f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n", "")},
      {"members in another order", text_with("sks b\nskv 2023-11-03\n", "skv 2023-11-03\nsks b\n")},
      {"a member twice", text_with("sks b\n", "sks b\nsks b\n")},
      {"a longer name", text_with("skt ", "sktt ")},
      {"a tab after the name", text_with("sks b", "sks\tb")},
      {"a start that is none", text_with("skt 2026-03-01T11:45:00Z", "skt 2026-03-01T11:45:00")},
      {"an expiry that is none", text_with("ske 2026-03-04T12:00:00Z", "ske never")},
      {"an expiry before the start", text_with("ske 2026-03-04T12:00:00Z", "ske 2026-03-01T11:44:59Z")},
      {"an expiry at the start", text_with("ske 2026-03-04T12:00:00Z", "ske 2026-03-01T11:45:00Z")},
      {"a value that is no base64", text_with("value MDEy", "value -DEy")},
      {"a value with a blank", text_with("value MDEy", "value  MDEy")},
      {"a short value", text_with("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "MDEyMzQ1Njc4OWFiY2Rl")},
      {"no value", text_with("value MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n", "")},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(show(DelegationKeyText::parse(row.text)) == "none");
    }
  }
}

// Wherever a writer was stopped.
BOOST_AUTO_TEST_CASE(no_beginning_of_a_key_is_one) {
  const std::string whole(kText);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    BOOST_TEST_CONTEXT(size << " bytes") {
      BOOST_TEST(show(DelegationKeyText::parse(whole.substr(0, size))) == "none");
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
